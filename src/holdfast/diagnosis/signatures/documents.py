"""Documents that an author may have signed in place of the plain concatenation: JSON, printed values, query strings.

As in `forms`, each has its words, its Python expression and its bytes. In the expressions `response` is the parsed
payload of our challenge and `complete` the agent's own completing payload without its signature.
"""

import base64
import json
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from holdfast.diagnosis.signatures.failure import FailedSignature, utf8


class Document(NamedTuple):
    """A whole text; `python` is an expression of type bytes."""

    words: str
    python: str
    render: Callable[[FailedSignature], bytes | None]


_FIELDS: Final = ("nonce", "server_time", "host_id")
_CAMEL: Final = {"nonce": "nonce", "server_time": "serverTime", "host_id": "hostId"}
_SIGNATURE_FIELDS: Final = frozenset({"signature", "signed_nonce"})
_MAX_PAYLOAD_CHARS: Final = 8_192  # hashing more would cost more than a search
_COMPACT: Final = (",", ":")
_TIGHT: Final = ", separators=(',', ':')"  # the same in a Python expression


def _values(failed: FailedSignature, fields: tuple[str, ...]) -> dict[str, str]:
    known = {
        "nonce": failed.nonce,
        "server_time": failed.server_time,
        "host_id": failed.host_id,
        "registration_id": failed.registration_id,
    }
    return {field: known[field] for field in fields}


def _dumps(value: object, *, compact: bool, ascii_only: bool = True, **options: bool) -> bytes:
    return utf8(json.dumps(value, separators=_COMPACT if compact else None, ensure_ascii=ascii_only, **options))  # type: ignore[arg-type]  # typeshed names each option


def _printed_again(
    received: dict[str, object], *, compact: bool, ascii_only: bool = True, sort_keys: bool = False
) -> bytes | None:
    """A peer's own JSON; None where it nests deeper than it can be printed."""
    try:
        return _dumps(received, compact=compact, ascii_only=ascii_only, sort_keys=sort_keys)
    except (RecursionError, ValueError):
        return None


def _object(fields: tuple[str, ...], *, compact: bool, ascii_only: bool = True) -> Document:
    literal = "{" + ", ".join(f'"{field}": {field}' for field in fields) + "}"
    options = _TIGHT if compact else ""
    options += "" if ascii_only else ", ensure_ascii=False"
    notes = ("" if compact else " with spaces") + ("" if ascii_only else " with unescaped letters")
    return Document(
        f"JSON object {{{', '.join(fields)}}}{notes}",
        f"json.dumps({literal}{options}).encode()",
        lambda f: _dumps(_values(f, fields), compact=compact, ascii_only=ascii_only),
    )


def _array(*, compact: bool) -> Document:
    return Document(
        "JSON array [nonce, server_time, host_id]" + ("" if compact else " with spaces"),
        f"json.dumps([nonce, server_time, host_id]{_TIGHT if compact else ''}).encode()",
        lambda f: _dumps(list(_values(f, _FIELDS).values()), compact=compact),
    )


