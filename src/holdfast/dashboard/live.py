"""The stream that tells open pages what to fetch again."""

from collections.abc import AsyncIterator

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent, ServerSentEventMessage

from holdfast.dashboard.pulse import Pulse
from holdfast.model import AttemptQuery, AuditQuery, Role
from holdfast.model.findings import FindingQuery
from holdfast.registry import Registry

_NEWEST = 100
UNCOMPRESSED = "uncompressed"


def looking(registry: Registry) -> Pulse:
    """A pulse over what the pages show."""

    async def look() -> dict[str, object]:
        statuses = await registry.aggregates.statuses()
        attempts = await registry.list_attempts(AttemptQuery(limit=_NEWEST))
        audit = await registry.list_audit(AuditQuery(limit=1))
        newest = tuple((a.attempt, a.step, a.ended_at, a.codes, a.claimed_host_id) for a in attempts.attempts)
        findings = await registry.findings.list(FindingQuery(limit=_NEWEST))
        named = tuple(
            (f.id, f.count, f.agents_count, f.resolved_at, f.acknowledged, f.muted) for f in findings.findings
        )
        last_change = audit.records[0].seq if audit.records else 0
        return {
            "agents": (statuses, newest, last_change),
            "attempts": newest,
            "findings": named,
            "audit": last_change,
            "tokens": last_change,
            "fleet": (statuses, newest),
        }

    return Pulse(look)


@get("/ui/live", opt={"role": None, "sees": Role.VIEWER, UNCOMPRESSED: True}, include_in_schema=False)
async def live(pulse: NamedDependency[Pulse]) -> ServerSentEvent:
    """`changed` with the topics, or `beat` when nothing has."""

    async def messages() -> AsyncIterator[ServerSentEventMessage]:
        async for changed in pulse.listen():
            kind = "changed" if changed.topics else "beat"
            data = msgspec.json.encode({"topics": changed.topics}).decode()
            yield ServerSentEventMessage(data=data, event=kind)

    return ServerSentEvent(messages(), headers={"X-Accel-Buffering": "no"})


ROUTES = [live]
