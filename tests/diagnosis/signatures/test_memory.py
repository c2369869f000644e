"""What is remembered of explanations, and that it stays bounded."""

from msgspec.structs import replace

from holdfast.diagnosis.signatures.explainer import explain
from holdfast.diagnosis.signatures.memory import ExplanationMemory
from holdfast.diagnosis.signatures.recipes import RIGHT, Recipe
from tests.diagnosis.signatures.author import KEY, NONCE_BYTES, SERVER_TIME, Author

DECODED = NONCE_BYTES + f"{SERVER_TIME}web-01".encode()
PUBLIC = bytes(KEY.verify_key)


def test_a_signature_explained_once_is_known() -> None:
    memory, failed = ExplanationMemory(), Author().failure(DECODED)
    found = explain(failed)

    memory.learn(failed, found, final=True)

    assert memory.answer(failed) == found
    assert memory.answer(replace(failed, registration_id="another")) is None
    assert memory.answer(replace(failed, signature=failed.signature[::-1])) is None
    assert memory.answer(replace(failed, public_key=bytes(32))) is None


def test_an_explanation_cut_short_is_not_kept_as_the_answer() -> None:
    memory, failed = ExplanationMemory(), Author().failure("unknown")

    memory.learn(failed, explain(failed, deep=False), final=False)

    assert memory.answer(failed) is None


def test_a_key_that_repeats_its_mistake_has_a_habit_until_it_makes_another() -> None:
    memory = ExplanationMemory()
    decoded, newline = Author().failure(DECODED), Author().failure(Author().right + "\n")

    for _ in range(3):
        memory.learn(decoded, explain(decoded), final=True)
    habit = memory.habit(PUBLIC)
    assert habit is not None
    assert (habit.recipe, habit.count) == (Recipe(nonce="decoded"), 3)

    memory.learn(newline, explain(newline), final=True)
    habit = memory.habit(PUBLIC)
    assert habit is not None
    assert (habit.recipe, habit.count) == (Recipe(tail="\n"), 1)


def test_an_encoding_mistake_is_a_habit_of_signing_the_right_text() -> None:
    memory, failed = ExplanationMemory(), Author().failure(Author().right, encode=bytes.hex)

    memory.learn(failed, explain(failed), final=True)

    habit = memory.habit(PUBLIC)
    assert habit is not None
    assert habit.recipe == RIGHT


def test_the_least_recently_explained_is_forgotten() -> None:
    memory = ExplanationMemory(signatures=2, keys=2)
    failures = [Author(registered=bytes([n + 1]) * 32, registration_id=f"r{n}").failure(DECODED) for n in range(3)]
    found = explain(Author().failure(DECODED))

    for failed in failures:
        memory.learn(failed, found, final=True)

    assert [memory.answer(failed) is None for failed in failures] == [True, False, False]
    assert [memory.habit(failed.public_key) is None for failed in failures] == [True, False, False]
