"""The published test vectors of the wire protocol, and the command that writes them.

`python -m tests.protocol.vectors --write` writes docs/reference/vectors/; without `--write` it says what differs.
Everything is derived from fixed seeds, and Ed25519 is deterministic: the files change only when the protocol does.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from holdfast.model.identity import agent_uid, fingerprint
from holdfast.protocol.payloads import Challenge, Confirmation, ServerTime
from holdfast.protocol.signing import auth_text, registration_text
from tests.protocol.refusals import FRAMES, NOW, PAYLOADS, b64, envelope

DIRECTORY: Final = Path(__file__).parents[2] / "docs" / "reference" / "vectors"
LONGEST: Final = 4_096  # the largest cases are mechanical: a peer makes them itself
SERVER_TIME: Final = "2025-11-24T16:00:00Z"
HOSTS: Final = ("web-01", "db.example.org", "Büro 7", "主机-3", "w" * 255)

Json = dict[str, object]


def key(number: int) -> SigningKey:
    """The private key of test agent `number`: its seed is the SHA-256 of a sentence."""
    return SigningKey(hashlib.sha256(f"holdfast test vector {number}".encode()).digest())


def nonce(number: int) -> str:
    return b64(hashlib.sha256(f"holdfast test nonce {number}".encode()).digest())


def public(signer: SigningKey) -> bytes:
    return bytes(signer.verify_key)


def identities() -> list[Json]:
    return [
        {
            "seed_hex": bytes(signer).hex(),
            "public_key_hex": public(signer).hex(),
            "agent_pubkey": b64(public(signer)),
            "sha256_hex": hashlib.sha256(public(signer)).hexdigest(),
            "agent_uid": agent_uid(public(signer)),
            "fingerprint": fingerprint(public(signer)),
        }
        for signer in map(key, range(5))
    ]


def registrations() -> list[Json]:
    return [_registration(number, host_id) for number, host_id in enumerate(HOSTS)]


def _registration(number: int, host_id: str) -> Json:
    signer, text = key(number), registration_text(nonce=nonce(number), server_time=SERVER_TIME, host_id=host_id)
    return {
        "seed_hex": bytes(signer).hex(),
        "agent_pubkey": b64(public(signer)),
        "nonce": nonce(number),
        "server_time": SERVER_TIME,
        "host_id": host_id,
        "signed_text": text.decode(),
        "signed_hex": text.hex(),
        "signature": b64(signer.sign(text).signature),
    }


def auths() -> list[Json]:
    return [_auth(number, agent_id) for number, agent_id in enumerate((agent_uid(public(key(0))), "db.example.org"))]


def _auth(number: int, agent_id: str) -> Json:
    signer = key(number)
    fields = {"agent_id": agent_id, "public_key": b64(public(signer)), "timestamp": int(NOW), "nonce": nonce(9)}
    text = auth_text(agent_id=agent_id, public_key=b64(public(signer)), timestamp=int(NOW), nonce=nonce(9))
    return {
        "seed_hex": bytes(signer).hex(),
        "payload": {**fields, "signature": b64(signer.sign(text).signature)},
        "signed_text": text.decode(),
        "signed_hex": text.hex(),
    }


def refused_signatures() -> list[Json]:
    """Signatures by the right key, each over another text than the protocol's: none of them may verify."""
    signer, value, host = key(0), nonce(0), HOSTS[0]
    other: Mapping[str, bytes] = {
        "the nonce decoded": base64.b64decode(value) + (SERVER_TIME + host).encode(),
        "another order": (host + value + SERVER_TIME).encode(),
        "separators": ":".join((value, SERVER_TIME, host)).encode(),
        "a line break at the end": (value + SERVER_TIME + host + "\n").encode(),
        "the time of the agent": (value + "2025-11-24T16:00:01Z" + host).encode(),
        "the host in capitals": (value + SERVER_TIME + host.upper()).encode(),
        "a hash of the text": hashlib.sha256((value + SERVER_TIME + host).encode()).digest(),
        "JSON": json.dumps({"nonce": value, "server_time": SERVER_TIME, "host_id": host}).encode(),
        "the nonce alone": value.encode(),
        "nothing": b"",
    }
    right = registration_text(nonce=value, server_time=SERVER_TIME, host_id=host)
    asked = {"agent_pubkey": b64(public(signer)), "nonce": value, "server_time": SERVER_TIME, "host_id": host}
    wrong_text: list[Json] = [
        {"name": name, **asked, "signed_instead_hex": text.hex(), "signature": b64(signer.sign(text).signature)}
        for name, text in other.items()
    ]
    good = signer.sign(right).signature
    flipped = bytes([good[0] ^ 1]) + good[1:]
    # RFC 8032, 5.1.7: S must be below the order of the group; S + L is the same point, and must not verify.
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    return [
        *wrong_text,
        {"name": "one bit of the signature changed", **asked, "signature": b64(flipped)},
        {"name": "S not reduced", **asked, "signature": b64(malleable)},
        {"name": "another key", **asked, "signature": b64(key(1).sign(right).signature)},
    ]


