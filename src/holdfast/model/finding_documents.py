"""A finding as everybody outside is told of it: REST, SSE, webhook and CLI share one shape. Times are RFC 3339."""

import msgspec

from holdfast.model.events import Fact
from holdfast.model.findings import Affected, Finding, FindingSubject, Mark, Rival
from holdfast.protocol.times import rfc3339_millis


class MarkDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator did to a finding; `until` is null where it holds for good."""

    at: str
    by: str
    reason: str
    until: str | None


class FindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. Of `subject` only `agent_uid` was proved by a signature; all else is what a peer claimed.

    `agents` names at most 200 of those whom the same cause hit, `agents_count` counts all. `parent` is the code of
    the cause beneath a symptom. `merged_into` is the id of the shared finding that took this one up.
    """

    id: str
    code: str
    title: str
    severity: str
    blame: str
    confidence: float
    basis: str
    subject: FindingSubject
    step: str
    evidence: list[dict[str, Fact]]
    cause: str
    fix: str
    rivals: list[Rival]
    parent: str | None
    children: list[str]
    doc: str
    first_seen: str
    last_seen: str
    count: int
    resolved_at: str | None
    resolved_because: str | None
    merged_into: str | None
    agents: list[Affected]
    agents_count: int
    acknowledged: MarkDocument | None
    muted: MarkDocument | None
    viewpoint: str


def finding_document(finding: Finding) -> FindingDocument:
    """The document of this finding."""
    return FindingDocument(
        id=finding.id,
        code=finding.code,
        title=finding.title,
        severity=finding.severity.value,
        blame=finding.blame.value,
        confidence=finding.confidence,
        basis=finding.basis.value,
        subject=finding.subject,
        step=finding.step,
        evidence=list(finding.evidence),
        cause=finding.cause,
        fix=finding.fix,
        rivals=list(finding.rivals),
        parent=finding.parent,
        children=list(finding.children),
        doc=finding.doc,
        first_seen=rfc3339_millis(finding.first_seen),
        last_seen=rfc3339_millis(finding.last_seen),
        count=finding.count,
        resolved_at=_time(finding.resolved_at),
        resolved_because=finding.resolved_because,
        merged_into=finding.merged_into,
        agents=list(finding.agents),
        agents_count=finding.agents_count,
        acknowledged=_mark(finding.acknowledged),
        muted=_mark(finding.muted),
        viewpoint=finding.viewpoint,
    )


def _mark(mark: Mark | None) -> MarkDocument | None:
    if mark is None:
        return None
    return MarkDocument(at=rfc3339_millis(mark.at), by=mark.by, reason=mark.reason, until=_time(mark.until))


def _time(unix_s: float | None) -> str | None:
    return None if unix_s is None else rfc3339_millis(unix_s)
