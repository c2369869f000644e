"""From a match to the explanation of it."""

from msgspec.structs import replace

from holdfast.diagnosis.signatures.explanation import Explanation, Patch
from holdfast.diagnosis.signatures.recipes import RIGHT, Recipe, formula, mistakes, python_source
from holdfast.diagnosis.signatures.sentences import (
    ENCODING_PYTHON,
    NONCE_TEXT,
    NOT_A_SIGNATURE,
    RIGHT_COMBINED_PYTHON,
    RIGHT_ENCODING_PYTHON,
    SENTENCES,
    SOUND,
    Sentences,
)
from holdfast.diagnosis.signatures.trial import PRIVATE_SENT
from holdfast.model.identity import fingerprint
from holdfast.protocol.signature_shape import SignatureShape, shape_problem


def named(recipe: Recipe, right: Recipe, *, tier: int) -> Explanation:
    """The registered key signed the text of a wrong recipe."""
    code, *also = mistakes(recipe, right)
    label, fix = NONCE_TEXT if recipe == RIGHT else sentences(code, right)
    source = python_source(recipe)
    for further in also:
        label += f"; also: {_uncapitalised(sentences(further, right).label)}"
    return Explanation(
        code=code,
        label=label,
        fix=fix,
        signed=formula(recipe),
        also=tuple(also),
        proved=True,
        tier=tier,
        patch=Patch(before=source, after=python_source(right)) if source else None,
        recipe=recipe,
    )


def named_with_other_key(recipe: Recipe, right: Recipe, key: bytes, origin: str) -> Explanation:
    """Another key signed. Which one is told to the operator alone, and of a private key not even that."""
    leaked = origin == PRIVATE_SENT
    code = "KEY-PRIVATE-SENT" if leaked else "SIG-OTHER-KEY"
    label, fix = sentences(code, right)
    return Explanation(
        code=code,
        label=label,
        fix=fix,
        signed=formula(recipe),
        also=mistakes(recipe, right),
        proved=True,
        tier=1,
        operator={} if leaked else {"signed_by": fingerprint(key), "known_from": origin},
    )


def sound(right: Recipe) -> Explanation:
    """The signature is right and should have been accepted: our mistake, said as such."""
    label, fix = SOUND
    return Explanation(code="SIG-UNEXPLAINED", label=label, fix=fix, proved=True, tier=1, recipe=right, sound=True)


def no_signature(right: Recipe) -> Explanation:
    """64 bytes that nobody can have made by signing."""
    label, fix = filled(NOT_A_SIGNATURE, right)
    return Explanation(code="SIG-UNEXPLAINED", label=label, fix=fix, proved=True, search="none needed: no signature")


def key_is_no_point(right: Recipe) -> Explanation:
    """No signature can ever verify with the registered key."""
    label, fix = sentences("KEY-LENGTH", right)
    return Explanation(code="KEY-LENGTH", label=label, fix=fix, proved=True, tier=1)


def unexplained(right: Recipe, *, search: str) -> Explanation:
    label, fix = sentences("SIG-UNEXPLAINED", right)
    return Explanation(code="SIG-UNEXPLAINED", label=label, fix=fix, search=search)


def shapeless(read: SignatureShape) -> Explanation:
    """The text holds no 64 bytes of signature by any reading."""
    problem = shape_problem(read)
    return Explanation(
        code=problem.code,
        label=f"{problem.what}: {read.reading}",
        fix=problem.fix,
        proved=True,
        search="none needed: no signature",
    )


def encoded(read: SignatureShape, found: Explanation) -> Explanation:
    """The same finding for a signature that was also encoded in a wrong way, which is then the first thing to mend."""
    problem = shape_problem(read)
    label = problem.what if found.sound else f"{problem.what}; also: {_uncapitalised(found.label)}"
    further = () if found.sound else (found.code, *found.also)
    before = ENCODING_PYTHON.get(problem.code)
    after = RIGHT_COMBINED_PYTHON if problem.code == "SIG-NACL-COMBINED" else RIGHT_ENCODING_PYTHON
    return replace(
        found,
        code=problem.code,
        label=label,
        fix=problem.fix if found.sound else f"{problem.fix}. Then {_uncapitalised(found.fix)}",
        signed=formula(found.recipe or RIGHT) if found.sound else found.signed,
        also=further,
        patch=Patch(before=before, after=after) if before else None,
        sound=False,
    )


def sentences(code: str, right: Recipe) -> Sentences:
    """What is said about a mistake where `right` is expected."""
    return filled(SENTENCES[code], right)


def filled(template: Sentences, right: Recipe) -> Sentences:
    return Sentences(template.label, template.fix.format(words=formula(right), python=python_source(right)))


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