def valid_messages() -> list[Json]:
    """One registration and one heartbeat, as they go over the wire in both directions."""
    step = _registration(0, HOSTS[0])
    registration_id = "6f1c2c4e-8a57-4c0e-9d2b-0d5a3f7e9b11"
    init = {"org_id": "default-org", "host_id": HOSTS[0], "agent_pubkey": step["agent_pubkey"]}
    full = {
        **init,
        "machine_id_hash": hashlib.sha256(b"machine").hexdigest(),
        "agent_version": "1.4.2",
        "capabilities": {"shell": True},
        "platform": {"os": "linux", "arch": "x86_64"},
        "network": {"interfaces": [{"name": "eth0", "addresses": ["192.0.2.7"]}]},
        "labels": {"role": "web"},
        "instance": "0d5a3f7e",
        "boot_id": "9b116f1c",
    }
    challenge = Challenge(registration_id=registration_id, nonce=nonce(0), server_time=SERVER_TIME)
    complete = {"registration_id": registration_id, "host_id": HOSTS[0], "signature": step["signature"]}
    confirmation = Confirmation(
        agent_uid=agent_uid(public(key(0))), status="registered", heartbeat_interval=20.0, server_time=SERVER_TIME
    )
    uid = agent_uid(public(key(0)))
    answer = {"reply_to": "m-1"}
    return [
        _message("the shortest init", "agent", init),
        _message("an init that says everything", "agent", full),
        _message("fields of agents in the field", "agent", init, nonce="x", signature="y", extra={"a": 1}),
        _message("no headers", "agent", init, headers=...),
        _message("the challenge", "gateway", _plain(challenge), type="response", headers=answer),
        _message("the completion", "agent", complete, channel="agent.registration.complete"),
        _message(
            "the confirmation",
            "gateway",
            _plain(confirmation),
            channel="agent.registration.complete",
            type="response",
            headers=answer,
        ),
        _message("a resumption", "agent", _auth(0, uid)["payload"], channel="auth"),
        _message("a heartbeat", "agent", {}, channel="agent.heartbeat", type="heartbeat"),
        _message("an empty payload", "agent", None, channel="agent.heartbeat", type="heartbeat"),
        _message(
            "a heartbeat with the uid", "agent", {"load": 0.4}, channel=f"agent.{uid}.heartbeat", type="heartbeat"
        ),
        _message(
            "its ack",
            "gateway",
            _plain(ServerTime(server_time=SERVER_TIME)),
            channel="agent.heartbeat",
            type="ack",
            headers=answer,
        ),
    ]


def _plain(struct: Challenge | Confirmation | ServerTime) -> Json:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _message(name: str, sender: str, payload: object, **changes: object) -> Json:
    text = "" if payload is None else b64(json.dumps(payload, separators=(",", ":")).encode())
    frame = json.dumps(envelope(payload=text, **changes), separators=(",", ":"))
    return {"name": name, "from": sender, "payload": payload or {}, "frame": frame}


def refused_messages() -> list[Json]:
    """Frames that are refused whatever came before them. `frame_base64` where the bytes are no UTF-8."""
    frames: list[Json] = [
        {"name": name, **_frame(raw), "code": code, "field": field}
        for name, (raw, code, field) in FRAMES.items()
        if len(raw) <= LONGEST
    ]
    payloads: list[Json] = [
        {"name": f"payload: {name}", "frame": json.dumps(envelope(payload=text)), "code": code, "field": field}
        for name, (text, code, field) in PAYLOADS.items()
        if len(text) <= LONGEST
    ]
    return [*frames, *payloads]


