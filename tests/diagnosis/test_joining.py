"""The two-sided verdict: a report and a ledger by hand in, one cause out."""

from msgspec.structs import replace

from holdfast.diagnosis.joining import join
from holdfast.faults import Problem, problem
from holdfast.model import Attempt, Step, TimelineEntry
from holdfast.model.events import Fact
from holdfast.model.findings import Basis
from holdfast.model.joined import Checked, DoctorCheck, DoctorReport, GatewayHalf, Joined, Side

BEGAN = 1_764_000_000.0  # 2025-11-24T16:00:00Z
NOW = BEGAN + 10
DOCTOR = "holdfast-doctor/0.1.0"
NAMED = "a-doctor"


def check(name: str, found: Problem | None = None, **evidence: Fact) -> DoctorCheck:
    """A check that passed, or that failed with `found`."""
    status = Checked.FAIL if found is not None else Checked.PASS
    because = found.why if found is not None else "as it should be"
    return DoctorCheck(name=name, title=name, status=status, because=because, evidence=dict(evidence), problem=found)


def report(
    *checks: DoctorCheck, attempt: str | None = NAMED, started_at: str = "2025-11-24T16:00:00.000Z"
) -> DoctorReport:
    """What a doctor said that spoke for web-01."""
    key = DoctorCheck(name="key", title="key", status=Checked.PASS, because="", evidence={"host_id": "web-01"})
    failed = [line.problem for line in checks if line.status is Checked.FAIL]
    return DoctorReport(
        url="ws://gateway.example:8080/ws/agent", started_at=started_at, ok=not failed, broken=False,
        verdict=failed[0] if failed else None, attempt=attempt, checks=(key, *checks), took_ms=2000.0,
    )  # fmt: skip


def attempt(
    name: str = NAMED, *, at: float = BEGAN + 1, step: Step = Step.CHALLENGE, lived_s: float | None = 0.01,
    how: str | None = "close-frame", code: int | None = 1000, codes: tuple[str, ...] = (), agent: str | None = DOCTOR,
    host: str | None = "web-01", timeline: tuple[TimelineEntry, ...] = (),
) -> Attempt:  # fmt: skip
    """A connection as the gateway recorded it."""
    open_now = lived_s is None
    return Attempt(
        attempt=name, started_at=at, ended_at=None if lived_s is None else at + lived_s,
        remote_address="192.0.2.7:4000", user_agent=agent, claimed_host_id=host, step=step,
        ended_how=None if open_now else how,
        close_code=None if open_now else code, codes=codes, timeline=timeline,
    )  # fmt: skip


def said(at: float, step: Step, code: str | None = None, fact: str = "") -> TimelineEntry:
    return TimelineEntry(at=at, step=step.value, ok=code is None, code=code, fact=fact)


def joined(doctor: DoctorReport, *seen: Attempt, others: tuple[Attempt, ...] = (), named: str | None = NAMED) -> Joined:
    """The verdict where the gateway recorded `seen` of this host, and `others` of others."""
    found = next((one for one in seen if one.attempt == named), None)
    latest = tuple(sorted((*seen, *others), key=lambda one: one.started_at, reverse=True))
    return join(
        doctor, GatewayHalf(attempt=found, theirs=tuple(one for one in latest if one in seen), latest=latest, now=NOW)
    )


def found(verdict: Joined) -> Problem:
    assert verdict.verdict is not None, verdict.notes
    return verdict.verdict


REFUSED = problem("NET-CONN-REFUSED", why="192.0.2.9:8080: Connection refused")


def test_what_never_arrived_is_proved_by_the_gateways_own_record() -> None:
    last_week = attempt(
        "a-last", at=BEGAN - 600_000, step=Step.FIRST_HEARTBEAT, lived_s=3600, how="timeout", code=1006,
        codes=("LIFE-HALF-OPEN",), agent="agent/1.0",
        timeline=(said(BEGAN - 599_000, Step.FIRST_HEARTBEAT),),
    )  # fmt: skip

    verdict = joined(report(check("tcp", REFUSED), attempt=None), last_week)

    assert verdict.attempt is None
    assert found(verdict).code == "NET-CONN-REFUSED"
    assert found(verdict).why == (
        "192.0.2.9:8080: Connection refused; on the gateway's side no byte of web-01 has reached this gateway since "
        "2025-11-17T17:36:40.000Z; that attempt, a-last, got as far as first-heartbeat and ended by timeout "
        "(LIFE-HALF-OPEN)"
    )
    assert verdict.agrees


