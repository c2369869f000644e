"""The two-sided verdict: what the doctor saw on the agent's host and what the gateway recorded, made into one.

Pure rules, asked in their order; the first that knows an answer gives it. Each side alone can be wrong: a gateway that
answered in a millisecond looks hung from behind a proxy that holds the answer back, and a box that cuts both ends looks
like the other end's doing to each of them.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.between import cut_in_between, lost_on_the_way
from holdfast.diagnosis.halves import DOCTOR_AGENT, Halves, is_doctors
from holdfast.diagnosis.sides import GATEWAYS, basis_of, rivals_of, verdict
from holdfast.faults import CATALOGUE, Kind, printable, problem
from holdfast.model.findings import Basis
from holdfast.model.joined import DoctorReport, GatewayHalf, Joined

Rule = Callable[[Halves], Joined | None]


def join(report: DoctorReport, half: GatewayHalf) -> Joined:
    """One verdict over both halves."""
    halves = Halves(report, half)
    found = next(joined for rule in RULES if (joined := rule(halves)) is not None)
    return replace(found, notes=(*found.notes, *_remarks(halves)))


def _another_gateway(halves: Halves) -> Joined | None:
    """The doctor holds the id of an attempt that nobody here has recorded."""
    named = halves.report.attempt
    if not named or halves.attempt is not None or halves.is_old:
        return None
    url = printable(halves.report.url, 120)
    why = f"a gateway at {url} named its attempt {printable(named, 64)}, and this installation has no such attempt"
    wrong = problem(
        "NET-DNS-STALE",
        what="the doctor was answered by a gateway of another installation",
        why=f"{why}; {halves.silence()}",
        fix="Compare the address that the agent's URL leads to with this gateway's, and --api with its API",
    )
    return verdict(halves, wrong, 0.6, Basis.INFERRED, agrees=False, rivals=rivals_of(wrong, halves.doctor_says, None))


def _never_arrived(halves: Halves) -> Joined | None:
    """The doctor did not get through, and no byte of it is recorded here: the negative proof."""
    says = halves.doctor_says
    if says is None or halves.attempt is not None:
        return None
    other = halves.others()
    proof = halves.silence()
    if other is not None:
        proof += f"; meanwhile it took {other.attempt}, so it listens"
    wrong = replace(says, why=f"{says.why}; on the gateway's side {proof}")
    return verdict(halves, wrong, 0.95 if other is not None else 0.9, Basis.MEASURED)


def _request_changed(halves: Halves) -> Joined | None:
    """The gateway got another request than the doctor sent, and nothing worse is wrong."""
    changed = _user_agent_there(halves)
    if changed is None or halves.doctor_says is not None or halves.gateway_says is not None:
        return None
    why = f"the doctor sent User-Agent {DOCTOR_AGENT}… and the gateway received {changed}"
    return verdict(halves, problem("PXY-HEADER-DROPPED", why=why), 1.0, Basis.PROOF)


def _header_removed(halves: Halves) -> Joined | None:
    """The doctor missed our headers in the 101; here stands that it was ours, and so had them."""
    check, attempt = halves.check("upgrade"), halves.attempt
    missed = check is not None and check.problem is not None and check.problem.code == "PXY-HEADER-DROPPED"
    if not missed or attempt is None or not halves.is_found or halves.doctor_says or halves.gateway_says:
        return None
    assert check is not None
    assert check.problem is not None
    why = f"{check.problem.why}; the gateway sent them with attempt {attempt.attempt}: they were removed on the way"
    return verdict(halves, replace(check.problem, why=why), 1.0, Basis.PROOF)


def _same(halves: Halves) -> Joined | None:
    """Both sides name one cause."""
    says, recorded = halves.doctor_says, halves.gateway_says
    if says is None or recorded is None or says.code != recorded.code:
        return None
    return verdict(halves, says, 1.0, basis_of(says.code), notes=(f"Both sides name {says.code}.",))


def _beneath(halves: Halves) -> Joined | None:
    """One side names a symptom, the other a cause that stands beneath it."""
    says, recorded = halves.doctor_says, halves.gateway_says
    if says is None or recorded is None:
        return None
    for cause, symptom in ((recorded, says), (says, recorded)):
        above, below = CATALOGUE.get(symptom.code), CATALOGUE.get(cause.code)
        if above is None or below is None:
            continue
        if cause.code in above.beneath or (above.kind is Kind.SYMPTOM and below.kind is Kind.CAUSE):
            note = f"{symptom.code} is how it looked from the other side; {cause.code} stands beneath it."
            return verdict(halves, cause, 0.95, basis_of(cause.code), notes=(note,))
    return None


def _agents_own(halves: Halves) -> Joined | None:
    """The half is a connection of the agent itself, and the doctor finds the way free: it is the agent's program."""
    recorded = halves.gateway_says
    if halves.attempt is None or halves.is_the_doctors or recorded is None or halves.doctor_says is not None:
        return None
    note = "The doctor passes on the same host where the agent fails: the way is free, look at the agent itself."
    return verdict(halves, recorded, 0.95, basis_of(recorded.code), notes=(note,))


