"""Which open findings are about whom: found by subject, and ruled out for nearly everybody by a glance."""

from collections import Counter
from collections.abc import Iterator

from holdfast.diagnosis.cases import CaseKey
from holdfast.diagnosis.keys import Key


class CaseIndex:
    """The keys of open cases under the key of each subject that they concern."""

    def __init__(self) -> None:
        self._by_subject: dict[Key, dict[CaseKey, None]] = {}
        self._names: Counter[str] = Counter()  # the agent uid or the address in each of those keys

    def __bool__(self) -> bool:
        return bool(self._by_subject)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._by_subject)

    def concerns(self, uid: str | None, address: str) -> bool:
        """Whether a case may be about this agent or anybody at this address. What steps of healthy agents pay for."""
        names = self._names
        return address in names or (uid is not None and uid in names)

    def of(self, key: Key) -> tuple[CaseKey, ...]:
        """The cases about this subject, in the order in which they were opened."""
        held = self._by_subject.get(key)
        return tuple(held) if held is not None else ()

    def add(self, key: Key, case_key: CaseKey) -> None:
        """A case is about this subject, too."""
        held = self._by_subject.get(key)
        if held is None:
            held = self._by_subject[key] = {}
            self._names[_name(key)] += 1
        held[case_key] = None

    def remove(self, key: Key, case_key: CaseKey) -> None:
        """A case is over, or about this subject no more."""
        held = self._by_subject.get(key)
        if held is None:
            return
        held.pop(case_key, None)
        if not held:
            del self._by_subject[key]
            name = _name(key)
            self._names[name] -= 1
            if not self._names[name]:
                del self._names[name]


def _name(key: Key) -> str:
    return key[1] if len(key) > 1 else key[0]