def test_somebody_elses_connection_meanwhile_proves_that_the_gateway_listens() -> None:
    other = attempt("a-other", at=BEGAN + 1, agent="agent/1.0", host="db-01")

    alone = joined(report(check("tcp", REFUSED), attempt=None))
    beside = joined(report(check("tcp", REFUSED), attempt=None), others=(other,))

    assert "no byte of web-01 is recorded at this gateway" in found(alone).why
    assert found(beside).why.endswith("meanwhile it took a-other, so it listens")
    assert beside.confidence > alone.confidence


def test_an_agent_from_the_same_address_is_not_taken_for_the_host() -> None:
    neighbour = attempt("a-db", at=BEGAN - 60, agent="agent/1.0", host="db-01")

    why = found(joined(report(check("tcp", REFUSED), attempt=None), neighbour)).why

    assert "no byte of web-01 is recorded at this gateway; from its address the last came from db-01" in why


def test_another_doctor_meanwhile_is_not_taken_for_one_that_never_got_through() -> None:
    another = attempt("a-another", at=BEGAN + 1, host="doctor-db-01")

    verdict = joined(report(check("tcp", REFUSED), attempt=None), another, named=None)

    assert verdict.attempt is None
    assert "no byte of web-01 is recorded at this gateway" in found(verdict).why


def test_what_the_way_adds_to_the_answer_is_told() -> None:
    verdict = joined(report(check("upgrade", added_on_the_way="via x-cache"), check("init")), attempt())

    assert "Something on the way adds headers to the answer: via x-cache." in verdict.notes


def test_an_attempt_that_nobody_recorded_was_made_at_another_gateway() -> None:
    verdict = joined(report(check("init")), named=None)

    assert found(verdict).code == "NET-DNS-STALE"
    assert found(verdict).what == "the doctor was answered by a gateway of another installation"
    assert "has no such attempt" in found(verdict).why
    assert not verdict.agrees


def test_an_old_report_whose_attempt_is_forgotten_blames_nobody() -> None:
    verdict = joined(report(check("init"), started_at="2025-11-20T16:00:00.000Z"), named=None)

    assert verdict.verdict is None
    assert "the gateway no longer has its half" in verdict.notes[0]


def test_an_answer_that_the_gateway_gave_and_the_doctor_never_got_is_lost_on_the_way_back() -> None:
    waited = problem("WS-HANDSHAKE-SLOW", why="the upgrade stayed without an answer for 5 s")
    here = attempt(
        "a-found", step=Step.UPGRADE, lived_s=5, how="fin", code=1006, timeline=(said(BEGAN + 1, Step.UPGRADE),)
    )

    verdict = joined(report(check("upgrade", waited), attempt=None), here, named=None)

    assert found(verdict).code == "PXY-BUFFERING"
    assert found(verdict).what == "the gateway's answer is lost on its way back"
    assert "the gateway answered within 0 ms (attempt a-found)" in found(verdict).why
    assert {(rival.code, rival.side) for rival in verdict.rivals} == {
        ("WS-HANDSHAKE-SLOW", Side.AGENT), ("NET-MTU-BLACKHOLE", Side.NEITHER)
    }  # fmt: skip
    assert any("found by its time and address" in note for note in verdict.notes)


def test_a_plain_request_without_an_answer_is_judged_by_the_upgrade_that_came_through() -> None:
    waited = problem("WS-HANDSHAKE-SLOW", why="TCP is up and a plain request stays without an answer for 1 s")
    here = attempt("a-late", step=Step.UPGRADE, timeline=(said(BEGAN + 1, Step.UPGRADE),))

    verdict = joined(report(check("health", waited), check("upgrade", waited), attempt=None), here, named=None)

    assert found(verdict).code == "PXY-BUFFERING"


def test_a_challenge_that_was_sent_clears_the_gateway_of_being_slow() -> None:
    hung = problem("SRV-LOOP-LAG", why="the message on agent.registration stayed without an answer for 10 s")
    timeline = (said(BEGAN + 1.0, Step.FIRST_MESSAGE), said(BEGAN + 1.004, Step.CHALLENGE))

    verdict = joined(report(check("init", hung)), attempt(timeline=timeline))

    assert found(verdict).code == "PXY-BUFFERING"
    assert "the gateway answered within 4 ms" in found(verdict).why


