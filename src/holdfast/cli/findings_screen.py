"""Findings for people: one line each in a list, the whole story for one."""

from collections.abc import Iterable, Iterator

from holdfast.api.findings import AbsenceBody
from holdfast.cli import screen
from holdfast.model.finding_documents import FindingDocument
from holdfast.model.findings import FindingSubject


def print_findings(found: Iterable[FindingDocument]) -> None:
    """A table, the newest first."""
    screen.print_table(
        ("id", "severity", "code", "about", "count", "last seen", "blame", "state"),
        (
            (f.id, f.severity, f.code, about(f, where=False), str(f.count), screen.ago(f.last_seen), f.blame, state(f))
            for f in found
        ),
        narrow=("id", "code", "about", "state"),
    )


def print_finding(found: FindingDocument) -> None:
    """What is wrong, why, what to do; then the evidence and what was excluded."""
    screen.say(headline(found))
    screen.print_fields(_story(found))
    screen.say("")
    screen.print_fields(("evidence" if i == 0 else "", text) for i, text in enumerate(_evidence(found)))
    if found.rivals:
        rows = ((rival.code, rival.excluded_because or "not excluded") for rival in found.rivals)
        screen.print_table(("instead of", "because"), rows)
    screen.say("")
    screen.say(f"more: holdfast explain {found.code}")


def headline(found: FindingDocument) -> str:
    """`error[SIG-ORDER]: The fields were signed in another order (web-01, 17 times since …)`."""
    times = "once at" if found.count == 1 else f"{found.count} times since"
    return f"{found.severity}[{found.code}]: {found.title} ({about(found)}, {times} {found.first_seen})"


def change_line(kind: str, found: FindingDocument) -> str:
    """One change, for `watch`."""
    if kind == "resolved":
        return f"resolved  {found.id}  {found.code}  {about(found)}: {found.resolved_because}"
    return f"open      {found.id}  {headline(found)}; fix: {found.fix}"


def absence_lines(absence: AbsenceBody | None) -> list[str]:
    """What is said of an agent that is away; nothing of one that is here."""
    if absence is None:
        return []
    suspects = ", ".join(rival.code for rival in absence.suspects)
    return [absence.sentence, *([f"possible: {suspects}"] if suspects else []), f"fix: {absence.fix}"]


def about(found: FindingDocument, *, where: bool = True) -> str:
    """Whom it is about, in a word: a proved agent by its host, a claim (with `where`: its address), else an address."""
    if found.agents_count > 1:
        return f"{found.agents_count} agents"
    return _subject(found.subject, where=where)


def state(found: FindingDocument) -> str:
    """Open, muted, seen, or over."""
    if found.resolved_at is not None:
        return "resolved"
    if found.muted is not None:
        return "muted"
    return "open" if found.acknowledged is None else f"seen by {found.acknowledged.by}"


def _subject(subject: FindingSubject, *, where: bool) -> str:
    if subject.gateway:
        return "the gateway"
    if subject.host_id and subject.agent_uid:
        return subject.host_id
    if subject.host_id:
        return f"{subject.host_id} (claimed{f' from {subject.peer}' if where else ''})"
    return subject.peer or subject.agent_uid or "-"


def _story(found: FindingDocument) -> Iterator[tuple[str, str]]:
    yield "cause", found.cause
    yield "fix", found.fix
    yield "blame", found.blame
    yield "confidence", f"{found.confidence:.2f} ({found.basis})"
    if found.parent:
        yield "because of", found.parent
    if found.children:
        yield "leads to", ", ".join(found.children)
    subject = found.subject
    for name in ("agent_uid", "host_id", "peer", "instance", "attempt", "key_id"):
        if value := getattr(subject, name):
            yield name.replace("_", " "), str(value)
    if found.agents_count > 1:
        listed = ", ".join(a.host_id or a.agent_uid or a.peer or "?" for a in found.agents[:20])
        yield "agents", f"{found.agents_count}: {listed}" + (" …" if found.agents_count > 20 else "")
    yield "last seen", found.last_seen
    if found.resolved_at:
        yield "resolved", f"{found.resolved_at}: {found.resolved_because}"
    if found.acknowledged:
        yield "seen by", f"{found.acknowledged.by} {found.acknowledged.reason}".strip()
    if found.muted:
        yield "muted by", f"{found.muted.by}: {found.muted.reason}"


def _evidence(found: FindingDocument) -> Iterator[str]:
    for one in found.evidence:
        numbers = ", ".join(f"{name} {screen.plain(value)}" for name, value in one.items() if name != "fact")
        yield f"{one.get('fact', '')}" + (f" ({numbers})" if numbers else "")
