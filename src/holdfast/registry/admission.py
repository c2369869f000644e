"""Who is let in: the decision, without the database and without a clock."""

from enum import StrEnum
from typing import Final

import msgspec

from holdfast.faults import Refused, printable, problem
from holdfast.model import Admission, EnrolmentToken


class RegistrationPolicy(StrEnum):
    """Who may register a key that is not known yet."""

    OPEN = "open"  # everybody
    APPROVE = "approve"  # everybody, but an operator has to approve before anything else is allowed
    TOKEN = "token"  # noqa: S105 - whoever shows a valid enrolment token


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a key that registers again."""

    agent_uid: str
    org_id: str
    host_id: str
    admission: Admission
    admission_since: float
    admission_why: str
    heartbeat_ceiling_s: float | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is let in. `token` is the enrolment token that it used up one use of."""

    admission: Admission
    since: float
    why: str
    token: EnrolmentToken | None = None


def decide(
    policy: RegistrationPolicy,
    *,
    org_id: str,
    known: Known | None,
    token: EnrolmentToken | Refused | None,
    now: float,
) -> Verdict:
    """Let an agent in or not. `token` is the one it showed, or why what it showed is none.

    A known key is let in as what it is: it has proved who it is, so it needs no token and uses none up. Only where
    tokens guard the orgs, moving to another org needs a token of that org.

    Raises:
        Refused: ID-REVOKED, ID-TOKEN-INVALID, ID-TOKEN-EXPIRED, ID-TOKEN-EXHAUSTED, ID-WRONG-ORG.
    """
    if known is not None:
        if known.admission is Admission.REVOKED:
            raise revoked(known.agent_uid, known.admission_why)
        moves = policy is RegistrationPolicy.TOKEN and known.org_id != org_id
        used = check_token(token, org_id=org_id, now=now) if moves else None
        return Verdict(admission=known.admission, since=known.admission_since, why=known.admission_why, token=used)
    match policy:
        case RegistrationPolicy.OPEN:
            return Verdict(admission=Admission.APPROVED, since=now, why="registration is open")
        case RegistrationPolicy.APPROVE:
            why = "waiting for an operator's approval"
            return Verdict(admission=Admission.PENDING, since=now, why=why)
        case RegistrationPolicy.TOKEN:
            valid = check_token(token, org_id=org_id, now=now)
            why = f"enrolment token {printable(valid.name)}"
            return Verdict(admission=Admission.APPROVED, since=now, why=why, token=valid)


def check_token(token: EnrolmentToken | Refused | None, *, org_id: str, now: float) -> EnrolmentToken:
    """The token, if it lets an agent of `org_id` in now.

    Raises:
        Refused: it does not, and why.
    """
    if isinstance(token, Refused):
        raise token
    if token is None:
        raise _invalid_token("no enrolment token was sent, and this control plane asks for one")
    if token.revoked_at is not None:
        raise _invalid_token(f"enrolment token {printable(token.name)} was revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise _refused(
            "ID-TOKEN-EXPIRED", f"enrolment token {printable(token.name)} expired {now - token.expires_at:.0f} s ago"
        )
    if token.max_uses is not None and token.uses >= token.max_uses:
        why = f"enrolment token {printable(token.name)} allowed {token.max_uses} registrations, and all are used"
        raise _refused("ID-TOKEN-EXHAUSTED", f"{why}; who used it stands in the audit log under {token.token_id}")
    if token.org_id is not None and token.org_id != org_id:
        why = (
            f"enrolment token {printable(token.name)} is for org {printable(token.org_id)}, "
            f"and the agent names org {printable(org_id)}"
        )
        raise _refused("ID-WRONG-ORG", why)
    return token


def revoked(agent_uid: str, why: str) -> Refused:
    """The refusal of an agent that was revoked."""
    return _refused("ID-REVOKED", f"agent {agent_uid} was revoked: {printable(why, 200)}")


def _invalid_token(why: str) -> Refused:
    return _refused("ID-TOKEN-INVALID", why, field="payload.enrolment_token")


def _refused(code: str, why: str, *, field: str | None = None) -> Refused:
    return Refused(problem(code, what="the registration is refused", why=why, field=field))


UNKNOWN_TOKEN: Final = _invalid_token("the enrolment token is well formed, but this control plane did not issue it")