def test_a_message_that_never_came_clears_the_gateway_too() -> None:
    hung = problem("SRV-LOOP-LAG", why="the message on agent.registration stayed without an answer for 10 s")

    verdict = joined(report(check("init", hung)), attempt(step=Step.UPGRADE, codes=("LIFE-SILENT",), lived_s=10))

    assert found(verdict).code == "PXY-BUFFERING"
    assert found(verdict).what == "the agent's messages are lost on their way to the gateway"


def test_a_connection_that_neither_end_closed_was_cut_in_between() -> None:
    cut = problem("PXY-IDLE-OTHER", why="end of stream without a close frame after 30.1 s, 30.0 s of them quiet")
    held = attempt("a-held", at=BEGAN + 0.5, step=Step.UPGRADE, lived_s=30.1, how="fin", code=1006)

    verdict = joined(report(check("idle", cut, held_s=30.1)), attempt(), held)

    assert found(verdict).code == "PXY-IDLE-OTHER"
    assert found(verdict).why.endswith("neither end did it, so a box in between did")
    assert (verdict.confidence, verdict.agrees) == (0.97, True)


def test_a_connection_that_the_gateway_closed_was_not_cut_by_a_box() -> None:
    cut = problem("PXY-IDLE-OTHER", why="end of stream without a close frame after 30.1 s, 30.0 s of them quiet")
    held = attempt(
        "a-held", at=BEGAN + 0.5, step=Step.UPGRADE, lived_s=30.1, how="closed-by-gateway", code=1012,
        codes=("LIFE-RESTART-1012",),
    )  # fmt: skip

    verdict = joined(report(check("idle", cut, held_s=30.1)), attempt(), held)

    assert found(verdict).code == "LIFE-RESTART-1012"
    assert [rival.code for rival in verdict.rivals] == ["PXY-IDLE-OTHER"]


def test_a_connection_that_the_gateway_still_holds_is_half_open() -> None:
    cut = problem("NET-NAT-IDLE", why="after 40 s of quiet the connection looks open and carries nothing any more")
    held = attempt("a-held", at=BEGAN + 0.5, step=Step.UPGRADE, lived_s=None)

    verdict = joined(report(check("idle", cut, held_s=40.0)), attempt(), held)

    assert found(verdict).code == "NET-NAT-IDLE"
    assert "the gateway still holds a-held as open" in found(verdict).why


def test_a_request_that_arrives_changed_names_a_box_that_changes_it() -> None:
    verdict = joined(report(check("init")), attempt(agent="proxy/2.4"))

    assert found(verdict).code == "PXY-HEADER-DROPPED"
    assert "the gateway received 'proxy/2.4'" in found(verdict).why
    assert verdict.basis is Basis.PROOF


def test_headers_that_the_gateway_sent_and_the_doctor_missed_were_removed_on_the_way() -> None:
    missed = problem("PXY-HEADER-DROPPED", why="101 came without Holdfast-Attempt")
    warned = replace(check("upgrade", missed), status=Checked.WARN)

    verdict = joined(report(warned, attempt=None), attempt("a-found"), named=None)

    assert found(verdict).why.endswith("the gateway sent them with attempt a-found: they were removed on the way")


def test_one_code_on_both_sides_is_sure_and_keeps_the_fix_for_this_case() -> None:
    heard = problem(
        "SIG-ORDER", why="you signed nonce + host_id + server_time", fix="Sign nonce + server_time + host_id"
    )

    verdict = joined(report(check("registration", heard)), attempt(codes=("SIG-ORDER",)))

    assert found(verdict) == heard
    assert (verdict.confidence, verdict.basis, verdict.agrees) == (1.0, Basis.PROOF, True)
    assert verdict.notes == ("Both sides name SIG-ORDER.",)


def test_a_symptom_on_one_side_gives_way_to_the_cause_on_the_other() -> None:
    closed = problem("LIFE-POLICY-1008", why="closed with 1008")

    verdict = joined(report(check("registration", closed)), attempt(codes=("ID-REVOKED",)))

    assert found(verdict).code == "ID-REVOKED"
    assert "LIFE-POLICY-1008 is how it looked from the other side" in verdict.notes[0]


