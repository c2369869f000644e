"""One finding in the making: what is open, counted up, and over."""

import base64
import hashlib
from typing import Final, Self

import msgspec

from holdfast.diagnosis.keys import Key, is_proved
from holdfast.diagnosis.traces import ORDER
from holdfast.diagnosis.verdicts import Verdict
from holdfast.faults import CATALOGUE, Severity, doc_path, fault
from holdfast.model.findings import MAX_LISTED, Affected, Basis, Evidence, Finding, FindingSubject, KeptFinding, Rival

CaseKey = tuple[str, Key, str]
"""Code, subject and step: what a finding is counted by."""

MAX_MEMBERS: Final = {True: 20_000, False: 2_000}
MAX_CHILDREN: Final = 8
_decode_key: Final = msgspec.json.Decoder(tuple[str, tuple[str, ...], str]).decode


class Case:
    """A finding that can still change. `members` are the subjects of a shared one, empty where it is one subject's."""

    __slots__ = (
        "basis", "cause", "children", "confidence", "count", "evidence", "first_seen", "fix", "holds_s", "id", "key",
        "last_seen", "listed", "members", "merged_into", "parent", "resolved_at", "resolved_because", "rivals",
        "severity", "subject", "until",
    )  # fmt: skip

    def __init__(self, key: CaseKey, at: float, subject: FindingSubject) -> None:
        self.key = key
        self.id = finding_id(key, at)
        self.first_seen = self.last_seen = at
        self.subject = subject
        self.count = 0
        self.confidence = 0.0
        self.basis = Basis.ASSUMED
        self.severity: Severity | None = None
        self.evidence: tuple[Evidence, ...] = ()
        self.rivals: tuple[Rival, ...] = ()
        self.cause = self.fix = ""
        self.parent: str | None = None
        self.children: tuple[str, ...] = ()
        self.until: int | None = None
        self.holds_s = 0.0
        self.members: dict[Key, None] = {}
        self.listed: dict[Affected, None] = {}
        self.resolved_at: float | None = None
        self.resolved_because: str | None = None
        self.merged_into: str | None = None

    @property
    def code(self) -> str:
        """Its fault."""
        return self.key[0]

    @property
    def is_proved(self) -> bool:
        """Whether it is about somebody who was proved, or about Holdfast itself."""
        return is_proved(self.key[1])

    def take(self, verdict: Verdict, subject: FindingSubject, at: float) -> None:
        """It happened (again). The newest evidence stands; a surer reading is not replaced by a less sure one."""
        entry = fault(self.code)
        self.count += verdict.count if self.count else max(1, verdict.count)
        self.last_seen = max(self.last_seen, at)
        self.until = ORDER[verdict.until] if verdict.until is not None else None
        self.holds_s = verdict.holds_s
        self.parent = verdict.parent or self.parent
        self.severity = verdict.severity
        for affected in verdict.agents:
            if len(self.listed) < MAX_LISTED:
                self.listed[affected] = None
        if verdict.confidence < self.confidence and verdict.basis is not Basis.PROOF:
            return
        self.subject = subject if not self.members else self.subject
        self.confidence, self.basis = verdict.confidence, verdict.basis
        self.evidence, self.rivals = verdict.evidence, verdict.rivals
        self.cause = verdict.cause or entry.cause
        self.fix = verdict.fix or entry.fix

    def add_member(self, key: Key, affected: Affected) -> bool:
        """The same cause hit another one; False where it is only counted, because there are too many already."""
        if len(self.listed) < MAX_LISTED:
            self.listed[affected] = None
        if len(self.members) >= MAX_MEMBERS[self.is_proved]:
            return False
        self.members[key] = None
        return True

    def add_child(self, code: str) -> bool:
        """A symptom points to this cause; whether that is new."""
        if code in self.children or code == self.code or len(self.children) >= MAX_CHILDREN:
            return False
        self.children = (*self.children, code)
        return True

    def kept(self) -> KeptFinding:
        """The finding, and what it takes to go on with it after a restart."""
        counted_by = msgspec.json.encode(self.key).decode()
        return KeptFinding(finding=self.finding(), counted_by=counted_by, until=self.until, holds_s=self.holds_s)

    @classmethod
    def again(cls, kept: KeptFinding) -> Self | None:
        """A case as it stood; None where it was written by another version that counted otherwise."""
        found = kept.finding
        try:
            key = _decode_key(kept.counted_by)
        except msgspec.DecodeError:
            return None
        if key[0] not in CATALOGUE or not key[1]:
            return None
        case = cls(key, found.first_seen, found.subject)
        case.id, case.last_seen, case.count = found.id, found.last_seen, found.count
        case.confidence, case.basis, case.severity = found.confidence, found.basis, found.severity
        case.evidence, case.rivals, case.cause, case.fix = found.evidence, found.rivals, found.cause, found.fix
        case.parent, case.children = found.parent, found.children
        case.until, case.holds_s = kept.until, kept.holds_s
        case.listed = dict.fromkeys(found.agents)
        return case

    def finding(self) -> Finding:
        """The finding as it is now."""
        entry = fault(self.code)
        return Finding(
            id=self.id,
            code=self.code,
            title=entry.title,
            severity=self.severity or entry.severity,
            blame=entry.blame,
            confidence=self.confidence,
            basis=self.basis,
            subject=self.subject,
            step=self.key[2],
            evidence=self.evidence,
            cause=self.cause,
            fix=self.fix,
            doc=doc_path(self.code),
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            count=self.count,
            rivals=self.rivals,
            parent=self.parent,
            children=self.children,
            agents=tuple(self.listed),
            agents_count=max(len(self.members), len(self.listed), 1),
            resolved_at=self.resolved_at,
            resolved_because=self.resolved_because,
            merged_into=self.merged_into,
        )


def finding_id(key: CaseKey, at: float) -> str:
    """An id that a replay of the same events gives again."""
    material = "\0".join((key[0], *key[1], key[2], repr(at))).encode("utf-8", "replace")
    return "f-" + base64.b32encode(hashlib.sha256(material).digest()[:10]).decode().lower()


def affected_of(subject: FindingSubject) -> Affected:
    """The subject of a finding as one of many."""
    return Affected(agent_uid=subject.agent_uid, host_id=subject.host_id, peer=subject.peer)
