"""What is said of an agent from which nothing comes."""

from msgspec.structs import replace

from holdfast.model import Agent, Attempt, Step
from holdfast.model.status import Admission, Status
from holdfast.registry.absence import absence_of


def agent(status: Status = Status.OFFLINE, *, last_seen: float | None = 1_764_000_000.0) -> Agent:
    return Agent(
        agent_uid="agt_a", org_id="default-org", host_id="web-01", public_key="", fingerprint="", status=status,
        status_since=1_763_000_000.0, status_why="", admission=Admission.APPROVED, last_seen=last_seen,
    )  # fmt: skip


def attempt(ended_at: float | None, *, step: Step, codes: tuple[str, ...] = (), close_code: int = 1006) -> Attempt:
    return Attempt(
        attempt="a-1", started_at=1_764_000_100.0, ended_at=ended_at, step=step, codes=codes, close_code=close_code
    )


def test_an_agent_that_was_here_is_told_since_when_nothing_came_and_how_far_it_got() -> None:
    last = attempt(1_764_000_160.0, step=Step.CHALLENGE, codes=("SIG-ORDER",))

    absence = absence_of(agent(), [last], now=1_764_000_200.0)

    assert absence is not None
    assert absence.sentence == (
        "No byte of web-01 has reached this gateway since 2025-11-24T16:02:40Z; "
        "the last attempt got as far as challenge (SIG-ORDER)"
    )
    assert (absence.step, absence.code, absence.last_attempt) == ("challenge", "SIG-ORDER", "a-1")
    assert absence.suspects == ()


def test_a_host_that_was_announced_and_never_came_is_told_so() -> None:
    absence = absence_of(agent(Status.NEVER_CONNECTED, last_seen=None), [], now=1_764_000_200.0)

    assert absence is not None
    assert not absence.has_ever_come
    assert absence.sentence == (
        "No byte of web-01 has ever reached this gateway; it is expected since 2025-11-13T02:13:20Z"
    )
    assert absence.suspects[0].code == "NET-DNS-NXDOMAIN"


def test_an_agent_that_never_came_back_after_our_restart_is_suspected_of_not_reconnecting() -> None:
    last = attempt(1_764_000_160.0, step=Step.FIRST_HEARTBEAT, close_code=1012)

    absence = absence_of(agent(), [last], now=1_764_001_000.0)

    assert absence is not None
    assert [suspect.code for suspect in absence.suspects] == [
        "LIFE-NO-RECONNECT", "LIFE-CODE-1006-TEST", "NET-DNS-STALE",
    ]  # fmt: skip


def test_an_agent_that_is_here_or_trying_is_not_absent() -> None:
    assert absence_of(replace(agent(Status.ONLINE), connected_since=1.0), [], now=1_764_000_200.0) is None
    assert absence_of(agent(), [attempt(None, step=Step.INIT)], now=1_764_000_200.0) is None
