"""Registrations, many in one transaction."""

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from holdfast.faults import HoldfastError, Refused, printable
from holdfast.model import Admission, EnrolmentToken, Presence, Registered, Registration, agent_uid, fingerprint
from holdfast.registry import audit
from holdfast.registry.admission import UNKNOWN_TOKEN, Known, RegistrationPolicy, Verdict, decide
from holdfast.registry.enrolment import consume, lock_tokens
from holdfast.registry.labels import write_labels
from holdfast.registry.neighbours import MAX_OTHER_KEYS, Neighbours, find_neighbours
from holdfast.registry.rows import (
    json_text,
    labels_text,
    platform_name,
    storable,
    storable_or_none,
)
from holdfast.store.sets import ManyRows, padded, upsert
from holdfast.store.tables import agents

# What a key that registers again says anew. Its labels, note and admission belong to operators by then.
_RENEWED: Final = (
    "org_id", "host_id", "machine_id_hash", "agent_version", "capabilities", "platform", "platform_name", "network",
    "instance", "boot_id", "last_seen", "connected_since", "remote_address", "heartbeat_interval_s", "presence",
    "presence_since", "presence_why", "node", "attempt",
)  # fmt: skip

# Locked in one order, so that two gateways that register the same agents do not wait for each other for ever.
_KNOWN: Final = (
    sa.select(
        agents.c.agent_uid,
        agents.c.org_id,
        agents.c.host_id,
        agents.c.admission,
        agents.c.admission_since,
        agents.c.admission_why,
        agents.c.heartbeat_ceiling_s,
    )
    .where(agents.c.agent_uid.in_(sa.bindparam("uids", expanding=True)))
    .order_by(agents.c.agent_uid)
    .with_for_update()
)

Row = dict[str, Any]


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """A registration made ready for the database: everything that needs no look at it is done."""

    uid: str
    org_id: str
    host_id: str
    labels: dict[str, str]
    token_hash: str | None
    token_refusal: Refused | None
    now: float
    row: Row


def entrant(
    registration: Registration, *, token: str | Refused | None, node: str, interval_s: float, now: float
) -> Entrant:
    """Prepare `registration`. `token` is the hash of the enrolment token it shows, or what is wrong with that."""
    row = _claimed(registration) | _connected(registration, node, now)
    row |= {"registered_at": now, "heartbeat_interval_s": interval_s, "labels": "{}", "note": "", "expected": False}
    return Entrant(
        uid=row["agent_uid"],
        org_id=row["org_id"],
        host_id=row["host_id"],
        labels={storable(key): storable(value) for key, value in registration.labels.items()},
        token_hash=token if isinstance(token, str) else None,
        token_refusal=token if isinstance(token, Refused) else None,
        now=now,
        row=row,
    )


def _claimed(registration: Registration) -> Row:
    return {
        "agent_uid": agent_uid(registration.public_key),
        "org_id": storable(registration.org_id),
        "host_id": storable(registration.host_id),
        "public_key": base64.b64encode(registration.public_key).decode("ascii"),
        "fingerprint": fingerprint(registration.public_key),
        "machine_id_hash": storable_or_none(registration.machine_id_hash),
        "agent_version": storable(registration.agent_version or ""),
        "capabilities": json_text(registration.capabilities),
        "platform": json_text(registration.platform),
        "platform_name": platform_name(registration.platform),
        "network": json_text(registration.network),
        "instance": storable_or_none(registration.instance),
        "boot_id": storable_or_none(registration.boot_id),
    }


def _connected(registration: Registration, node: str, now: float) -> Row:
    return {
        "presence": Presence.ONLINE.value,
        "presence_since": now,
        "presence_why": connected_why(registration.remote_address),
        "last_seen": now,
        "connected_since": now,
        "remote_address": storable_or_none(registration.remote_address),
        "node": node,
        "attempt": registration.attempt,
    }


def connected_why(remote_address: str | None) -> str:
    """Why an agent is online."""
    return f"connected from {printable(remote_address)}" if remote_address else "connected"


