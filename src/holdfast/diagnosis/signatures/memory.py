"""What earlier explanations teach: the same signature needs no second search, and a key tends to repeat its mistake."""

from collections import OrderedDict
from typing import Final, TypeVar

import msgspec

from holdfast.diagnosis.signatures.explanation import Explanation
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.recipes import Recipe

EQUAL_FAILURES: Final = 3  # after so many the same mistake is expected again: one verification instead of a search

V = TypeVar("V")


class Habit(msgspec.Struct, frozen=True):
    """The mistake a key made last, and how often in a row."""

    recipe: Recipe
    count: int


class ExplanationMemory:
    """Bounded: of signatures and of keys the least recently used are forgotten."""

    def __init__(self, *, signatures: int = 1024, keys: int = 4096) -> None:
        self._answers: OrderedDict[bytes, Explanation] = OrderedDict()
        self._habits: OrderedDict[bytes, Habit] = OrderedDict()
        self._max_answers = signatures
        self._max_habits = keys

    def answer(self, failed: FailedSignature) -> Explanation | None:
        """The explanation already given for this key, challenge and signature."""
        return self._answers.get(failed.fingerprint())

    def habit(self, key: bytes) -> Habit | None:
        return self._habits.get(key)

    def learn(self, failed: FailedSignature, found: Explanation, *, final: bool) -> None:
        """Remember an explanation. `final` is False where a search that was cut short may still be made."""
        if final:
            _put(self._answers, failed.fingerprint(), found, self._max_answers)
        if found.recipe is None:
            return
        before = self._habits.get(failed.public_key)
        count = before.count + 1 if before is not None and before.recipe == found.recipe else 1
        _put(self._habits, failed.public_key, Habit(found.recipe, count), self._max_habits)


def _put(table: "OrderedDict[bytes, V]", key: bytes, value: V, limit: int) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)
