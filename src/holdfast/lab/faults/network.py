"""The way to the gateway: names, addresses, ports and packets."""

from typing import Final

from holdfast.lab.context import Context
from holdfast.lab.faults.proxies import behind
from holdfast.lab.injections import Injection
from holdfast.lab.machine import own_address
from holdfast.lab.plane import free_ports
from holdfast.lab.relays import Conduct
from holdfast.lab.responders import Hole
from holdfast.lab.verdicts import Named, Viewpoint
from holdfast.protocol.limits import PATH


async def _refused(ctx: Context) -> Named | None:
    """Not on loopback where that can be helped: there a container's own loopback is the likelier cause."""
    host = own_address()
    (port,) = free_ports(1, host)
    return await ctx.doctor(f"ws://{host}:{port}{PATH}")


async def _timeout(ctx: Context) -> Named | None:
    hole = await ctx.enter(Hole())
    return await ctx.doctor(f"ws://127.0.0.1:{hole.port}{PATH}", timeout_s=1.5)


async def _wrong_port(ctx: Context) -> None:
    await ctx.agent(path="/agents/register/init")


async def _mtu(ctx: Context) -> Named | None:
    relay, _ = await behind(ctx, Conduct(largest=1200))
    return await ctx.doctor(f"ws://127.0.0.1:{relay.port}{PATH}", timeout_s=2.0)


async def _firewall(ctx: Context) -> Named | None:
    relay, _ = await behind(ctx, Conduct(reset_on=b"Upgrade: websocket"))
    return await ctx.doctor(f"ws://127.0.0.1:{relay.port}{PATH}")


FAULTS: Final = (
    Injection(code="NET-CONN-REFUSED", how="a port where nobody listens", inject=_refused, sees=Viewpoint.DOCTOR),
    Injection(code="NET-CONN-TIMEOUT", how="a port that drops every SYN", inject=_timeout, sees=Viewpoint.DOCTOR),
    Injection(code="NET-WRONG-PORT", how="a path of the Actions API on the gateway's port", inject=_wrong_port),
    Injection(
        code="NET-MTU-BLACKHOLE", how="a relay in which chunks over 1200 bytes vanish", inject=_mtu,
        sees=Viewpoint.DOCTOR,
    ),
    Injection(
        code="NET-FW-RST", how="a relay that resets what asks for an upgrade", inject=_firewall, sees=Viewpoint.DOCTOR
    ),
)  # fmt: skip