def _frame(raw: bytes) -> Json:
    try:
        return {"frame": raw.decode()}
    except UnicodeDecodeError:
        return {"frame_base64": b64(raw)}


def refused_first_messages() -> list[Json]:
    """Good envelopes that a gateway refuses as the first message of a connection."""
    signer = key(0)
    good: Json = {"host_id": HOSTS[0], "agent_pubkey": b64(public(signer))}
    complete: Json = {
        "registration_id": "6f1c2c4e-8a57-4c0e-9d2b-0d5a3f7e9b11",
        "host_id": HOSTS[0],
        "signature": b64(bytes(64)),
    }
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(bytes.fromhex("302a300506032b6570032100") + public(signer))

    def with_key(text: str) -> Json:
        return {**good, "agent_pubkey": text}

    cases: list[tuple[str, str, str | None, Json, dict[str, object]]] = [
        ("milliseconds", "MSG-TS-MILLIS", "timestamp", good, {"timestamp": int(NOW) * 1000}),
        ("nanoseconds", "MSG-TS-MILLIS", "timestamp", good, {"timestamp": int(NOW) * 10**9}),
        ("a channel that is none", "MSG-CHANNEL-UNKNOWN", "channel", good, {"channel": "agent.register"}),
        ("a channel in capitals", "MSG-CHANNEL-UNKNOWN", "channel", good, {"channel": "Agent.Registration"}),
        (
            "the original system's channel",
            "MSG-CHANNEL-LEGACY",
            "channel",
            complete,
            {"channel": "registration.complete"},
        ),
        ("an event where a request belongs", "MSG-TYPE-UNKNOWN", "type", good, {"type": "event"}),
        ("a heartbeat", "MSG-BEFORE-REGISTERED", None, {}, {"channel": "agent.heartbeat", "type": "heartbeat"}),
        ("complete before init", "REG-COMPLETE-FIRST", None, complete, {"channel": "agent.registration.complete"}),
        ("an empty host_id", "MSG-FIELD-TYPE", "payload.host_id", {**good, "host_id": ""}, {}),
        ("space around host_id", "MSG-FIELD-TYPE", "payload.host_id", {**good, "host_id": "web-01 "}, {}),
        (
            "a key in PEM",
            "KEY-PEM",
            "payload.agent_pubkey",
            with_key(pem.decode() + "\n-----END PUBLIC KEY-----\n"),
            {},
        ),
        ("a key in hex", "KEY-ENCODING", "payload.agent_pubkey", with_key(public(signer).hex()), {}),
        ("a key of 31 bytes", "KEY-LENGTH", "payload.agent_pubkey", with_key(b64(public(signer)[:31])), {}),
        (
            "the private key, 64 bytes",
            "KEY-PRIVATE-SENT",
            "payload.agent_pubkey",
            with_key(b64(bytes(signer) + public(signer))),
            {},
        ),
        ("a key of zeros", "KEY-SMALL-ORDER", "payload.agent_pubkey", with_key(b64(bytes(32))), {}),
        ("the neutral point as key", "KEY-SMALL-ORDER", "payload.agent_pubkey", with_key(b64(b"\x01" + bytes(31))), {}),
    ]
    return [
        {
            "name": name,
            "frame": json.dumps(envelope(payload=b64(json.dumps(payload).encode()), **changes)),
            "code": code,
            "field": field,
        }
        for name, code, field, payload, changes in cases
    ]


def files() -> dict[str, str]:
    """Every file of the vectors, by name."""
    contents: Mapping[str, Json] = {
        "identities.json": {"identities": identities()},
        "signatures.json": {
            "registration": registrations(),
            "auth": auths(),
            "refused": refused_signatures(),
        },
        "messages.json": {
            "valid": valid_messages(),
            "refused": refused_messages(),
            "refused_first": refused_first_messages(),
        },
    }
    return {name: json.dumps(content, indent=2, ensure_ascii=True) + "\n" for name, content in contents.items()}


def stale(directory: Path = DIRECTORY) -> list[str]:
    """The names of files in `directory` that are not what this module would write."""
    return [
        name
        for name, text in files().items()
        if not (directory / name).exists() or (directory / name).read_text("utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    if "--write" in arguments:
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        for name, text in files().items():
            (DIRECTORY / name).write_text(text, "utf-8")
    wrong = stale()
    print("\n".join(f"{name} is stale: python -m tests.protocol.vectors --write" for name in wrong) or "in sync")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
