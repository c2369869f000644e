"""The signature explainer: which known mistake produced a signature that does not verify (fault catalogue, part 3).

Pure: no clock, no I/O. A match is a proof, because only the key's owner can have signed exactly these bytes. It names
the mistake; it never makes the signature acceptable. A full search costs some 50 ms of CPU, so it never runs in an
event loop: see `search`.
"""

import hashlib
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from msgspec.structs import replace

from holdfast.diagnosis.signatures.candidates import HEAD, tier_1, tier_2, tier_3
from holdfast.diagnosis.signatures.combined import explain_combined
from holdfast.diagnosis.signatures.explanation import Explanation
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.findings import (
    encoded,
    key_is_no_point,
    named,
    named_with_other_key,
    no_signature,
    shapeless,
    sound,
    unexplained,
)
from holdfast.diagnosis.signatures.recipes import RIGHT, Recipe, formula, right_recipe
from holdfast.diagnosis.signatures.trial import Trial, is_curve_point, is_possible_signature, other_keys
from holdfast.faults.problem import Problem
from holdfast.protocol.signature_shape import SignatureShape, read_signature, shape_problem
from holdfast.protocol.signing import SIGNATURE_BYTES

SLICE: Final = 32  # verifications between two chances to stop a search


class Progress(NamedTuple):
    """How far a search has come when it can be stopped."""

    tried: int
    tier: int


def shape(signature_text: str) -> Problem | None:
    """The refusal that follows from the signature's text alone, at once and without cryptography; None if it has none.

    Codes: SIG-ENC-HEX, SIG-ENC-B64URL, SIG-ENC-DOUBLE, SIG-ENC-REPR, SIG-NACL-COMBINED, SIG-LENGTH.
    """
    found = read_signature(signature_text)
    return None if found.code is None else shape_problem(found)


def explain(failed: FailedSignature, *, first: Recipe | None = None, deep: bool = True) -> Explanation:
    """Searches to the end and explains; never raises, whatever the agent sent.

    `first` is a recipe to try before all others, `deep` adds tiers 2 and 3 to tier 1.
    """
    steps = search(failed, first=first, deep=deep)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Explanation = stop.value
            return found


def search(
    failed: FailedSignature, *, first: Recipe | None = None, deep: bool = True
) -> Generator[Progress, None, Explanation]:
    """`explain` in slices: yields between them, and may be abandoned there."""
    found = without_search(failed)
    if found is not None:
        return found
    read = read_signature(failed.signature)
    if len(read.raw) > SIGNATURE_BYTES:
        return _stamped(failed, explain_combined(failed, read))
    if not is_curve_point(read.raw[:32]):
        return _stamped(failed, _with_encoding(read, no_signature(right_recipe(failed))))
    trial = Trial(failed, read.raw)
    found = yield from _search(failed, trial, first, deep=deep)
    return _stamped(failed, _with_encoding(read, replace(found, tried=trial.tried)))


def without_search(failed: FailedSignature) -> Explanation | None:
    """The explanation that needs neither a search nor any cryptography; None where it does."""
    read = read_signature(failed.signature)
    if len(read.raw) > SIGNATURE_BYTES:
        return None
    if len(read.raw) < SIGNATURE_BYTES:
        return _stamped(failed, shapeless(read))
    return (
        None
        if is_possible_signature(read.raw)
        else _stamped(failed, _with_encoding(read, no_signature(right_recipe(failed))))
    )


def recheck(failed: FailedSignature, recipe: Recipe) -> Explanation | None:
    """The explanation if the agent made the mistake of `recipe` again: one verification, as cheap as accepting."""
    read = read_signature(failed.signature)
    if len(read.raw) != SIGNATURE_BYTES:
        return None
    trial = Trial(failed, read.raw)
    if not trial.matches(failed.public_key, recipe):
        return None
    right = right_recipe(failed)
    found = sound(right) if recipe == right else named(recipe, right, tier=1)
    return _stamped(failed, _with_encoding(read, replace(found, tried=1, search="same as before")))


def gave_up(failed: FailedSignature, *, search: str, tried: int = 0, tier: int = 0) -> Explanation:
    """The answer when the search could not be made or finished; `search` says why."""
    read = read_signature(failed.signature)
    found = replace(unexplained(right_recipe(failed), search=search), tried=tried, tier=tier)
    return _stamped(failed, _with_encoding(read, found))


def _search(
    failed: FailedSignature, trial: Trial, first: Recipe | None, *, deep: bool
) -> Generator[Progress, None, Explanation]:
    right = right_recipe(failed)
    key_is_valid = is_curve_point(failed.public_key)
    if key_is_valid:
        if trial.matches(failed.public_key, right):
            return sound(right)
        candidates = chain(() if first is None else (first,), tier_1(right))
        match = yield from _first_match(trial, failed.public_key, candidates, tier=1)
        if match is not None:
            return named(match, right, tier=1)
    # Before the pairs, unlike the catalogue's numbering: at most 52 verifications, and a wrong key is commoner.
    for key, origin in other_keys(failed):
        match = yield from _first_match(trial, key, (right, RIGHT, *HEAD), tier=1)
        if match is not None:
            return named_with_other_key(match, right, key, origin)
    if not key_is_valid:
        return key_is_no_point(right)
    if not deep:
        return replace(unexplained(right, search="tier 1 only"), tier=1)
    # Times of zones and own clocks are single mistakes, and half as many: they come before the pairs.
    for tier, recipes in ((3, tier_3()), (2, tier_2())):
        match = yield from _first_match(trial, failed.public_key, recipes, tier=tier)
        if match is not None:
            return named(match, right, tier=tier)
    return replace(unexplained(right, search="complete"), tier=3)


def _first_match(
    trial: Trial, key: bytes, recipes: Iterable[Recipe] | Iterator[Recipe], *, tier: int
) -> Generator[Progress, None, Recipe | None]:
    yield Progress(trial.tried, tier)
    for count, recipe in enumerate(recipes, 1):
        if trial.matches(key, recipe):
            return recipe
        if count % SLICE == 0:
            yield Progress(trial.tried, tier)
    return None


def _with_encoding(read: SignatureShape, found: Explanation) -> Explanation:
    return found if read.code is None else encoded(read, found)


def _stamped(failed: FailedSignature, found: Explanation) -> Explanation:
    expected = failed.expected()
    return replace(
        found,
        expected=formula(right_recipe(failed)),
        expected_len=len(expected),
        expected_sha256=hashlib.sha256(expected).hexdigest(),
    )
