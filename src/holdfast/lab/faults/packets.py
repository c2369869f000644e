"""What happens to packets: dropped, lost, forgotten. Played by a packet filter in a network of its own."""

import secrets
from typing import Final

from holdfast.config.model import Timeouts
from holdfast.lab.cells import Cell
from holdfast.lab.context import Context
from holdfast.lab.injections import Injection, Need
from holdfast.lab.rawagent import RawAgent
from holdfast.lab.rawwire import Place
from holdfast.lab.relays import Conduct, Relay
from holdfast.lab.specs import QUICK, PlaneSpec

PLAIN: Final = PlaneSpec(name="cell", timeouts=QUICK)
# A host sleeps for minutes: ten times as fast, so that the kernel still has time to send again.
DROWSY: Final = PlaneSpec(
    name="drowsy",
    timeouts=Timeouts(ping_interval_s=20, dead_after_s=80, heartbeat_interval_s=26, drain_s=10, silent_close_s=600),
    speed=10.0,
)
FORGETFUL: Final = PlaneSpec(
    name="forgetful",
    timeouts=Timeouts(ping_interval_s=4, dead_after_s=8, heartbeat_interval_s=2, drain_s=1),
)


class Lane:
    """A gateway in a cell, and the agents out here that reach it through the cell's loopback."""

    def __init__(self, ctx: Context, cell: Cell, port: int) -> None:
        self._ctx = ctx
        self.cell = cell
        self.port = port
        self._facts = {"instance": secrets.token_hex(8), "boot_id": "one-boot", "machine_id_hash": "one-machine"}

    @property
    def place(self) -> Place:
        """Where agents connect."""
        return Place(host="127.0.0.1", port=self.port, sockets=self.cell.new_socket)

    async def join(self) -> RawAgent:
        """A new agent, registered."""
        return await self._ctx.registered(place=self.place, facts=self._facts)

    async def rejoin(self, agent: RawAgent) -> RawAgent:
        """The same process on a new connection."""
        again = await self._ctx.agent(host_id=agent.host_id, key=agent.key, facts=self._facts, place=self.place)
        again.uid = agent.uid
        await again.resume()
        return again


async def lane_of(ctx: Context, spec: PlaneSpec) -> Lane:
    """A gateway with this spec in a cell of its own."""
    cell = await ctx.enter(Cell(ctx.folder))
    plane = await ctx.own_plane(spec, prefix=cell.prefix)
    api = await ctx.enter(Relay("127.0.0.1", plane.api_port, Conduct(), sockets=cell.new_socket))
    ctx.reach_api_at(f"http://127.0.0.1:{api.port}")
    return Lane(ctx, cell, plane.gateway_port)


async def _half_open(ctx: Context) -> None:
    lane = await lane_of(ctx, PLAIN)
    agent = await lane.join()
    await agent.beat()
    await ctx.sleep(0.5)
    await lane.cell.drop(lane.port)
    await ctx.sleep(ctx.timeouts.dead_after_s + 1)


async def _sleep(ctx: Context) -> None:
    """A laptop's lid: nobody answers, and a minute later the same process goes on."""
    lane = await lane_of(ctx, DROWSY)
    agent = await lane.join()
    await agent.beat()
    await ctx.sleep(5)
    await lane.cell.drop(lane.port)
    await ctx.sleep(ctx.timeouts.dead_after_s + 90)
    await lane.cell.pass_all()
    await lane.rejoin(agent)


async def _nat_idle(ctx: Context) -> None:
    """Three times: traffic, three seconds of quiet, and then the path knows the connection no more."""
    lane = await lane_of(ctx, FORGETFUL)
    agent = await lane.join()
    for _ in range(3):
        await ctx.sleep(3)
        await lane.cell.drop(lane.port)
        await ctx.sleep(ctx.timeouts.dead_after_s + 1)
        await lane.cell.pass_all()
        agent = await lane.rejoin(agent)


async def _loss(ctx: Context) -> None:
    lane = await lane_of(ctx, PLAIN)
    agent = await lane.join()
    agent.keep_beating(0.1)
    await lane.cell.lose(lane.port, 0.3)
    await ctx.sleep(6)
    agent.stop_beating()
    await lane.cell.pass_all()
    await ctx.sleep(2)
    await agent.wire.drop()
    await ctx.sleep(1.5)
    await lane.rejoin(agent)


FAULTS: Final = (
    Injection(
        code="LIFE-HALF-OPEN", how="every packet of a live connection dropped", inject=_half_open,
        needs=(Need.PACKETS,), is_long=True, beside=("LIFE-NO-HEARTBEAT", "LIFE-NO-PONG"),
    ),
    Injection(
        code="LIFE-SLEEP", how="every packet dropped for minutes, then the same process goes on", inject=_sleep,
        needs=(Need.PACKETS,), is_long=True, beside=("LIFE-HALF-OPEN", "LIFE-NO-HEARTBEAT", "LIFE-NO-PONG"),
    ),
    Injection(
        code="NET-NAT-IDLE", how="a path that forgets a connection after three seconds of quiet", inject=_nat_idle,
        needs=(Need.PACKETS,), is_long=True, beside=("LIFE-HALF-OPEN", "LIFE-NO-HEARTBEAT", "LIFE-NO-PONG"),
    ),
    Injection(
        code="NET-PACKET-LOSS", how="a link that loses three packets in ten", inject=_loss, needs=(Need.PACKETS,),
        is_long=True, beside=("LIFE-NO-CLOSE-FRAME", "LIFE-NO-PONG", "LIFE-LOOP-BLOCKED"),
    ),
)  # fmt: skip