class Admissions:
    """The set statement of registrations under one policy. Keep one: statements are grouped by identity."""

    def __init__(self, policy: RegistrationPolicy, dialect: str) -> None:
        self._policy = policy
        self._upsert = ManyRows(_upsert(dialect))

    def __call__(self, connection: sa.Connection, entrants: Sequence[Entrant]) -> list[Registered | HoldfastError]:
        """Let every entrant in or refuse it; all in one transaction, each as if it had come alone."""
        known = _find_known(connection, entrants)
        neighbours = find_neighbours(connection, {(one.org_id, one.host_id) for one in entrants})
        tokens = lock_tokens(connection, (one.token_hash for one in entrants if one.token_hash))
        answers: list[Registered | HoldfastError] = []
        rows: dict[str, Row] = {}
        labelled: dict[str, dict[str, str]] = {}
        adopted: set[int] = set()
        for one in entrants:
            before = known.get(one.uid)
            token = tokens.get(one.token_hash, UNKNOWN_TOKEN) if one.token_hash else one.token_refusal
            try:
                verdict = decide(self._policy, org_id=one.org_id, known=before, token=token, now=one.now)
            except Refused as refusal:
                answers.append(refusal)
                continue
            if isinstance(verdict.token, EnrolmentToken) and one.token_hash is not None:
                tokens[one.token_hash] = msgspec.structs.replace(verdict.token, uses=verdict.token.uses + 1)
                _record_use(connection, verdict.token, one)
            same_host = neighbours.setdefault((one.org_id, one.host_id), Neighbours())
            interval_s = _interval(one, before)
            row = one.row | _admission(verdict) | {"heartbeat_interval_s": interval_s}
            if before is None:
                labels = one.labels | (verdict.token.labels if verdict.token else {}) | same_host.expected_labels
                row |= {"labels": labels_text(labels), "note": same_host.expected_note}
                if labels:
                    labelled[one.uid] = labels
                adopted |= same_host.take_expected()
            elif one.uid in rows:  # twice in one batch: keep what only the first one may set
                row |= {key: rows[one.uid][key] for key in ("labels", "note", "registered_at")}
            rows[one.uid] = row
            answers.append(_answer(one, verdict, before, same_host, interval_s))
            known[one.uid] = _now_known(one, verdict, before)
        self._write(connection, list(rows.values()), labelled, adopted)
        consume(connection, tokens.values())
        return answers

    def _write(
        self, connection: sa.Connection, rows: list[Row], labelled: dict[str, dict[str, str]], adopted: set[int]
    ) -> None:
        self._upsert(connection, rows)
        if labelled:
            found = connection.execute(
                sa.select(agents.c.seq, agents.c.agent_uid).where(agents.c.agent_uid.in_(padded(labelled)))
            )
            write_labels(connection, {seq: labelled[uid] for seq, uid in found})
        if adopted:
            connection.execute(sa.delete(agents).where(agents.c.seq.in_(adopted)))


def _find_known(connection: sa.Connection, entrants: Sequence[Entrant]) -> dict[str, Known]:
    found = connection.execute(_KNOWN, {"uids": padded(one.uid for one in entrants)})
    return {
        row.agent_uid: Known(
            agent_uid=row.agent_uid,
            org_id=row.org_id,
            host_id=row.host_id,
            admission=Admission(row.admission),
            admission_since=row.admission_since,
            admission_why=row.admission_why,
            heartbeat_ceiling_s=row.heartbeat_ceiling_s,
        )
        for row in found
    }


def _interval(one: Entrant, before: Known | None) -> float:
    """What is wanted of every agent, or less where this one's way here was found to be cut sooner."""
    wanted_s: float = one.row["heartbeat_interval_s"]
    learned_s = None if before is None else before.heartbeat_ceiling_s
    return wanted_s if learned_s is None else min(wanted_s, learned_s)


def _answer(
    one: Entrant, verdict: Verdict, before: Known | None, same_host: Neighbours, interval_s: float
) -> Registered:
    others = tuple(uid for uid in same_host.uids if uid != one.uid)[:MAX_OTHER_KEYS]
    if one.uid not in same_host.uids:
        same_host.uids.insert(0, one.uid)
    return Registered(
        agent_uid=one.uid,
        admission=verdict.admission,
        first_time=before is None,
        heartbeat_interval_s=interval_s,
        other_keys=others,
        previous_host_id=before.host_id if before is not None and before.host_id != one.host_id else None,
    )


def _now_known(one: Entrant, verdict: Verdict, before: Known | None) -> Known:
    return Known(
        agent_uid=one.uid,
        org_id=one.org_id,
        host_id=one.host_id,
        admission=verdict.admission,
        admission_since=verdict.since,
        admission_why=verdict.why,
        heartbeat_ceiling_s=None if before is None else before.heartbeat_ceiling_s,
    )


def _record_use(connection: sa.Connection, token: EnrolmentToken, one: Entrant) -> None:
    """Who used a token, from where and when: whoever finds it used up later wants to know."""
    detail = {
        "token": token.name,
        "use": token.uses + 1,
        "host_id": one.host_id,
        "remote_address": one.row["remote_address"],
        "attempt": one.row["attempt"],
    }
    audit.record(
        connection, at=one.now, actor=one.uid, action="enrolment-token.use", subject=token.token_id, detail=detail
    )


def _admission(verdict: Verdict) -> Row:
    return {"admission": verdict.admission.value, "admission_since": verdict.since, "admission_why": verdict.why}


def _upsert(dialect: str) -> sa.Insert:
    insert = upsert(dialect, agents)
    return insert.on_conflict_do_update(
        index_elements=["agent_uid"],
        set_={name: insert.excluded[name] for name in _RENEWED},
        # An operator may have revoked it between our look and our write: his word stays.
        where=agents.c.admission != Admission.REVOKED.value,
    )
