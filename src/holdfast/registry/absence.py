"""Negative proof: for an agent that is away, since when nothing of it has arrived, and how far it last came."""

from collections.abc import Sequence
from typing import Final

import msgspec

from holdfast.model import Agent, Attempt
from holdfast.model.findings import Rival
from holdfast.protocol.times import rfc3339_seconds

PATIENCE_S: Final = 300.0
"""A reconnect with backoff takes at most about a minute; after five the agent is not trying any more."""


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of an agent from which nothing comes. Times are Unix seconds.

    `since` is when the last byte of it came (a connection that ended, or an attempt that failed), else when the host
    was announced; `has_ever_come` tells which. `step` and `code` are those of the last attempt. `suspects` are the
    faults that leave no more trace than this, with what speaks for them.
    """

    since: float
    has_ever_come: bool
    sentence: str
    fix: str
    last_attempt: str | None = None
    step: str | None = None
    code: str | None = None
    suspects: tuple[Rival, ...] = ()


def absence_of(agent: Agent, attempts: Sequence[Attempt], *, now: float) -> Absence | None:
    """Why nothing is known of `agent` now; None while it is connected.

    `attempts` are those of its uid and of its host_id, the newest first. Nothing of this was seen: it is what the
    gateway's own records leave open, so it names suspects and not a cause.
    """
    if agent.connected_since is not None or any(attempt.ended_at is None for attempt in attempts):
        return None
    last = max(attempts, key=_last_byte, default=None)
    ended = max((_last_byte(last) if last else 0.0), agent.last_seen or 0.0)
    if not ended:
        return _never_came(agent)
    since = rfc3339_seconds(int(ended))
    sentence = f"No byte of {agent.host_id} has reached this gateway since {since}"
    step = last.step.value if last is not None else None
    code = _code(last)
    if step is not None:
        sentence += f"; the last attempt got as far as {step}" + (f" ({code})" if code else "")
    return Absence(
        since=ended,
        has_ever_come=True,
        sentence=sentence,
        fix=f"Run `holdfast doctor` on {agent.host_id}: nothing of it arrives here",
        last_attempt=last.attempt if last is not None else None,
        step=step,
        code=code,
        suspects=_suspects(last, now - ended),
    )


def _never_came(agent: Agent) -> Absence:
    since = rfc3339_seconds(int(agent.status_since))
    return Absence(
        since=agent.status_since,
        has_ever_come=False,
        sentence=f"No byte of {agent.host_id} has ever reached this gateway; it is expected since {since}",
        fix=f"Start the agent on {agent.host_id}, or run `holdfast doctor` there",
        suspects=tuple(
            Rival(code=code)
            for code in (
                "NET-DNS-NXDOMAIN", "NET-CONN-REFUSED", "NET-CONN-TIMEOUT", "NET-CONTAINER-LOCALHOST",
                "PXY-BAD-GATEWAY", "TLS-UNTRUSTED-CA",
            )
        ),
    )  # fmt: skip


def _suspects(last: Attempt | None, away_s: float) -> tuple[Rival, ...]:
    """What leaves just this trace. They stay suspects: only the agent's own side can tell them apart."""
    if last is None or away_s < PATIENCE_S:
        return ()
    if last.close_code == 1012:
        return (Rival(code="LIFE-NO-RECONNECT"), Rival(code="LIFE-CODE-1006-TEST"), Rival(code="NET-DNS-STALE"))
    if "LIFE-HALF-OPEN" in last.codes:
        return (Rival(code="LIFE-AGENT-UNAWARE"), Rival(code="LIFE-SLEEP"), Rival(code="NET-CONN-TIMEOUT"))
    if last.close_code in (1000, 1001):
        return (Rival(code="LIFE-GOING-AWAY-1001"),)
    return (Rival(code="LIFE-NO-RECONNECT"), Rival(code="LIFE-KILLED"), Rival(code="NET-CONN-TIMEOUT"))


def _last_byte(attempt: Attempt) -> float:
    return attempt.ended_at or attempt.started_at


def _code(last: Attempt | None) -> str | None:
    return last.codes[-1] if last is not None and last.codes else None
