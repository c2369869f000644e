"""The explainer as the gateway's process uses it: asynchronous, budgeted, remembering, and never in the event loop."""

import asyncio
from types import TracebackType
from typing import Final, Self

from msgspec.structs import replace

from holdfast.diagnosis.signatures.budget import Allowance, SearchBudget
from holdfast.diagnosis.signatures.explainer import gave_up, recheck, without_search
from holdfast.diagnosis.signatures.explanation import Explanation
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.memory import EQUAL_FAILURES, ExplanationMemory
from holdfast.diagnosis.signatures.process import SearchFailed, SearchProcess
from holdfast.diagnosis.signatures.worker import Job

MAX_WAITING: Final = 16


class SignatureExplainer:
    """Explains failed signatures, one search at a time in a process of its own.

    Belongs to one event loop. The process starts with the first search; `aclose`, or leaving the context, ends it.
    """

    def __init__(
        self,
        *,
        allowance: Allowance | None = None,
        memory: ExplanationMemory | None = None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._budget = SearchBudget(allowance)
        self._memory = memory or ExplanationMemory()
        self._process = SearchProcess()
        self._turn = asyncio.Lock()
        self._max_waiting = max_waiting
        self._searches: set[asyncio.Task[Explanation]] = set()

    async def explain(self, failed: FailedSignature, *, now: float) -> Explanation:
        """Why `failed` does not verify. `now` is monotonic seconds, for the budgets.

        Always answers: where no search could be made or finished, SIG-UNEXPLAINED with the reason in `search`.
        """
        found = without_search(failed) or self._memory.answer(failed) or self._recognised(failed)
        if found is not None:
            self._memory.learn(failed, found, final=False)
            return found
        if len(self._searches) >= self._max_waiting:
            return gave_up(failed, search=f"skipped, budget: {self._max_waiting} searches are waiting")
        search = asyncio.create_task(self._in_turn(failed, now))
        self._searches.add(search)
        search.add_done_callback(self._searches.discard)
        # Shielded: an agent that hangs up must not cost the others their searching process.
        return await asyncio.shield(search)

    @property
    def worker_pid(self) -> int | None:
        """The searching process, for those who watch processes; None while there is none."""
        return self._process.pid

    async def aclose(self) -> None:
        """Ends the searches that are under way, whose callers see a cancellation, and the process."""
        searches = list(self._searches)
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)
        await self._process.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _recognised(self, failed: FailedSignature) -> Explanation | None:
        """The same mistake as several times before: one verification here costs less than asking elsewhere."""
        habit = self._memory.habit(failed.public_key)
        return recheck(failed, habit.recipe) if habit is not None and habit.count >= EQUAL_FAILURES else None

    async def _in_turn(self, failed: FailedSignature, now: float) -> Explanation:
        async with self._turn:
            # The one before may have been the same signature.
            return self._memory.answer(failed) or await self._search(failed, now)

    async def _search(self, failed: FailedSignature, now: float) -> Explanation:
        refused = self._budget.refusal(key=failed.public_key, peer=failed.peer, now=now)
        habit = self._memory.habit(failed.public_key)
        job = Job(failed=failed, first=None if habit is None else habit.recipe, deep=refused is None)
        try:
            answer = await self._process.ask(job, now=now)
        except SearchFailed as error:
            # It counts as a full search: whoever brings the process down shall not do so again at once.
            self._budget.charge(key=failed.public_key, peer=failed.peer, now=now, cpu_s=0.0)
            return gave_up(failed, search=f"search failed: {error}")
        if answer.deep_cpu_s:
            self._budget.charge(key=failed.public_key, peer=failed.peer, now=now, cpu_s=answer.deep_cpu_s)
        found = answer.found
        shortened = refused is not None and not found.proved
        if shortened:
            found = replace(found, search=f"skipped, {refused}")
        self._memory.learn(failed, found, final=not shortened)
        return found
