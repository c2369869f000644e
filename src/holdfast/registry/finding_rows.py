"""Findings as rows and back."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.model.findings import Finding, KeptFinding, Mark
from holdfast.registry.refusals import not_found
from holdfast.registry.rows import storable
from holdfast.store.findings_table import findings
from holdfast.store.sets import AnyRow, upsert

Row = dict[str, Any]

_decode: Final = msgspec.json.Decoder(Finding).decode
_decode_mark: Final = msgspec.json.Decoder(Mark).decode


class Keeping(msgspec.Struct, frozen=True):
    """What diagnosis needs to go on with a finding."""

    until: int | None
    holds_s: float


_decode_keeping: Final = msgspec.json.Decoder(Keeping).decode


def names_of(finding: Finding) -> Iterable[str]:
    """The uids and host_ids by which this finding is found."""
    subject = finding.subject
    # A shared finding about registered agents is found by uid alone: others may claim the same host_id.
    shared = (affected.agent_uid or affected.host_id for affected in finding.agents)
    return dict.fromkeys(storable(name) for name in (subject.agent_uid, subject.host_id, *shared) if name)


def row_values(kept: KeptFinding, node: str, at: float) -> Row:
    """The columns of a finding as diagnosis tells it at `at`; marks of operators are not among them."""
    finding = kept.finding
    document = msgspec.json.encode(msgspec.structs.replace(finding, acknowledged=None, muted=None))
    return {
        "id": finding.id,
        "node": node,
        "code": finding.code,
        "severity": finding.severity.value,
        "agent_uid": finding.subject.agent_uid,
        "first_seen": finding.first_seen,
        "changed_at": at,
        "resolved_at": finding.resolved_at,
        "merged_into": finding.merged_into,
        "document": storable(document.decode()),
        "counted_by": storable(kept.counted_by),
        "keeping": msgspec.json.encode(Keeping(kept.until, kept.holds_s)).decode(),
    }


def find_row(connection: sa.Connection, finding_id: str) -> AnyRow:
    """The row of this id.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(sa.select(findings).where(findings.c.id == storable(finding_id))).one_or_none()
    if row is None:
        raise not_found("finding", finding_id)
    return row


def finding_of(row: AnyRow) -> Finding:
    """The finding that a row tells of, with the marks of operators."""
    return msgspec.structs.replace(
        _decode(row.document),
        acknowledged=None if row.acknowledged is None else _decode_mark(row.acknowledged),
        muted=None if row.muted is None else _decode_mark(row.muted),
    )


def kept_of(row: AnyRow) -> KeptFinding:
    """The same with what diagnosis needs to go on."""
    keeping = _decode_keeping(row.keeping)
    return KeptFinding(finding=finding_of(row), counted_by=row.counted_by, until=keeping.until, holds_s=keeping.holds_s)


def upsert_findings(dialect: str) -> sa.Insert:
    """Insert findings, or change those that are there; never what operators did."""
    insert = upsert(dialect, findings)
    changing = ("code", "severity", "agent_uid", "resolved_at", "changed_at", "document", "keeping", "merged_into")
    return insert.on_conflict_do_update(index_elements=["id"], set_={name: insert.excluded[name] for name in changing})
