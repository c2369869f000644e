"""Log lines are events with fields, of one service each, and never hold a secret."""

import io
import json
import logging
import os
import pty
import subprocess
import sys

import pytest
import structlog

from holdfast import logs


@pytest.fixture
def lines() -> io.StringIO:
    """Where log lines go in a test: JSON, from level info."""
    stream = io.StringIO()
    logs.configure(fmt="json", level="info", service="holdfast", stream=stream)
    return stream


def test_an_event_is_one_json_object_with_service_level_and_time(lines: io.StringIO) -> None:
    logs.logger(logs.GATEWAY_SERVICE).info("agent.registered", agent="agt_1", took_ms=12)

    event = json.loads(lines.getvalue())
    moment = event.pop("timestamp")
    assert event == {
        "event": "agent.registered",
        "level": "info",
        "service": "websocket-gateway",
        "agent": "agt_1",
        "took_ms": 12,
    }
    assert moment.endswith("Z")


@pytest.mark.parametrize(
    "field", ["token", "api_token", "public_key", "agent_pubkey", "signature", "payload", "private_key", "Secret",
              "database-password", "Authorization"],
)  # fmt: skip
def test_a_field_named_like_a_secret_is_dropped_at_any_depth(lines: io.StringIO, field: str) -> None:
    logs.logger("x").info("some.event", kept=1, **{field: "hunter2"}, deep=[{"deeper": {field: "hunter2", "b": 2}}])

    event = json.loads(lines.getvalue())
    assert "hunter2" not in lines.getvalue()
    assert (event["kept"], event["deep"]) == (1, [{"deeper": {"b": 2}}])


@pytest.mark.parametrize("field", ["token_id", "token_name", "key_file", "payload_bytes", "fingerprint", "monkey"])
def test_what_only_names_a_secret_is_kept(lines: io.StringIO, field: str) -> None:
    logs.logger("x").info("some.event", **{field: "shown"})

    assert json.loads(lines.getvalue())[field] == "shown"


def test_what_a_library_logs_has_the_same_form_and_its_service(lines: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received from %s.", "127.0.0.1")

    event = json.loads(lines.getvalue())
    assert (event["event"], event["service"], event["library"], event["level"]) == (
        "Invalid HTTP request received from 127.0.0.1.",
        "actions-api",
        "uvicorn",
        "warning",
    )


def test_a_logger_that_is_bound_to_no_service_speaks_for_the_process(lines: io.StringIO) -> None:
    structlog.get_logger().info("store.opened")

    assert json.loads(lines.getvalue())["service"] == "holdfast"


def test_below_the_level_nothing_is_written(lines: io.StringIO) -> None:
    logs.logger("x").debug("some.detail")
    logging.getLogger("asyncio").info("Using selector")

    assert lines.getvalue() == ""


def test_the_console_form_is_plain_text_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    logs.configure(fmt="console", level="info", service="holdfast", stream=stream)

    logs.logger(logs.API_SERVICE).warning("api.odd", code="API-BUG")

    assert "\x1b" not in stream.getvalue()
    assert "api.odd" in stream.getvalue()
    assert "code=API-BUG" in stream.getvalue()


def test_an_exception_is_part_of_its_event(lines: io.StringIO) -> None:
    logs.logger("x").error("some.failure", exc_info=RuntimeError("boom"))

    event = json.loads(lines.getvalue())
    assert "RuntimeError: boom" in event["exception"]
    assert len(lines.getvalue().splitlines()) == 1


def test_bound_context_stands_on_every_line(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(attempt="a-1"):
        logs.logger("x").info("one")

    assert json.loads(lines.getvalue())["attempt"] == "a-1"


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_they_are_not_wanted(no_color: str, coloured: bool) -> None:
    script = """
from holdfast import logs
logs.configure(fmt="console", level="info", service="x")
logs.logger("x").info("something.happened")
"""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", script], stderr=theirs, env=environ, check=True)
    told = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)

    assert "something.happened" in told
    assert ("\x1b[" in told) is coloured


def test_a_field_may_be_called_method(lines: io.StringIO) -> None:
    logs.logger("x").info("api.asked", method="GET", line=7)

    event = json.loads(lines.getvalue())
    assert (event["method"], event["line"]) == ("GET", 7)
