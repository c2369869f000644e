"""The open findings: opened, counted up, shared, replaced, resolved; bounded, claims apart from what was proved."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.cases import Case, CaseKey, affected_of
from holdfast.diagnosis.changes import Change, ConditionJudged, FindingTold, HeartbeatAdvised
from holdfast.diagnosis.conditions import condition_of
from holdfast.diagnosis.index import CaseIndex
from holdfast.diagnosis.keys import AGENT, AGENTS, CLAIM, CLAIMS, PEER, Key, is_proved
from holdfast.diagnosis.verdicts import SHARED, Verdict
from holdfast.model import Condition
from holdfast.model.findings import FindingSubject, KeptFinding

MAX_OPEN: Final = {True: 20_000, False: 2_000}
"""Of findings about who was proved, and about claims and addresses: a flood of claims pushes out claims alone."""

MAX_SHARES: Final = 5_000
MAX_RECENT: Final = 4_000
REOPENS_WITHIN_S: Final = 900.0
SHARE_WITHIN_S: Final = 600.0
DAY_S: Final = 86_400.0
# Every case of these names other parties; one finding for all would say nothing.
NEVER_SHARED: Final = frozenset({"ID-CLONED", "LIFE-DUPLICATE-SESSION", "CLK-SKEW", "CLK-JUMP", "KEY-REGENERATED"})
SHARED_STEP: Final = "shared"

OnlineSince = Callable[[str], float | None]
"""Since when an agent is connected; None while it is not."""


class Book:
    """All findings that are open or were until a moment ago. Every method returns what has changed."""

    def __init__(self) -> None:
        self._open: dict[bool, OrderedDict[CaseKey, Case]] = {True: OrderedDict(), False: OrderedDict()}
        self._recent: OrderedDict[CaseKey, Case] = OrderedDict()
        self._index = CaseIndex()
        self._by_share: dict[tuple[str, Key], dict[CaseKey, None]] = {}
        self._conditions: dict[str, Condition] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is open at all: what a healthy fleet pays for."""
        return not self._index

    def concerns(self, uid: str | None, address: str) -> bool:
        """Whether anything open may be about this agent or address."""
        return self._index.concerns(uid, address)

    def __len__(self) -> int:
        return sum(len(cases) for cases in self._open.values())

    def open_codes(self, key: Key) -> frozenset[str]:
        """The codes that are open for this subject, shared ones included."""
        return frozenset(case_key[0] for case_key in self._index.of(key))

    # ---- something was found

    def apply(self, verdict: Verdict, key: Key, subject: FindingSubject, at: float) -> list[Change]:
        """A rule reached this verdict about `key`."""
        key = verdict.key or key
        subject = verdict.who or subject
        step = verdict.step or ""
        changes = self._replace(verdict, key, at)
        share = _share_key(verdict, key)
        group = self._find_group(verdict.code, share)
        if group is not None:
            group.take(verdict, subject, at)
            if key not in group.members and group.add_member(key, affected_of(subject)):
                self._index.add(key, group.key)
            changes.append(FindingTold(change="updated", kept=group.kept()))
            changes += self._advise(verdict, key, group) + self._judge(key, at)
            return changes
        case, change = self._case((verdict.code, key, step), subject, at)
        case.take(verdict, subject, at)
        for member in verdict.members:
            case.members[member] = None
            self._index.add(member, case.key)
        if verdict.over:
            self._close(case, at, "it is over: the agent is back")
            return [*changes, FindingTold(change=change, kept=case.kept())]
        changes.append(FindingTold(change=change, kept=case.kept()))
        changes += self._point(verdict, key)
        changes += self._advise(verdict, key, case)
        if share is not None:
            changes += self._share(verdict, share, case, at)
        changes += self._judge(key, at)
        return changes + self._make_room(case.is_proved, at)

    def _replace(self, verdict: Verdict, key: Key, at: float) -> list[Change]:
        if not verdict.replaces:
            return []
        because = f"{verdict.code} explains it better"
        keys = tuple(self._index) if verdict.everywhere else (key, *verdict.members)
        changes: list[Change] = []
        for each in keys:
            if dropped := self.drop(each, verdict.replaces, at, because=because):
                changes += dropped + (self._judge(each, at) if each != key else [])
        return changes

    def _case(self, case_key: CaseKey, subject: FindingSubject, at: float) -> tuple[Case, str]:
        cases = self._open[is_proved(case_key[1])]
        case = cases.get(case_key)
        if case is not None:
            cases.move_to_end(case_key)
            return case, "updated"
        case = self._recent.pop(case_key, None)
        change = "opened"
        if case is not None and at - (case.resolved_at or 0.0) <= REOPENS_WITHIN_S:
            case.resolved_at = case.resolved_because = case.merged_into = None
            change = "reopened"
        else:
            case = Case(case_key, at, subject)
        cases[case_key] = case
        self._index.add(case_key[1], case_key)
        return case, change

    def _point(self, verdict: Verdict, key: Key) -> list[Change]:
        """Tell the cause beneath that this symptom stands above it."""
        if verdict.parent is None:
            return []
        changes: list[Change] = []
        for case_key in self._index.of(key):
            case = self._open[is_proved(case_key[1])].get(case_key)
            if case is not None and case.code == verdict.parent and case.add_child(verdict.code):
                changes.append(FindingTold(change="updated", kept=case.kept()))
        return changes

    def _advise(self, verdict: Verdict, key: Key, case: Case) -> list[Change]:
        if verdict.heartbeat_s is None or key[0] != AGENT:
            return []
        return [HeartbeatAdvised(agent_uid=key[1], interval_s=verdict.heartbeat_s, finding_id=case.id)]

    # ---- one cause, many subjects

    def _find_group(self, code: str, share: Key | None) -> Case | None:
        if share is None:
            return None
        return self._open[is_proved(share)].get((code, share, SHARED_STEP))

    def _share(self, verdict: Verdict, share: Key, case: Case, at: float) -> list[Change]:
        """Count `case` among those with the same cause; where they are enough, make them one."""
        alike = self._by_share.setdefault((verdict.code, share), {})
        alike[case.key] = None
        if len(self._by_share) > MAX_SHARES:
            del self._by_share[next(iter(self._by_share))]
        if len(alike) < verdict.share_at:
            return []
        cases = self._open[case.is_proved]
        found = [other for name in alike if (other := cases.get(name)) and at - other.last_seen <= SHARE_WITHIN_S]
        if len(found) < verdict.share_at:
            self._by_share[verdict.code, share] = {other.key: None for other in found}
            return []
        del self._by_share[verdict.code, share]
        group, change = self._case((verdict.code, share, SHARED_STEP), FindingSubject(peer=_shared_peer(share)), at)
        group.first_seen = min(other.first_seen for other in found)
        before = sum(other.count for other in found)
        changes: list[Change] = []
        for other in found:
            group.add_member(other.key[1], affected_of(other.subject))
            self._index.add(other.key[1], group.key)
            other.merged_into = group.id
            changes += self._resolve(other, at, f"shared by {len(found)} and told once as {group.id}")
        surer = verdict.confidence if share[1] != "path" else max(SHARED, verdict.confidence)
        group.take(replace(verdict, confidence=surer), group.subject, at)
        group.count = before
        return [*changes, FindingTold(change=change, kept=group.kept())]

    def adopt(self, kept: KeptFinding) -> list[Change]:
        """Go on with a finding that was open when diagnosis stopped."""
        case = Case.again(kept)
        if case is None or case.key in self._open[case.is_proved]:
            return []
        if case.key[2] == SHARED_STEP or case.listed:
            return self._resolve(case, case.last_seen, "diagnosis was restarted; what still holds is found again")
        self._open[case.is_proved][case.key] = case
        self._index.add(case.key[1], case.key)
        return self._judge(case.key[1], case.last_seen)

    # ---- it is over

    def passed(self, keys: Iterable[Key], step: int, at: float) -> list[Change]:
        """A subject reached `step`: what would have kept it from there is over."""
        changes: list[Change] = []
        for key in dict.fromkeys(keys):
            for case_key in self._index.of(key):
                case = self._open[is_proved(case_key[1])].get(case_key)
                if case is None or case.until is None or case.until > step:
                    continue
                if case.members:
                    changes += self._leave(case, key, at)
                else:
                    changes += self._resolve(case, at, "the agent passed this step")
            if changes:
                changes += self._judge(key, at)
        return changes

    def _leave(self, group: Case, key: Key, at: float) -> list[Change]:
        group.members.pop(key, None)
        self._index.remove(key, group.key)
        if group.members:
            return []
        return self._resolve(group, at, "all of them passed this step")

    def drop(self, key: Key, codes: Sequence[str], at: float, *, because: str) -> list[Change]:
        """Findings of this subject that a better one takes the place of, or that turned out to be nobody's fault."""
        if not codes:
            return []
        changes: list[Change] = []
        for case_key in self._index.of(key):
            case = self._open[is_proved(case_key[1])].get(case_key)
            if case is not None and case.code in codes and not case.members:
                changes += self._resolve(case, at, because)
        return changes

    def expire(self, at: float, online_since: OnlineSince) -> list[Change]:
        """What has not recurred for long enough. An agent that is away is not cured by its silence."""
        changes: list[Change] = []
        for cases in self._open.values():
            for case in tuple(cases.values()):
                since = case.last_seen
                if case.key[1][0] == AGENT:
                    online = online_since(case.key[1][1])
                    since = max(since, online) if online is not None else case.last_seen + DAY_S - case.holds_s
                if at - since >= case.holds_s:
                    changes += self._resolve(case, at, f"it has not happened again for {case.holds_s:.0f} s")
                    for key in (case.key[1], *case.members):
                        changes += self._judge(key, at)
        while self._recent:
            oldest = next(iter(self._recent.values()))
            if at - (oldest.resolved_at or 0.0) <= REOPENS_WITHIN_S:
                break
            del self._recent[oldest.key]
        return changes

    def _resolve(self, case: Case, at: float, because: str) -> list[Change]:
        self._close(case, at, because)
        return [FindingTold(change="resolved", kept=case.kept())]

    def _close(self, case: Case, at: float, because: str) -> None:
        case.resolved_at, case.resolved_because = at, because
        self._open[case.is_proved].pop(case.key, None)
        for key in (case.key[1], *case.members):
            self._index.remove(key, case.key)
        self._recent[case.key] = case
        self._recent.move_to_end(case.key)
        if len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)

    def _make_room(self, proved: bool, at: float) -> list[Change]:
        cases = self._open[proved]
        if len(cases) <= MAX_OPEN[proved]:
            return []
        return self._resolve(next(iter(cases.values())), at, "given up to make room for newer ones")

    # ---- what is to be thought of an agent

    def _judge(self, key: Key, at: float) -> list[Change]:
        if key[0] != AGENT:
            return []
        cases = (self._open[is_proved(name[1])].get(name) for name in self._index.of(key))
        found = condition_of([case for case in cases if case is not None])
        condition, why = found if found is not None else (None, "")
        if self._conditions.get(key[1]) is condition:
            return []
        if condition is None:
            self._conditions.pop(key[1], None)
        else:
            self._conditions[key[1]] = condition
        return [ConditionJudged(agent_uid=key[1], condition=condition, why=why, at=at)]


def _share_key(verdict: Verdict, key: Key) -> Key | None:
    if verdict.over or verdict.code in NEVER_SHARED or key[0] not in (AGENT, CLAIM, PEER):
        return None
    proved = AGENTS if key[0] == AGENT else CLAIMS
    return (proved, *verdict.share) if verdict.share is not None else (proved, "shared")


def _shared_peer(share: Key) -> str | None:
    return share[2] if len(share) > 2 and share[1] == "path" else None
