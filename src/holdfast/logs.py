"""Log events of all parts, in one format, on stderr.

A log event is a fixed dotted name with facts as fields. What libraries log by `logging` is brought into the same form.
Whatever the caller passes, fields named like a secret never reach the output.
"""

import asyncio
import atexit
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

GATEWAY_SERVICE: Final = "websocket-gateway"
API_SERVICE: Final = "actions-api"
AGENT_SERVICE: Final = "agent"

# A field is dropped when one of the words of its name is among these, unless its last word says that it is harmless.
_SECRET_WORDS: Final = frozenset({
    "key", "pubkey", "token", "signature", "payload", "secret", "private", "password", "authorization", "cookie",
})  # fmt: skip
_HARMLESS_ENDINGS: Final = frozenset({"id", "name", "file", "count", "bytes", "chars", "length", "role"})

_NESTED: Final = (dict, list, tuple)

_LIBRARY_SERVICES: Final[Mapping[str, str]] = {
    "uvicorn": API_SERVICE,
    "litestar": API_SERVICE,
    "websockets": GATEWAY_SERVICE,
}


def configure(
    *, fmt: Literal["auto", "console", "json"], level: str, service: str, stream: TextIO | None = None
) -> None:
    """Send all log events to `stream` (stderr by default) from now on. Called once, by the command that starts.

    `service` stands on the lines of loggers that were bound to none.
    """
    out = stream if stream is not None else sys.stderr
    threshold = getattr(logging, level.upper())
    as_json = fmt == "json" or (fmt == "auto" and not out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _stamp,
        drop_secrets,
        lambda _logger, _method, event: {"service": service, **event},
    ]
    final: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=out.isatty() and not os.environ.get("NO_COLOR"), pad_event_to=0)]
    )
    wrapper = structlog.make_filtering_bound_logger(threshold)
    gathered = Gathered(out)
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=_json_logger(wrapper, service) if as_json else wrapper,
        logger_factory=(lambda *_: gathered) if as_json else structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell every frame at DEBUG and much at INFO that is nobody's business in production.
    root.setLevel(max(threshold, logging.WARNING) if threshold > logging.DEBUG else logging.INFO)


def logger(service: str) -> FilteringBoundLogger:
    """The logger of one service; its name stands on every line, as in `docker compose logs SERVICE`."""
    return cast("FilteringBoundLogger", structlog.get_logger().bind(service=service))


class Gathered:
    """Writes once per turn of the event loop what was logged in it: a line each would be a system call.

    Outside a loop it writes at once, and at exit what is left.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._waiting: list[str] = []
        self._is_due = False
        atexit.register(self._write)

    def add(self, line: str) -> None:
        """Have `line` written at the end of this turn."""
        self._waiting.append(line)
        if self._is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
        else:
            self._is_due = True
            loop.call_soon(self._write)

    def _write(self) -> None:
        self._is_due = False
        waiting, self._waiting = self._waiting, []
        if waiting and not self._out.closed:
            self._out.write("\n".join([*waiting, ""]))
            self._out.flush()


def _json_logger(base: type[FilteringBoundLogger], service: str) -> type[FilteringBoundLogger]:
    """`base` with all that `configure` lists for JSON done in one step.

    A gateway writes five lines for each agent that registers; processor by processor they would cost it more than the
    signature does.
    """

    def write(self: Any, method: str, event: str | None = None, /, **fields: object) -> None:
        line: EventDict = {"service": service, **self._context, **fields, "event": event}
        line = structlog.contextvars.merge_contextvars(None, method, line)
        line = structlog.stdlib.add_log_level(None, method, line)
        line = drop_secrets(None, method, _stamp(None, method, line))
        if "exc_info" in line:
            line = structlog.processors.format_exc_info(None, method, line)
        self._logger.add(_json(line))

    return type("JsonLogger", (base,), {"_proxy_to_logger": write})


@lru_cache(maxsize=4)
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # structlog's own stamper formats every line anew; a second's text is the same for all its lines.
    whole, fraction = divmod(time.time(), 1)
    event["timestamp"] = f"{_second(int(whole))}.{int(fraction * 1_000_000):06d}Z"
    return event


def _json(event: EventDict, **_options: object) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


@lru_cache(maxsize=4096)
def is_secret(field: str) -> bool:
    """Whether a field of this name may hold something that must not be logged."""
    words = field.lower().replace("-", "_").split("_")
    return not _SECRET_WORDS.isdisjoint(words) and words[-1] not in _HARMLESS_ENDINGS


@lru_cache(maxsize=4096)
def _are_harmless(fields: tuple[str, ...]) -> bool:
    # Lines of one kind have the same fields: to look at each name on each line would cost more than the line.
    return not any(is_secret(field) for field in fields)


def drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Remove secret fields at any depth, whoever logged them."""
    if _are_harmless(tuple(event)):
        for value in event.values():
            if isinstance(value, _NESTED):
                break
        else:
            return event
    return cast("EventDict", _cleaned(event))


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        return {name: _cleaned(inner) for name, inner in value.items() if not is_secret(str(name))}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


def _name_library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        package = record.name.partition(".")[0]
        if package in _LIBRARY_SERVICES:
            event["service"] = _LIBRARY_SERVICES[package]
        event["library"] = package
    return event
