"""The one shape in which Holdfast says that something is wrong.

The same `Problem` is the error envelope on the wire, the close reason, the REST body (RFC 9457), the `doctor` line and
the heart of a finding. Peers and callers switch on `code`; nobody parses the sentences.
"""

from typing import Final

import msgspec

MAX_CLOSE_REASON_BYTES: Final = 123  # RFC 6455, 5.5: a control frame holds 125 bytes, two of them the code


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened, why, and what to do, under a stable code of the fault catalogue.

    `what` is one sentence about this case, `why` the cause with its numbers, `fix` one imperative sentence.
    `retry_after_s` is set where coming back later is the fix. `evidence` holds the facts the claim rests on,
    already escaped and cut: it may be shown to the peer that caused them.
    """

    code: str
    what: str
    why: str
    fix: str
    retry_after_s: float | None = None
    field: str | None = None
    evidence: dict[str, str | int | float | bool | None] = {}

    def close_reason(self) -> str:
        """`CODE: fix`, cut at a character border to what a close frame can carry."""
        return cut_utf8(f"{self.code}: {self.fix}", MAX_CLOSE_REASON_BYTES)


class HoldfastError(Exception):
    """Root of every error that Holdfast raises on purpose; its payload is a `Problem`.

    HoldfastError
     ├── Refused            a peer's request is refused: bad input, no permission, wrong state
     └── Unavailable        we cannot answer now: the store, the bus or the disk is ill; come back later
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.what}: {problem.why}. {problem.fix}.")
        self.problem = problem


class Refused(HoldfastError):
    """The peer has to change something before this can succeed."""


class Unavailable(HoldfastError):
    """Nothing is wrong with the request; `problem.retry_after_s` says when to come back."""


def cut_utf8(text: str, max_bytes: int) -> str:
    """`text` cut to at most `max_bytes` of UTF-8 without splitting a character."""
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= max_bytes else raw[:max_bytes].decode("utf-8", "ignore")


def printable(text: str, max_chars: int = 80) -> str:
    """A peer's text made safe to show: control characters escaped, length bounded.

    Escapes everything `str.isprintable` refuses, so terminal escapes, bidirectional overrides and newlines arrive as
    `\\x1b`, `\\u202e` and `\\n`.
    """
    if len(text) <= max_chars and text.isprintable():
        return text
    cut = text[: max_chars + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in cut)
    return safe if len(safe) <= max_chars else safe[: max_chars - 1] + "…"
