"""The checks of registration and `auth`: pure functions that return a `Problem` or None.

Each names the rule it enforces. Nothing here accepts anything: acceptance is one verification in `connection`.
"""

import base64
import difflib
from typing import Final

from holdfast.faults import Problem, printable, problem
from holdfast.gateway.challenges import Challenges, Issued
from holdfast.protocol.payloads import Auth, Complete

# Base64 of the first six of a challenge's 32 bytes. It tells every gateway, without any shared memory, that a nonce was
# issued by one of them; an agent that chooses its own at random hits it once in 2**48.
CHALLENGE_MARK: Final = "Holdfast"
RANDOM_BYTES: Final = 26


def new_challenge(random: bytes) -> str:
    """A connection's own challenge, from `RANDOM_BYTES` fresh random bytes: 44 characters, base64 of 32 bytes."""
    assert len(random) == RANDOM_BYTES
    return CHALLENGE_MARK + base64.b64encode(random).decode()


def foreign_challenge(nonce: str, own: str) -> Problem | None:
    """CLK-REPLAY where an `auth` was signed for another connection: its nonce is that connection's challenge."""
    if nonce == own or not nonce.startswith(CHALLENGE_MARK):
        return None
    return problem(
        "CLK-REPLAY",
        why="the nonce of auth is the challenge of another connection",
        fix="Sign the Holdfast-Challenge of this connection's own upgrade answer",
        field="payload.nonce",
    )


def wrong_challenge(
    complete: Complete, own: Issued | None, challenges: Challenges, *, attempt: str, now: float
) -> Problem | None:
    """Why this `registration_id` cannot be completed here and now; None where it is the connection's open challenge.

    A challenge is single-use, bound to the connection and the host_id that asked for it, and expires. `now` is
    monotonic seconds.
    """
    given = complete.registration_id
    if own is not None and given == own.registration_id:
        if now >= own.expires_at:
            return problem(
                "REG-ID-EXPIRED",
                what="the challenge has expired",
                why=f"issued {now - own.issued_at:.0f} s ago, it was good for {own.expires_at - own.issued_at:.0f} s",
            )
        return _host_changed(complete, own)
    known = challenges.find(given)
    if known is None:
        return _unknown(given, own)
    if known.attempt != attempt:
        if known.used and known.signature == complete.signature:
            return problem("CLK-REPLAY", why="the same registration_id and signature completed another connection")
        return problem(
            "REG-ID-OTHER-CONNECTION",
            why=f"registration_id was issued to connection {known.attempt}, this one is {attempt}",
        )
    if known.used:
        return problem("REG-ID-USED", why="this registration_id was answered already; a challenge works once")
    if now >= known.expires_at:
        return problem("REG-ID-EXPIRED", why=f"it was issued {now - known.issued_at:.0f} s ago")
    return problem("REG-ID-USED", why="a newer init on this connection replaced this challenge")


def _host_changed(complete: Complete, own: Issued) -> Problem | None:
    if complete.host_id == own.host_id:
        return None
    asked, came = printable(own.host_id), printable(complete.host_id)
    hint = ""
    if came.lower() == asked.lower():
        hint = "; they differ in letter case"
    elif came.partition(".")[0] == asked.partition(".")[0]:
        hint = "; one of them has a domain part"
    return problem(
        "REG-HOST-CHANGED",
        why=f"init said {asked!r}, complete says {came!r}{hint}",
        field="payload.host_id",
        evidence={"init": asked, "complete": came},
    )


def _unknown(given: str, own: Issued | None) -> Problem:
    shown = printable(given)
    if own is None:
        return problem(
            "REG-ID-UNKNOWN",
            why=f"registration_id {shown!r} was never issued by this gateway since it started",
            field="payload.registration_id",
        )
    ratio = difflib.SequenceMatcher(None, given[:64], own.registration_id).ratio()
    if given.strip(" \t\r\n\"'") == own.registration_id:
        hint = "it has quotes or white space around it"
    elif own.registration_id.startswith(given) and given:
        hint = f"it is cut after {len(given)} of {len(own.registration_id)} characters"
    elif ratio > 0.8:
        hint = "it is nearly the one issued to this connection: a character changed on the way"
    else:
        hint = "it was never issued by this gateway since it started"
    return problem("REG-ID-UNKNOWN", why=f"registration_id {shown!r}: {hint}", field="payload.registration_id")


def clock_skew(auth: Auth, *, wall: float, limit_s: float) -> Problem | None:
    """CLK-SKEW where an agent chose its own nonce and its timestamp is out of the window that bounds replays."""
    skew = auth.timestamp - wall
    if abs(skew) <= limit_s:
        return None
    direction = "ahead of" if skew > 0 else "behind"
    return problem(
        "CLK-SKEW",
        what="the timestamp of auth is out of range",
        why=f"the agent's clock is {abs(skew):.0f} s {direction} the gateway's; the limit is {limit_s:.0f} s",
        field="payload.timestamp",
        evidence={"skew_s": round(skew, 1), "limit_s": limit_s},
    )
