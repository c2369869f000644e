"""Agents that are gone and do not come back. Only their own side knows why; from here there are suspects."""

import sys
from typing import Final

import httpx
import msgspec

from holdfast.faults import CATALOGUE
from holdfast.lab.context import Context
from holdfast.lab.faults.packets import DROWSY, lane_of
from holdfast.lab.injections import Injection, Need
from holdfast.lab.specs import HASTY
from holdfast.lab.verdicts import Named, Viewpoint, by_problem

GONE_S: Final = 320.0  # after five minutes nobody is merely backing off
ONE_LIFE: Final = (sys.executable, "-m", "holdfast.lab.onelife")


class _Suspect(msgspec.Struct):
    code: str


class _Absence(msgspec.Struct):
    sentence: str
    suspects: list[_Suspect] = []


class _AgentFindings(msgspec.Struct):
    absence: _Absence | None


class _Finding(msgspec.Struct):
    code: str
    why: str = ""


class _Report(msgspec.Struct):
    output: str = ""


class _Checked(msgspec.Struct):
    finding: _Finding | None
    report: _Report


async def _no_reconnect(ctx: Context) -> Named | None:
    out = await ctx.command(["check-agent", "--json", "--", *ONE_LIFE])
    checked = msgspec.json.decode(out, type=_Checked)
    found = checked.finding
    assert found is None or found.code in CATALOGUE, f"{found.code}: {found.why}: {checked.report.output[-300:]}"
    return None if found is None else by_problem(found.code, found.why, basis="measured")


async def _waits_for_1006(ctx: Context) -> Named | None:
    """It would come back after 1006, a code that is never on the wire; a restart says 1012."""
    plane = await ctx.own_plane(HASTY)
    waiting, sibling = await ctx.registered(), await ctx.registered()
    await plane.restart()
    again = await ctx.agent(host_id=sibling.host_id, key=sibling.key)
    again.uid = sibling.uid
    await again.resume()
    await ctx.sleep(GONE_S)
    return await _suspected(ctx, waiting.uid)


async def _unaware(ctx: Context) -> Named | None:
    """The gateway gave the connection up; the agent sends nothing, and so never learns of it."""
    lane = await lane_of(ctx, DROWSY)
    agent = await lane.join()
    await agent.beat()
    await lane.cell.drop(lane.port)
    await ctx.sleep(ctx.timeouts.dead_after_s + 20)
    await lane.cell.pass_all()
    await ctx.sleep(GONE_S)
    return await _suspected(ctx, agent.uid)


async def _suspected(ctx: Context, uid: str) -> Named | None:
    """What the gateway's records leave open. A suspicion names no confidence."""
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{ctx.target.api_url}/agents/{uid}/findings")
        answer.raise_for_status()
    absence = msgspec.json.decode(answer.content, type=_AgentFindings).absence
    if absence is None or not absence.suspects:
        return None
    first, *others = (suspect.code for suspect in absence.suspects)
    return by_problem(first, absence.sentence, basis="suspected", also=others)


FAULTS: Final = (
    Injection(
        code="LIFE-AGENT-UNAWARE", how="a connection that the gateway gave up and the agent believes in",
        inject=_unaware, needs=(Need.PACKETS,), is_long=True, beside=("LIFE-SLEEP", "NET-CONN-TIMEOUT"),
    ),
    Injection(
        code="LIFE-CODE-1006-TEST", how="an agent that stays away after a restart, its sibling returns",
        inject=_waits_for_1006, is_long=True, beside=("LIFE-NO-RECONNECT", "NET-DNS-STALE"),
    ),
    Injection(
        code="LIFE-NO-RECONNECT", how="an agent without a loop, under check-agent", inject=_no_reconnect,
        sees=Viewpoint.CHECK, is_long=True,
    ),
)  # fmt: skip