def _one_side(halves: Halves) -> Joined | None:
    """Only one side found something."""
    says, recorded = halves.doctor_says, halves.gateway_says
    if (says is None) == (recorded is None):
        return None
    if recorded is not None:
        note = "Only the gateway saw this; the doctor's checks passed, or did not come to it."
        return verdict(halves, recorded, 0.9, basis_of(recorded.code), notes=(note,))
    assert says is not None
    attempt = halves.attempt
    assert attempt is not None
    note = f"The gateway found nothing wrong on {attempt.attempt}, which got as far as {attempt.step.value}."
    return verdict(halves, says, 0.9, Basis.MEASURED, notes=(note,))


def _differ(halves: Halves) -> Joined | None:
    """Two causes: each side is believed in what it sees at first hand, and the other is kept as a candidate."""
    says, recorded = halves.doctor_says, halves.gateway_says
    if says is None or recorded is None:
        return None
    entry = CATALOGUE[recorded.code]
    taken = recorded if entry.area in GATEWAYS else says
    return verdict(halves, taken, 0.6, Basis.INFERRED, agrees=False, rivals=rivals_of(taken, says, recorded))


def _warned(halves: Halves) -> Joined | None:
    """An agent can work from there, at a price or for now: the doctor's first warning."""
    warning = halves.report.verdict
    if warning is None or halves.doctor_says is not None:
        return None
    note = "It is a warning: an agent on that host can connect and register."
    return verdict(halves, warning, 0.9, Basis.MEASURED, notes=(note,))


def _nothing_wrong(halves: Halves) -> Joined:
    attempt = halves.attempt
    if attempt is not None:
        what = "found nothing wrong" if halves.is_the_doctors else "recorded nothing wrong"
        seen = f"the gateway {what} on {attempt.attempt}, which got as far as {attempt.step.value}"
    else:
        seen = "the gateway no longer has its half" if halves.is_old else halves.silence()
    note = f"The doctor found nothing that keeps an agent from working, and {seen}."
    return Joined(
        attempt=attempt, verdict=None, confidence=0.9, basis=Basis.MEASURED, agrees=attempt is not None, notes=(note,)
    )


RULES: Final[tuple[Rule, ...]] = (
    _another_gateway, _never_arrived, lost_on_the_way, cut_in_between, _request_changed, _header_removed, _same,
    _beneath, _agents_own, _one_side, _differ, _warned, _nothing_wrong,
)  # fmt: skip


def _user_agent_there(halves: Halves) -> str | None:
    """The User-Agent that the gateway received from the doctor, where it is not the doctor's."""
    attempt = halves.attempt
    if attempt is None or attempt.attempt != halves.report.attempt or is_doctors(attempt):
        return None
    return f"{printable(attempt.user_agent, 80)!r}" if attempt.user_agent else "none"


def _remarks(halves: Halves) -> tuple[str, ...]:
    """What is worth knowing beside the verdict, whatever it is."""
    notes: list[str] = []
    attempt = halves.attempt
    if halves.is_found and attempt is not None:
        notes.append(f"The doctor held no attempt id; {attempt.attempt} was found by its time and address.")
    if attempt is not None and not halves.is_the_doctors:
        notes.append(f"{attempt.attempt} is not the doctor's own connection but one of {halves.who}.")
    if (changed := _user_agent_there(halves)) is not None:
        notes.append(f"Something on the way changes the request: the gateway received User-Agent {changed}.")
    if (added := halves.fact("upgrade", "added_on_the_way")) is not None:
        notes.append(f"Something on the way adds headers to the answer: {printable(added, 200)}.")
    if halves.report.broken:
        notes.append("The doctor itself failed at a check, and may be wrong.")
    return tuple(notes)
