"""Names and routes, as a host in a network of its own sees them."""

import socket
from typing import Final

from holdfast.lab.cells import Cell
from holdfast.lab.commands import HOLDFAST, Process
from holdfast.lab.context import Context
from holdfast.lab.injections import Inject, Injection, Need
from holdfast.lab.nameservers import NameServer
from holdfast.lab.specs import QUICK, PlaneSpec
from holdfast.lab.verdicts import Named, Viewpoint
from holdfast.protocol.limits import PATH

CELLED: Final = PlaneSpec(name="celled", timeouts=QUICK)
NAME: Final = "gateway.lab.example"
RESOLVER: Final = "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n"
HOSTS: Final = "127.0.0.1 localhost\n"


async def _resolving(ctx: Context, *, address: str | None = None, mute: bool = False, hosts: str = HOSTS) -> Cell:
    """A cell whose only resolver gives this answer, or none."""
    cell = await ctx.enter(Cell(ctx.folder))
    await cell.replace({"/etc/resolv.conf": RESOLVER, "/etc/hosts": hosts})
    sock = cell.new_socket(socket.SOCK_DGRAM)
    sock.bind(("127.0.0.53", 53))
    await ctx.enter(NameServer(sock, address=address, mute=mute))
    return cell


async def _nxdomain(ctx: Context) -> Named | None:
    cell = await _resolving(ctx)
    return await ctx.doctor(f"ws://{NAME}:8080{PATH}", prefix=cell.prefix)


async def _mute_resolver(ctx: Context) -> Named | None:
    cell = await _resolving(ctx, mute=True)
    return await ctx.doctor(f"ws://{NAME}:8080{PATH}", prefix=cell.prefix)


async def _stale(ctx: Context) -> Named | None:
    """The hosts file still pins the address from before the move, where the old gateway goes on answering."""
    cell = await _resolving(ctx, address="127.0.0.9", hosts=f"{HOSTS}127.0.0.1 {NAME}\n")
    plane = await ctx.own_plane(CELLED, prefix=cell.prefix)
    return await ctx.doctor(f"ws://{NAME}:{plane.gateway_port}{PATH}", prefix=cell.prefix)


async def _ipv6_first(ctx: Context) -> Named | None:
    cell = await _resolving(ctx, address="127.0.0.1", hosts=f"::1 {NAME}\n127.0.0.1 {NAME}\n")
    plane = await ctx.own_plane(CELLED, prefix=cell.prefix)
    return await ctx.doctor(f"ws://{NAME}:{plane.gateway_port}{PATH}", prefix=cell.prefix)


async def _unreachable(ctx: Context) -> Named | None:
    cell = await ctx.enter(Cell(ctx.folder))
    return await ctx.doctor(f"ws://192.0.2.1:8080{PATH}", prefix=cell.prefix)


async def _container_localhost(ctx: Context) -> Named | None:
    """The gateway answers on the host's loopback; this loopback is another one."""
    cell = await ctx.enter(Cell(ctx.folder))
    return await ctx.doctor(ctx.target.url, prefix=cell.prefix)


async def _gateway_down(ctx: Context) -> Named | None:
    """The Actions API answers on its usual port, the gateway does not."""
    cell = await ctx.enter(Cell(ctx.folder))
    command = [*cell.prefix, *HOLDFAST, "api", "--api-port", "8083", "--data-dir", str(ctx.folder / "data")]
    api = await Process.start([*command, "--log-format", "json"], ctx.folder / "api.log")
    try:
        await api.wait_for_output("control-plane.started")
        await cell.run("ip", "address", "add", "198.51.100.7/32", "dev", "lo")
        return await ctx.doctor(f"ws://127.0.0.1:8080{PATH}", prefix=cell.prefix)
    finally:
        await api.stop()


def _row(code: str, how: str, inject: Inject) -> Injection:
    return Injection(code=code, how=how, inject=inject, sees=Viewpoint.DOCTOR, needs=(Need.NETNS,))


FAULTS: Final = (
    _row("NET-DNS-NXDOMAIN", "a resolver that denies the name", _nxdomain),
    _row("NET-DNS-TIMEOUT", "a resolver that does not answer", _mute_resolver),
    _row("NET-DNS-STALE", "a hosts file that pins another address than the resolver gives", _stale),
    _row("NET-IPV6-FIRST", "a name that is ::1 first, and a gateway on IPv4", _ipv6_first),
    _row("NET-UNREACHABLE", "a network without a route", _unreachable),
    _row("NET-CONTAINER-LOCALHOST", "127.0.0.1 in another network than the gateway's", _container_localhost),
    _row("SRV-GATEWAY-DOWN", "an Actions API without its gateway", _gateway_down),
)
