"""A recipe: how an agent may have made the text it signed, as data that can be said, written in Python and cooked.

The right recipe is `Recipe()`; every other one deviates from it in one or two respects, and each deviation is a
mistake with a code of the fault catalogue.
"""

import json
from collections.abc import Iterator
from typing import Final

import msgspec

from holdfast.diagnosis.signatures.documents import DOCUMENTS
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.forms import HOST_FORMS, NONCE_FORMS, OTHER_FIELDS, PREHASHED, WRAPPINGS, Form
from holdfast.diagnosis.signatures.times import time_form

FIELDS: Final = ("nonce", "server_time", "host_id")


class Recipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was joined, in which forms, with what between, after and around it.

    `nonce`, `time`, `host` and `wrap` name forms of the tables; `document` names a whole text, and then the rest is
    ignored except `tail`.
    """

    fields: tuple[str, ...] = FIELDS
    nonce: str = "text"
    time: str = "text"
    host: str = "text"
    separator: str = ""
    tail: str = ""
    wrap: str = ""
    document: str = ""

    @property
    def is_prehashed(self) -> bool:
        """Whether the signature has to be verified as Ed25519ph (RFC 8032, 5.1) rather than Ed25519."""
        return self.wrap == PREHASHED

    def form(self, field: str) -> Form:
        if field == "nonce":
            return NONCE_FORMS[self.nonce]
        if field == "server_time":
            return time_form(self.time)
        return HOST_FORMS[self.host] if field == "host_id" else OTHER_FIELDS[field]


RIGHT: Final = Recipe()
_LEGACY_RIGHT: Final = Recipe(nonce="decoded")


def right_recipe(failed: FailedSignature) -> Recipe:
    """The one recipe that is accepted on this connection."""
    return _LEGACY_RIGHT if failed.decodes_nonce else RIGHT


class Kitchen:
    """Cooks the texts of one failed signature; the bytes of each form of a field are made once."""

    def __init__(self, failed: FailedSignature) -> None:
        self._failed = failed
        self._cooked: dict[tuple[str, str], bytes | None] = {}

    def text(self, recipe: Recipe) -> bytes | None:
        """The bytes that were signed if the author followed `recipe`; None where it cannot be followed here."""
        if recipe.document:
            whole = DOCUMENTS[recipe.document].render(self._failed)
            return None if whole is None else whole + recipe.tail.encode()
        parts = [self._field(recipe, field) for field in recipe.fields]
        present = [part for part in parts if part is not None]
        if len(present) < len(parts):
            return None
        joined = recipe.separator.encode().join(present) + recipe.tail.encode()
        return WRAPPINGS[recipe.wrap].render(joined) if recipe.wrap else joined

    def _field(self, recipe: Recipe, field: str) -> bytes | None:
        form_name = {"nonce": recipe.nonce, "server_time": recipe.time, "host_id": recipe.host}.get(field, "")
        key = (field, form_name)
        if key not in self._cooked:
            self._cooked[key] = recipe.form(field).render(self._failed)
        return self._cooked[key]


def mistakes(recipe: Recipe, right: Recipe = RIGHT) -> tuple[str, ...]:
    """The codes of a recipe's deviations from the right one, the one to name first first; empty for the right one."""
    return tuple(dict.fromkeys(_mistakes(recipe, right)))


def _mistakes(recipe: Recipe, right: Recipe) -> Iterator[str]:
    if recipe.document:
        yield "SIG-JSON"
    elif sorted(recipe.fields) != sorted(FIELDS):
        yield "SIG-FIELD-SET"
    if recipe.nonce != right.nonce and not recipe.document and "nonce" in recipe.fields:
        yield "SIG-NONCE-DECODED" if recipe.nonce == "decoded" else "SIG-NONCE-ENCODING"
    if recipe.fields != FIELDS and sorted(recipe.fields) == sorted(FIELDS):
        yield "SIG-ORDER"
    if recipe.separator:
        yield "SIG-SEPARATOR"
    if recipe.time != "text":
        family = recipe.time.split(" ")[0]
        yield {"local": "SIG-TIME-LOCAL", "own": "SIG-TIME-OWN"}.get(family, "SIG-TIME-FORMAT")
    if recipe.host != "text":
        yield "SIG-HOST-FORM"
    if recipe.wrap:
        yield "SIG-JSON" if recipe.wrap == "quoted" else "SIG-HASHED"
    if recipe.tail:
        yield "SIG-TRAILING"


def formula(recipe: Recipe) -> str:
    """What was signed, in words: `decode(nonce) + server_time + host_id`."""
    if recipe.document:
        joined = DOCUMENTS[recipe.document].words
    elif not recipe.fields:
        joined = "the empty text"
    else:
        between = f" + {json.dumps(recipe.separator)} + " if recipe.separator else " + "
        joined = between.join(recipe.form(field).words for field in recipe.fields)
    if recipe.tail:
        joined += f" + {json.dumps(recipe.tail)}"
    return WRAPPINGS[recipe.wrap].words.format(joined) if recipe.wrap else joined


def python_source(recipe: Recipe) -> str:
    """A Python expression, of type bytes, that makes this text; empty where Python's own types have none."""
    if recipe.document:
        source = DOCUMENTS[recipe.document].python
        return f"{source} + {recipe.tail.encode()!r}" if recipe.tail else source
    forms = [recipe.form(field) for field in recipe.fields]
    binary = any(form.binary for form in forms)
    parts = [form.python if form.binary or not binary else _encoded(form.python) for form in forms]
    joint = repr(recipe.separator.encode() if binary else recipe.separator)
    pieces = _between(parts, joint) if recipe.separator else parts
    if recipe.tail:
        pieces = [*pieces, repr(recipe.tail.encode() if binary else recipe.tail)]
    joined = " + ".join(pieces) or "''"
    text = joined if binary else _encoded(joined)
    return WRAPPINGS[recipe.wrap].python.format(text) if recipe.wrap else text


def _encoded(python: str) -> str:
    return f"{python}.encode()" if python.isidentifier() else f"({python}).encode()"


def _between(parts: list[str], joint: str) -> list[str]:
    return [piece for part in parts for piece in (joint, part)][1:]
