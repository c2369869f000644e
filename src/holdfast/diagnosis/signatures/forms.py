"""The forms in which an agent may have put the nonce, the host or the whole text into what it signed.

Each form has the words of a formula, the Python expression an author would have written, and the bytes it gives; a
test evaluates every expression and compares. None stands for "this form does not exist for these values".
"""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from holdfast.diagnosis.signatures.failure import FailedSignature, utf8


class Form(NamedTuple):
    """One form of one field. `python` yields bytes where `binary`, otherwise text."""

    words: str
    python: str
    render: Callable[[FailedSignature], bytes | None]
    binary: bool = False


class Wrapping(NamedTuple):
    """Something done to the whole text; in `words` and `python`, `{}` stands for it. `python` takes and gives bytes."""

    words: str
    python: str
    render: Callable[[bytes], bytes | None]


def _of_decoded(change: Callable[[bytes], bytes]) -> Callable[[FailedSignature], bytes | None]:
    def render(failed: FailedSignature) -> bytes | None:
        raw = failed.decoded_nonce()
        return None if raw is None else change(raw)

    return render


NONCE_FORMS: Final[Mapping[str, Form]] = {
    "text": Form("nonce", "nonce", lambda f: utf8(f.nonce)),
    "decoded": Form("decode(nonce)", "base64.b64decode(nonce)", FailedSignature.decoded_nonce, binary=True),
    "hex": Form("hex(decode(nonce))", "base64.b64decode(nonce).hex()", _of_decoded(lambda raw: raw.hex().encode())),
    "upper hex": Form(
        "HEX(decode(nonce))",
        "base64.b64decode(nonce).hex().upper()",
        _of_decoded(lambda raw: raw.hex().upper().encode()),
    ),
    "base64url": Form(
        "base64url(decode(nonce))",
        "base64.urlsafe_b64encode(base64.b64decode(nonce)).decode()",
        _of_decoded(base64.urlsafe_b64encode),
    ),
    "unpadded": Form("nonce without =", "nonce.rstrip('=')", lambda f: utf8(f.nonce.rstrip("="))),
    "base64url, unpadded": Form(
        "base64url(decode(nonce)) without =",
        "base64.urlsafe_b64encode(base64.b64decode(nonce)).decode().rstrip('=')",
        _of_decoded(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=")),
    ),
    "doubled": Form(
        "base64(nonce)", "base64.b64encode(nonce.encode()).decode()", lambda f: base64.b64encode(utf8(f.nonce))
    ),
    "newline": Form("nonce with a newline", "nonce + '\\n'", lambda f: utf8(f.nonce) + b"\n"),
    "printed": Form("b'nonce'", "str(nonce.encode())", lambda f: b"b'" + utf8(f.nonce) + b"'"),
    "quoted": Form('"nonce" in quotes', "json.dumps(nonce)", lambda f: b'"' + utf8(f.nonce) + b'"'),
}

HOST_FORMS: Final[Mapping[str, Form]] = {
    "text": Form("host_id", "host_id", lambda f: utf8(f.host_id)),
    "init": Form("host_id of the first message", "init_host_id", lambda f: utf8(f.init_host_id)),
    "lower": Form("lower(host_id)", "host_id.lower()", lambda f: utf8(f.host_id.lower())),
    "upper": Form("upper(host_id)", "host_id.upper()", lambda f: utf8(f.host_id.upper())),
    "short": Form("host_id up to the first dot", "host_id.split('.')[0]", lambda f: utf8(f.host_id.partition(".")[0])),
    "stripped": Form("host_id without outer space", "host_id.strip()", lambda f: utf8(f.host_id.strip())),
    "newline": Form("host_id with a newline", "host_id + '\\n'", lambda f: utf8(f.host_id) + b"\n"),
    "quoted": Form('"host_id" in quotes', "json.dumps(host_id)", lambda f: json.dumps(f.host_id).encode()),
    "registration": Form("registration_id", "registration_id", lambda f: utf8(f.registration_id)),
    "uid": Form("agent_uid", "agent_uid", lambda f: utf8(f.uid())),
    "org": Form("org_id", "org_id", lambda f: utf8(f.org_id)),
    "key": Form("agent_pubkey", "agent_pubkey", lambda f: base64.b64encode(f.public_key)),
    "hashed": Form(
        "hex(sha256(host_id))",
        "hashlib.sha256(host_id.encode()).hexdigest()",
        lambda f: hashlib.sha256(utf8(f.host_id)).hexdigest().encode(),
    ),
    "dotted": Form("host_id with a final dot", "host_id + '.'", lambda f: utf8(f.host_id) + b"."),
    "local": Form("host_id + .local", "host_id + '.local'", lambda f: utf8(f.host_id) + b".local"),
    "localdomain": Form(
        "host_id + .localdomain", "host_id + '.localdomain'", lambda f: utf8(f.host_id) + b".localdomain"
    ),
    "composed": Form(
        "NFC(host_id)",
        "unicodedata.normalize('NFC', host_id)",
        lambda f: utf8(unicodedata.normalize("NFC", f.host_id)),
    ),
    "decomposed": Form(
        "NFD(host_id)",
        "unicodedata.normalize('NFD', host_id)",
        lambda f: utf8(unicodedata.normalize("NFD", f.host_id)),
    ),
}

# Fields that have one form only.
OTHER_FIELDS: Final[Mapping[str, Form]] = {
    "registration_id": HOST_FORMS["registration"],
    "org_id": HOST_FORMS["org"],
    "agent_uid": HOST_FORMS["uid"],
    "agent_pubkey": HOST_FORMS["key"],
    "raw key": Form("decode(agent_pubkey)", "base64.b64decode(agent_pubkey)", lambda f: f.public_key, binary=True),
    "words": Form(
        'the words "nonce + server_time + host_id"',
        "'nonce + server_time + host_id'",
        lambda _: b"nonce + server_time + host_id",
    ),
}


def _transcoded(encoding: str, prefix: bytes = b"") -> Callable[[bytes], bytes | None]:
    def render(text: bytes) -> bytes | None:
        try:
            return prefix + text.decode().encode(encoding)
        except UnicodeError:
            return None

    return render


# For these codes the text is hashed by the signature scheme itself, not by the author.
PREHASHED: Final = "ed25519ph"

WRAPPINGS: Final[Mapping[str, Wrapping]] = {
    "sha256": Wrapping("sha256({})", "hashlib.sha256({}).digest()", lambda t: hashlib.sha256(t).digest()),
    "hex sha256": Wrapping(
        "hex(sha256({}))",
        "hashlib.sha256({}).hexdigest().encode()",
        lambda t: hashlib.sha256(t).hexdigest().encode(),
    ),
    "sha512": Wrapping("sha512({})", "hashlib.sha512({}).digest()", lambda t: hashlib.sha512(t).digest()),
    "hex sha512": Wrapping(
        "hex(sha512({}))",
        "hashlib.sha512({}).hexdigest().encode()",
        lambda t: hashlib.sha512(t).hexdigest().encode(),
    ),
    "sha1": Wrapping(
        "sha1({})", "hashlib.sha1({}).digest()", lambda t: hashlib.sha1(t, usedforsecurity=False).digest()
    ),
    "hex sha1": Wrapping(
        "hex(sha1({}))",
        "hashlib.sha1({}).hexdigest().encode()",
        lambda t: hashlib.sha1(t, usedforsecurity=False).hexdigest().encode(),
    ),
    "hex md5": Wrapping(
        "hex(md5({}))",
        "hashlib.md5({}).hexdigest().encode()",
        lambda t: hashlib.md5(t, usedforsecurity=False).hexdigest().encode(),
    ),
    "base64": Wrapping("base64({})", "base64.b64encode({})", base64.b64encode),
    "hex": Wrapping("hex({})", "({}).hex().encode()", lambda t: t.hex().encode()),
    "base64 sha256": Wrapping(
        "base64(sha256({}))",
        "base64.b64encode(hashlib.sha256({}).digest())",
        lambda t: base64.b64encode(hashlib.sha256(t).digest()),
    ),
    "utf-16": Wrapping("utf16le({})", "({}).decode().encode('utf-16-le')", _transcoded("utf-16-le")),
    "utf-16 with mark": Wrapping(
        "BOM + utf16le({})",
        "b'\\xff\\xfe' + ({}).decode().encode('utf-16-le')",
        _transcoded("utf-16-le", b"\xff\xfe"),
    ),
    "utf-16 big": Wrapping("utf16be({})", "({}).decode().encode('utf-16-be')", _transcoded("utf-16-be")),
    "latin-1": Wrapping("latin1({})", "({}).decode().encode('latin-1')", _transcoded("latin-1")),
    "mark": Wrapping("BOM + {}", "b'\\xef\\xbb\\xbf' + {}", lambda t: b"\xef\xbb\xbf" + t),
    "printed": Wrapping("b'...' around {}", "str({}).encode()", lambda t: str(t).encode()),
    "quoted": Wrapping("quotes around {}", "b'\"' + {} + b'\"'", lambda t: b'"' + t + b'"'),
    PREHASHED: Wrapping("Ed25519ph of {}", "", lambda t: t),
}
