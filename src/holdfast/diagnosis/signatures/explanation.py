"""What the explainer found: the output, for the agent and for the operator."""

from typing import Final

import msgspec

from holdfast.diagnosis.signatures.recipes import Recipe
from holdfast.diagnosis.signatures.sentences import NO_MISTAKE, NOT_SEARCHED, RIGHT_WORDS
from holdfast.faults.problem import Problem

_UNFINISHED: Final = ("skipped", "stopped", "search failed", "tier 1 only")
_OTHER_KEY: Final = frozenset({"SIG-OTHER-KEY", "KEY-PRIVATE-SENT"})


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """The line to change, as it probably stands in the author's code and as it should."""

    before: str
    after: str
    language: str = "python"
    applicability: str = "maybe"  # the author's code was never seen


class Explanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one signature does not verify.

    `proved` means that the signature was found to verify over what `signed` says, or that the claim follows from the
    bytes alone; only the key's owner can have made such a signature, so there is no doubt left. `also` holds the codes
    of further mistakes in the same signature. `tier` is 0 where no search was needed. `tried` counts verifications,
    `took_s` CPU seconds. `search` says how far the search went. `operator` holds what touches other records than the
    requester's own: it is never sent to the agent (fault catalogue, 3.3). `sound` means that the agent did everything
    right and the gateway judged wrongly.
    """

    code: str
    label: str
    fix: str
    signed: str = ""
    also: tuple[str, ...] = ()
    proved: bool = False
    tried: int = 0
    tier: int = 0
    search: str = "complete"
    expected: str = RIGHT_WORDS
    expected_len: int = 0
    expected_sha256: str = ""
    patch: Patch | None = None
    operator: dict[str, str] = {}
    recipe: Recipe | None = None
    sound: bool = False
    took_s: float = 0.0

    @property
    def is_searched(self) -> bool:
        """Whether nothing was left untried, so that a mistake which was not found is none of those known."""
        return self.proved or not self.search.startswith(_UNFINISHED)

    def problem(self) -> Problem:
        """What the agent is told: facts about its own message only."""
        facts: dict[str, str | int | float | bool | None] = {
            "expected": self.expected,
            "expected_len": self.expected_len,
            "expected_sha256": self.expected_sha256,
            "signed": self.signed or None,
            "proved": self.proved,
            "tried": self.tried,
            "search": self.search,
            "also": ", ".join(self.also) or None,
            "change": self.patch.before if self.patch else None,
            "into": self.patch.after if self.patch else None,
        }
        for name in [name for name, value in facts.items() if value is None]:
            del facts[name]
        return Problem(
            code=self.code, what=self._what(), why=self._why(), fix=self._fix(), field="signature", evidence=facts
        )

    def _what(self) -> str:
        return self.label if self.is_searched else self.label.replace(NO_MISTAKE, NOT_SEARCHED)

    def _why(self) -> str:
        codes = (self.code, *self.also)
        if self.sound:
            return f"the signature verifies over {self.expected} with the registered key"
        if not (self.signed and self.proved):
            tried = f" ({self.tried} variants tried)" if self.tried else ""
            left = "" if self.is_searched else f"; the search was not made to its end: {self.search}"
            why = f"the signature does not verify over {self.expected}{tried}{left}"
        elif not _OTHER_KEY.isdisjoint(codes):
            why = f"the signature verifies over {self.signed}, with another key than the registered one"
        elif self.signed == self.expected:
            why = f"the text is right, the signature verifies over {self.signed}: only its encoding is wrong"
        else:
            why = f"the signature verifies over {self.signed}; this gateway accepts {self.expected} and nothing else"
        return f"{why}; also: {', '.join(self.also)}" if self.also else why

    def _fix(self) -> str:
        if self.is_searched or "budget" not in self.search:
            return self.fix
        return f"{self.fix}; or try again in a minute, and the search is made to its end"
