"""The key to examine with: the agent's own, only read and never locked or made, or one for this examination alone."""

import hashlib
import os
import secrets
from pathlib import Path

import msgspec

from holdfast.agent.keyring import KEY_FILE, MEMORY_FILE, Memory, read_bounded
from holdfast.agent.signer import Signer
from holdfast.doctor.case import Case
from holdfast.doctor.keyplace import fleeting
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, Refused
from holdfast.protocol.envelope import decode_base64
from holdfast.protocol.signing import KEY_BYTES


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the examination says it is. `own` means the agent's own key and host id."""

    signer: Signer
    host_id: str
    own: bool
    agent_uid: str | None = None


def read_seed(folder: Path) -> bytes:
    """The 32 bytes of the agent's private key, as they lie in its state folder; nothing is changed or locked there.

    Raises:
        Refused: there is none, it is open to others, or damaged.
    """
    path = folder / KEY_FILE
    try:
        raw = read_bounded(path, secret=True)
    except OSError as error:
        raise Refused(_unusable(path, error.strerror or str(error), "Run the doctor as the agent's user")) from error
    if raw is None:
        raise Refused(_unusable(path, "there is none", "Name the folder the agent uses, or leave --state-dir out"))
    try:
        seed = decode_base64(raw.decode("ascii").strip())
        Signer(seed)
    except ValueError as error:
        why = f"{len(raw)} bytes that are not base64 of a {KEY_BYTES}-byte Ed25519 seed"
        raise Refused(_unusable(path, why, "Restore the key from a backup, or enrol as a new agent")) from error
    return seed


def _unusable(path: Path, why: str, fix: str) -> Problem:
    return problem("KEY-REGENERATED", what=f"the agent's key {path} cannot be used", why=f"{path}: {why}", fix=fix)


def read_memory(folder: Path) -> Memory | None:
    """What the agent remembers of its registration; None where nothing can be read."""
    try:
        return msgspec.json.decode(read_bounded(folder / MEMORY_FILE) or b"", type=Memory)
    except (msgspec.MsgspecError, UnicodeDecodeError, Refused, OSError):
        return None


async def choose_identity(case: Case) -> list[Check]:
    """The line `key`: the agent's own key where `--state-dir` names it, else one that ends with the examination."""
    options = case.options
    if options.state_dir is None:
        host_id = options.host_id or f"doctor-{case.surroundings.host_name}"[:255]
        case.identity = Identity(signer=Signer(secrets.token_bytes(KEY_BYTES)), host_id=host_id, own=False)
        return [skipped("key", "no --state-dir was given: a throw-away key is used", {"host_id": host_id})]
    try:
        signer = Signer(read_seed(options.state_dir))
    except Refused as refused:
        return [failed("key", refused.problem)]
    memory = read_memory(options.state_dir)
    host_id = options.host_id or (memory.host_id if memory else case.surroundings.host_name)
    uid = memory.agent_uid if memory else None
    case.identity = Identity(signer=signer, host_id=host_id, own=True, agent_uid=uid)
    evidence: dict[str, Fact] = {
        "host_id": host_id,
        "public_key": signer.public_key,
        "fingerprint": fingerprint(signer.public_key),
        "agent_uid": uid,
    }
    if not os.access(options.state_dir, os.W_OK):
        evidence["folder"] = "not writable for this user: run the doctor as the agent's user to be sure"
    if soon_lost := fleeting(options.state_dir, case.surroundings):
        return [warned("key", soon_lost, evidence)]
    return [passed("key", "the agent's own key is readable and private", evidence)]


def fingerprint(public_key: str) -> str:
    """The short name of a key, as the registry shows it: `ed25519:` and 16 hex digits of its SHA-256."""
    return "ed25519:" + hashlib.sha256(decode_base64(public_key)).hexdigest()[:16]
