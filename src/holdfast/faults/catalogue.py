"""The fault catalogue: every code Holdfast can report, and the way from a code to a `Problem`."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from holdfast.faults import (
    clock,
    handshake,
    identity,
    lifecycle,
    message,
    network,
    proxy,
    rate,
    registration,
    server,
    signature,
    tls,
)
from holdfast.faults.entry import Fault
from holdfast.faults.problem import Problem, printable


class UnknownFault(LookupError):
    """No entry has this code. `nearest` holds the codes that may have been meant, best first."""

    def __init__(self, code: str, nearest: list[str]) -> None:
        self.code = printable(code, 64)
        self.nearest = nearest
        super().__init__(f"there is no fault {self.code!r}; did you mean {' or '.join(nearest)}?")


# In the order of an agent's way in: name, wire, TLS, proxy, upgrade, connection, messages, registration.
_TABLES: Final[tuple[tuple[Fault, ...], ...]] = (
    network.FAULTS,
    tls.FAULTS,
    proxy.FAULTS,
    handshake.FAULTS,
    lifecycle.FAULTS,
    message.FAULTS,
    registration.FAULTS,
    signature.FAULTS,
    identity.FAULTS,
    clock.FAULTS,
    rate.FAULTS,
    server.FAULTS,
)


def _by_code(tables: Iterable[Iterable[Fault]]) -> Mapping[str, Fault]:
    return MappingProxyType({entry.code: entry for table in tables for entry in table})


CATALOGUE: Final[Mapping[str, Fault]] = _by_code(_TABLES)


def fault(code: str) -> Fault:
    """The entry of exactly this code.

    Raises:
        UnknownFault: there is none; its `nearest` holds what may have been meant.
    """
    try:
        return CATALOGUE[code]
    except KeyError:
        raise UnknownFault(code, nearest(code)) from None


def nearest(code: str, n: int = 3) -> list[str]:
    """The `n` codes most like a mistyped one, best first: any letter case, any separator, prefix or word left out."""
    wanted = "-".join(re.findall(r"[A-Z0-9]+", code.upper()[:64]))
    ranked = sorted(CATALOGUE, key=lambda known: (-_likeness(wanted, known), known))
    return ranked[:n]


def _likeness(wanted: str, known: str) -> float:
    """From 0 to 1. Whole words weigh as much as letters, so `1008` finds the one code that carries it."""
    # Imported here: only somebody's typing error needs it, and every agent pays for what is imported at the top.
    from difflib import SequenceMatcher

    def ratio(left: str, right: str) -> float:
        return SequenceMatcher(None, left, right, autojunk=False).ratio()

    letters = max(ratio(wanted, known), 0.95 * ratio(wanted, known.partition("-")[2]))
    words, known_words = set(wanted.split("-")) - {""}, set(known.split("-"))
    shared = 2 * len(words & known_words) / (len(words) + len(known_words))
    return (letters + shared) / 2


def doc_path(code: str) -> str:
    """The code's documentation page, relative to the project's root."""
    return f"docs/diagnosis/{code}.md"


def problem(
    code: str,
    *,
    what: str | None = None,
    why: str | None = None,
    fix: str | None = None,
    retry_after_s: float | None = None,
    field: str | None = None,
    evidence: Mapping[str, str | int | float | bool | None] | None = None,
) -> Problem:
    """A `Problem` of this code; what the caller leaves out is said in the catalogue's general words.

    Raises:
        UnknownFault: there is no such code.
    """
    entry = fault(code)
    return Problem(
        code=entry.code,
        what=entry.title if what is None else what,
        why=entry.cause if why is None else why,
        fix=entry.fix if fix is None else fix,
        retry_after_s=retry_after_s,
        field=field,
        evidence=dict(evidence or {}),
    )