def test_an_agent_that_fails_where_the_doctor_passes_has_its_own_program_to_blame() -> None:
    timeline = (said(BEGAN - 60, Step.CHALLENGE, "SIG-JSON", "a JSON document was signed"),)
    own = attempt("a-agent", at=BEGAN - 60, agent="Aegis-Agent/1.0", codes=("SIG-JSON",), timeline=timeline)

    verdict = joined(report(check("registration")), own, attempt(), named="a-agent")

    assert found(verdict).code == "SIG-JSON"
    assert found(verdict).why == "a JSON document was signed"
    assert verdict.notes[0].startswith("The doctor passes on the same host where the agent fails")


def test_what_only_the_gateway_saw_is_told() -> None:
    verdict = joined(report(check("init")), attempt(codes=("ID-TOKEN-INVALID",)))

    assert found(verdict).code == "ID-TOKEN-INVALID"
    assert "Only the gateway saw this" in verdict.notes[0]


def test_what_only_the_doctor_saw_is_told_with_how_far_the_gateway_saw_it_come() -> None:
    skewed = problem("CLK-SKEW", why="this clock is 93 s fast")

    verdict = joined(report(check("clock", skewed, offset_s=0.0)), attempt())

    assert found(verdict).code == "CLK-SKEW"
    assert verdict.notes == ("The gateway found nothing wrong on a-doctor, which got as far as challenge.",)


def test_two_causes_are_both_kept_with_the_sentence_that_separates_them() -> None:
    hung = problem("NET-MTU-BLACKHOLE", why="messages of up to 1000 bytes are answered, one of 1400 is not within 5 s")

    verdict = joined(report(check("sizes", hung)), attempt(codes=("MSG-TOO-BIG",)))

    assert found(verdict).code == "MSG-TOO-BIG"
    assert (verdict.agrees, verdict.basis) == (False, Basis.INFERRED)
    (rival,) = verdict.rivals
    assert (rival.code, rival.side) == ("NET-MTU-BLACKHOLE", Side.AGENT)
    assert rival.told_apart_by == (
        "NET-MTU-BLACKHOLE: there no close comes: messages above about 1400 bytes just vanish"
    )


def test_a_wrong_clock_on_the_host_does_not_hide_its_half() -> None:
    """The host is an hour ahead: its report says so, and so its time can be read on the gateway's clock."""
    waited = problem("WS-HANDSHAKE-SLOW", why="the upgrade stayed without an answer for 5 s")
    ahead = report(
        check("upgrade", waited), check("clock", offset_s=3600.0), attempt=None, started_at="2025-11-24T17:00:00.000Z"
    )

    verdict = joined(ahead, attempt("a-found", step=Step.UPGRADE), named=None)

    assert verdict.attempt is not None
    assert verdict.attempt.attempt == "a-found"


def test_what_the_doctor_does_on_purpose_is_no_fault() -> None:
    echo = attempt(codes=("MSG-BEFORE-REGISTERED",))

    verdict = joined(report(check("registration")), echo)

    assert verdict.verdict is None
    assert verdict.agrees


def test_a_warning_of_the_doctor_is_told_as_one() -> None:
    slow = problem("CLK-SKEW", why="this host's clock is 93 s behind the gateway's")
    warned = replace(check("clock", slow), status=Checked.WARN)

    verdict = joined(replace(report(warned), verdict=slow), attempt())

    assert found(verdict) == slow
    assert verdict.notes == ("It is a warning: an agent on that host can connect and register.",)


def test_a_code_of_a_newer_doctor_is_told_as_it_came() -> None:
    newer = Problem(code="NET-QUANTUM", what="entangled", why="spooky", fix="Look away")

    verdict = joined(report(check("tcp", newer)), attempt(codes=("ID-REVOKED",)))

    assert {found(verdict).code, *(rival.code for rival in verdict.rivals)} == {"NET-QUANTUM", "ID-REVOKED"}


def test_a_report_without_a_readable_time_is_still_joined_by_its_attempt() -> None:
    verdict = joined(report(check("init"), started_at="yesterday"), attempt(codes=("ID-TOKEN-INVALID",)))

    assert found(verdict).code == "ID-TOKEN-INVALID"
