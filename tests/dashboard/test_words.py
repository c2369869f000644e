"""What pages say of values and attempts: pure functions."""

import asyncio
from collections.abc import Mapping

import pytest

from holdfast.api.agent_history import AgentHistoryBody, AgentPointBody
from holdfast.api.bodies import AttemptBody, TimelineBody
from holdfast.api.fleet import HistoryBody, PointBody
from holdfast.dashboard import texts
from holdfast.dashboard.charts import agent_charts, charts
from holdfast.dashboard.checklist import checklist
from holdfast.dashboard.labels import labels_text, read_labels
from holdfast.dashboard.once import LIFE_S, OneTimeLink
from holdfast.dashboard.pulse import Changed, Pulse
from holdfast.dashboard.stories import story
from holdfast.faults import Refused

AT = "2026-11-23T16:00:00.000Z"


def attempt(step: str, *codes: str, is_open: bool = True) -> AttemptBody:
    entries = [TimelineBody(at=AT, step=step, ok=False, code=code, fact=f"saw {code}") for code in codes]
    return AttemptBody(
        attempt="a-1", started_at=AT, ended_at=None if is_open else AT, open=is_open, step=step, remote_address=None,
        user_agent=None, claimed_org_id=None, claimed_host_id="web-1", claimed_agent_uid=None,
        claimed_fingerprint=None, agent_uid=None, ended_how=None, close_code=None, close_reason=None,
        codes=list(codes), timeline=entries, bytes_in=0, bytes_out=0, messages_in=0, profile=None,
    )  # fmt: skip


def test_what_a_terminal_or_eye_could_be_fooled_by_is_shown() -> None:
    assert texts.visible("\x1b[31m\u202ex\n") == "\\x1b[31m\\u202ex\\n"
    assert texts.visible("plain é 日本") == "plain é 日本"
    assert texts.visible("a\u2009b") == "a b"


def test_lines_and_code_are_escaped_and_keep_their_form() -> None:
    assert str(texts.lines("a<b\n\x07c")) == "a&lt;b\n\\x07c"
    assert str(texts.ticks("use `<x>` & `y`")) == "use <code>&lt;x&gt;</code> &amp; <code>y</code>"
    assert str(texts.ticks("one ` alone <")) == "one ` alone &lt;"


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s"), (0.4, "0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (200_000, "2 d 7 h")]
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float, said: str) -> None:
    assert texts.span(seconds) == said


def test_labels_are_read_as_they_are_written() -> None:
    assert read_labels("a=1, b\n c = x=y ,,") == {"a": "1", "b": "", "c": "x=y"}
    assert read_labels(labels_text({"b": "", "a": "1"})) == {"a": "1", "b": ""}
    with pytest.raises(Refused, match="has no key"):
        read_labels("=1")


def test_the_code_that_says_most_is_the_verdict() -> None:
    told = story(attempt("challenge", "LIFE-RESTART-1012", "SIG-FIELD-SET"))

    assert told.verdict is not None
    assert (told.verdict.code, told.verdict.seen) == ("SIG-FIELD-SET", "saw SIG-FIELD-SET")
    assert (told.word, told.tone) == ("trying", "bad")
    assert [mark.state for mark in told.steps] == ["done"] * 6 + ["failed", "", ""]


def test_an_attempt_without_a_fault_says_what_it_waits_for() -> None:
    told = story(attempt("upgrade"))

    assert told.verdict is None
    assert told.waits_for == "its first message"
    assert told.waiting_since == texts.unix(AT)


CHECKED: Mapping[str, tuple[AttemptBody | None, str]] = {
    "nothing came": (None, "waiting open open open open open open"),
    "connected": (attempt("upgrade"), "done waiting open open open open open"),
    "silent": (attempt("upgrade", "LIFE-SILENT"), "done failed open open open open open"),
    "malformed": (attempt("upgrade", "MSG-NOT-JSON"), "done done failed open open open open"),
    "ignores the challenge": (attempt("challenge", "REG-NEVER-COMPLETED"), "done done done failed open open open"),
    "signs wrongly": (attempt("challenge", "SIG-FIELD-SET"), "done done done done failed open open"),
    "went away": (attempt("init", is_open=False), "done done done failed open open open"),
    "registered": (attempt("registered"), "done done done done done waiting open"),
}


@pytest.mark.parametrize("case", CHECKED)
def test_the_guides_checklist_stops_where_the_agent_does(case: str) -> None:
    body, states = CHECKED[case]

    ticks = checklist(None if body is None else story(body), is_listed=False)

    assert " ".join(tick.state for tick in ticks) == states


def point(at: str, **counted: int) -> PointBody:
    given = {"span_s": 60, "opened": 0, "registered": 0, "resumed": 0, "faults": 0, "messages": 0, **counted}
    return PointBody(
        at=at,
        online=0,
        ended=0,
        rtt_p50_ms=None,
        rtt_p95_ms=None,
        lag_ms=0,
        statuses={"online": 2, "offline": 1},
        **given,
    )


def test_a_chart_breaks_where_nothing_was_counted_and_waits_for_the_running_minute() -> None:
    points = [
        point("2026-11-23T16:00:00.000Z", opened=4),
        point("2026-11-23T16:02:00.000Z", opened=3, span_s=30),
        point("2026-11-23T16:03:00.000Z", opened=9, span_s=5),
    ]

    by_id = {chart.id: chart for chart in charts(HistoryBody(step_s=60, points=points), since=0, until=1)}

    opened = by_id["connections"].lines[0]
    assert opened.values == [4.0, None, 6.0, None]
    assert opened.newest == 6.0
    assert [line.values for line in by_id["agents"].lines] == [[2, None, 2, 2], [0, None, 0, 0], [1, None, 1, 1]]


def test_the_charts_of_an_agent_break_while_it_is_away_and_count_by_the_time_it_was_there() -> None:
    points = [
        AgentPointBody(at="2026-11-23T16:00:00.000Z", span_s=180, rtt_ms=1.234, heartbeats=9),
        AgentPointBody(at="2026-11-23T16:06:00.000Z", span_s=60, rtt_ms=None, heartbeats=2),
    ]

    latency, heartbeats = agent_charts(AgentHistoryBody(step_s=180, points=points), heartbeat_s=20.0, since=0, until=1)

    assert latency.lines[0].values == [1.23, None, None]
    assert [line.values for line in heartbeats.lines] == [[3.0, None, 2.0], [3.0, None, 3.0]]


def test_the_one_time_link_is_for_one_use_and_fifteen_minutes() -> None:
    now = [100.0]
    link, late = OneTimeLink(lambda: now[0]), OneTimeLink(lambda: now[0])
    secret = link.path.rpartition("/")[2]

    assert [link.redeem("wrong"), link.redeem(secret), link.redeem(secret)] == [False, True, False]
    now[0] += LIFE_S
    assert late.redeem(late.path.rpartition("/")[2]) is False


async def test_a_pulse_names_what_changed_and_ends_when_it_is_closed() -> None:
    seen = {"agents": 1, "audit": 1}

    async def look() -> dict[str, object]:
        return dict(seen)

    pulse = Pulse(look, rest_s=0.01)
    told: list[Changed] = []

    async def listen() -> None:
        async for changed in pulse.listen():
            told.append(changed)
            if not changed.topics:
                await asyncio.sleep(0.1)  # the first look is what later ones are compared with
                seen["audit"] = 2
            else:
                await pulse.close()

    async with asyncio.timeout(10):
        await listen()

    assert told == [Changed(), Changed(("audit",))]
    async with asyncio.timeout(1):
        assert [changed async for changed in pulse.listen()] == []
