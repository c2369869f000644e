"""A signature that came with its message behind it: one verification shows exactly what was signed."""

from itertools import chain
from typing import Final

from msgspec.structs import replace

from holdfast.diagnosis.signatures.candidates import TIER_1, tier_2, tier_3
from holdfast.diagnosis.signatures.explanation import Explanation
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.findings import encoded, named, named_with_other_key, shapeless, sound, unexplained
from holdfast.diagnosis.signatures.recipes import RIGHT, Kitchen, Recipe, formula, right_recipe
from holdfast.diagnosis.signatures.sentences import UNVERIFIED
from holdfast.diagnosis.signatures.trial import other_keys
from holdfast.faults.problem import printable
from holdfast.protocol.signature_shape import SignatureShape
from holdfast.protocol.signing import SIGNATURE_BYTES, verifies

_SHOWN_CHARS: Final = 120


def explain_combined(failed: FailedSignature, read: SignatureShape) -> Explanation:
    """SIG-NACL-COMBINED if the first 64 bytes verify over the rest or the rest is a known text, else SIG-LENGTH.

    `read` holds more than 64 bytes. The message is compared, not searched for, so all tiers cost no verification.
    """
    signature, message = read.raw[:SIGNATURE_BYTES], read.raw[SIGNATURE_BYTES:]
    recipe = _recipe_of(failed, message)
    keys = ((failed.public_key, ""), *other_keys(failed))
    signer = next(((key, origin) for key, origin in keys if verifies(key, message, signature)), None)
    if signer is None and recipe is None:
        return replace(shapeless(replace(read, code="SIG-LENGTH")), tried=len(keys))
    found = _inner(recipe, right_recipe(failed), signer)
    if recipe is None:
        found = replace(found, signed=_shown(message, failed.expected()), proved=True)
    combined = replace(read, code="SIG-NACL-COMBINED")
    return replace(encoded(combined, found), tried=len(keys), recipe=None)


def _inner(recipe: Recipe | None, right: Recipe, signer: tuple[bytes, str] | None) -> Explanation:
    """What is wrong besides the form."""
    if signer is None:
        label, fix = UNVERIFIED
        return Explanation(code="SIG-OTHER-KEY", label=label, fix=fix, signed=formula(recipe or right), tier=1)
    key, origin = signer
    if origin:
        return named_with_other_key(recipe or right, right, key, origin)
    if recipe is None:
        return unexplained(right, search="none needed: the message was sent along")
    return sound(right) if recipe == right else named(recipe, right, tier=1)


def _recipe_of(failed: FailedSignature, message: bytes) -> Recipe | None:
    kitchen = Kitchen(failed)
    every = chain((RIGHT,), TIER_1, tier_2(), tier_3())
    return next((recipe for recipe in every if not recipe.is_prehashed and kitchen.text(recipe) == message), None)


def _shown(message: bytes, expected: bytes) -> str:
    differs = next((i for i, (a, b) in enumerate(zip(message, expected, strict=False)) if a != b), None)
    place = min(len(message), len(expected)) if differs is None else differs
    text = printable(message[: 4 * _SHOWN_CHARS].decode("utf-8", "backslashreplace"), _SHOWN_CHARS)
    return f'"{text}" ({len(message)} bytes, other than the expected text from byte {place} on)'