def _parsed(text: str) -> dict[str, object] | None:
    """A payload as its JSON object, in the order received; None when it is not known or not one."""
    if not text or len(text) > _MAX_PAYLOAD_CHARS:
        return None
    try:
        found = msgspec.json.decode(utf8(text), type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return found


def _response(*, compact: bool) -> Callable[[FailedSignature], bytes | None]:
    def render(failed: FailedSignature) -> bytes | None:
        found = _parsed(failed.response_payload)
        return None if found is None else _printed_again(found, compact=compact)

    return render


def _complete(
    *, compact: bool, ascii_only: bool = True, sort_keys: bool = False, blank: bool = False
) -> Callable[[FailedSignature], bytes | None]:
    """The completing payload without its signature (or, where `blank`, with an empty one)."""

    def render(failed: FailedSignature) -> bytes | None:
        found = _parsed(failed.complete_payload)
        if found is None:
            return None
        if blank:
            kept = {key: "" if key in _SIGNATURE_FIELDS else value for key, value in found.items()}
        else:
            kept = {key: value for key, value in found.items() if key not in _SIGNATURE_FIELDS}
        return _printed_again(kept, compact=compact, ascii_only=ascii_only, sort_keys=sort_keys)

    return render


def _raw_response(failed: FailedSignature) -> bytes | None:
    short = 0 < len(failed.response_payload) <= _MAX_PAYLOAD_CHARS
    return utf8(failed.response_payload) if short else None


def _encoded_response(failed: FailedSignature) -> bytes | None:
    raw = _raw_response(failed)
    return None if raw is None else base64.b64encode(raw)


def _all_documents() -> dict[str, Document]:
    # The key order of a typed object, a sorted one, and the other four; compact as Go and JavaScript, spaced as Python.
    orders = sorted(permutations(_FIELDS), key=lambda order: (order != _FIELDS, list(order) != sorted(order)))
    with_id = ("registration_id", *_FIELDS)
    found = {"response": Document("our answer as received", "response_text.encode()", _raw_response)}
    for fields in orders:
        found[f"object {' '.join(fields)}"] = _object(fields, compact=True)
        found[f"object spaced {' '.join(fields)}"] = _object(fields, compact=False)
    found |= {
        "array": _array(compact=True),
        "array spaced": _array(compact=False),
        "object with id": _object(with_id, compact=True),
        "object with id spaced": _object(with_id, compact=False),
        "object with id sorted": _object(tuple(sorted(with_id)), compact=True),
        "object with id sorted spaced": _object(tuple(sorted(with_id)), compact=False),
        "object unescaped": _object(_FIELDS, compact=True, ascii_only=False),
        "object unescaped spaced": _object(_FIELDS, compact=False, ascii_only=False),
    }
    return found | _payloads() | _printings()


def _payloads() -> dict[str, Document]:
    complete = "complete without signature"
    return {
        "response encoded": Document(
            "our answer as received, in base64", "base64.b64encode(response_text.encode())", _encoded_response
        ),
        "response compact": Document(
            "our answer printed again", f"json.dumps(response{_TIGHT}).encode()", _response(compact=True)
        ),
        "response spaced": Document(
            "our answer printed again with spaces", "json.dumps(response).encode()", _response(compact=False)
        ),
        "complete": Document(f"JSON of {complete}", f"json.dumps(complete{_TIGHT}).encode()", _complete(compact=True)),
        "complete spaced": Document(
            f"JSON of {complete}, with spaces", "json.dumps(complete).encode()", _complete(compact=False)
        ),
        "complete sorted": Document(
            f"JSON of {complete}, sorted",
            f"json.dumps(complete, sort_keys=True{_TIGHT}).encode()",
            _complete(compact=True, sort_keys=True),
        ),
        "complete unescaped": Document(
            f"JSON of {complete}, with unescaped letters",
            f"json.dumps(complete, ensure_ascii=False{_TIGHT}).encode()",
            _complete(compact=True, ascii_only=False),
        ),
        "complete blank": Document(
            "JSON of complete with an empty signature",
            f"json.dumps(complete | {{'signature': ''}}{_TIGHT}).encode()",
            _complete(compact=True, blank=True),
        ),
    }


def _printings() -> dict[str, Document]:
    return {
        "tuple": Document(
            "printed tuple (nonce, server_time, host_id)",
            "str((nonce, server_time, host_id)).encode()",
            lambda f: utf8(str(tuple(_values(f, _FIELDS).values()))),
        ),
        "list": Document(
            "printed list [nonce, server_time, host_id]",
            "str([nonce, server_time, host_id]).encode()",
            lambda f: utf8(str(list(_values(f, _FIELDS).values()))),
        ),
        "dict": Document(
            "printed dict {nonce, server_time, host_id}",
            "str({'nonce': nonce, 'server_time': server_time, 'host_id': host_id}).encode()",
            lambda f: utf8(str(_values(f, _FIELDS))),
        ),
        "camel": Document(
            "JSON object {nonce, serverTime, hostId}",
            f"json.dumps({{'nonce': nonce, 'serverTime': server_time, 'hostId': host_id}}{_TIGHT}).encode()",
            lambda f: _dumps({_CAMEL[k]: v for k, v in _values(f, _FIELDS).items()}, compact=True),
        ),
        "query": Document(
            "query string nonce=...&server_time=...&host_id=...",
            "urlencode({'nonce': nonce, 'server_time': server_time, 'host_id': host_id}).encode()",
            lambda f: urlencode(_values(f, _FIELDS), errors="surrogatepass").encode(),
        ),
        "query plain": Document(
            "query string nonce=...&server_time=...&host_id=... without escapes",
            "f'nonce={nonce}&server_time={server_time}&host_id={host_id}'.encode()",
            lambda f: utf8("&".join(f"{k}={v}" for k, v in _values(f, _FIELDS).items())),
        ),
    }


DOCUMENTS: Final[Mapping[str, Document]] = _all_documents()
