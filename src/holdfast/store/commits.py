"""Group commit: whoever writes at the same time shares one transaction.

A durable commit costs the same for one row as for five hundred. So items wait in a queue while a transaction runs,
and the next transaction takes all of them: under load the batches grow by themselves, and an idle store answers after
a single commit. Each kind of item has one set-based statement (`SetStatement`), which gets all of its items at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import sqlalchemy as sa

from holdfast.faults import HoldfastError, Unavailable, problem

Item = TypeVar("Item")
Result = TypeVar("Result")
T = TypeVar("T")

SetStatement = Callable[[sa.Connection, Sequence[Item]], Sequence[Result | HoldfastError]]
"""Does the same for every item, and answers each in the order given. An answer that is an error goes to its item
alone; an exception raised rolls back the whole transaction. It may run again: with the same items, or some of them."""

MAX_BATCH: Final = 512
GATHER_S: Final = 0.004
MAX_WAITING: Final = 50_000


class Transaction(Protocol):
    """`Store.read` or `Store.write`."""

    def __call__(self, work: Callable[[sa.Connection], T], /) -> Awaitable[T]: ...


class _Waiting(NamedTuple):
    statement: SetStatement[Any, Any]
    item: Any
    answer: asyncio.Future[Any]


class Group:
    """Gathers items and runs them together. To be used from one event loop; works for reads as well as for writes."""

    def __init__(self, transaction: Transaction, *, max_batch: int = MAX_BATCH) -> None:
        self._transaction = transaction
        self._max_batch = max_batch
        self._waiting: deque[_Waiting] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    def submit(self, statement: SetStatement[Item, Result], item: Item) -> asyncio.Future[Result]:
        """Queue `item`; the future is done when the transaction that holds it is committed.

        Cancelling the future gives up the answer, not the write. The future raises what the statement answered for
        this item, or `Unavailable` when the transaction failed.
        """
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self._closed or len(self._waiting) >= MAX_WAITING:
            answer.set_exception(_refusal(len(self._waiting), closed=self._closed))
            return answer
        self._waiting.append(_Waiting(statement, item, answer))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="group-commit")
        return answer

    async def close(self) -> None:
        """Run what is queued, then take no more."""
        self._closed = True
        if self._runner is not None:
            await self._runner

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._max_batch)
                await self._run_batch([self._waiting.popleft() for _ in range(count)])
                if count > 1:
                    # Others come at the same time: a transaction costs as much as thirty rows, so let some more come.
                    await asyncio.sleep(GATHER_S)
        finally:
            self._runner = None

    async def _run_batch(self, batch: list[_Waiting]) -> None:
        try:
            answers = await self._transaction(partial(_run_all, batch))
        except Unavailable as unavailable:
            for waiting in batch:
                _fail(waiting.answer, Unavailable(unavailable.problem))
        except Exception as error:  # noqa: BLE001 - goes to the caller whose item caused it
            if len(batch) == 1:
                _fail(batch[0].answer, error)
                return
            # One item that the database cannot take must not fail its neighbours.
            for waiting in batch:
                await self._run_batch([waiting])
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                if isinstance(answer, HoldfastError):
                    _fail(waiting.answer, answer)
                elif not waiting.answer.done():
                    waiting.answer.set_result(answer)


def _run_all(batch: list[_Waiting], connection: sa.Connection) -> list[Any]:
    """Run each statement once with all of its items; the answers come in the order of the batch."""
    by_statement: dict[SetStatement[Any, Any], list[int]] = {}
    for index, waiting in enumerate(batch):
        by_statement.setdefault(waiting.statement, []).append(index)
    answers: list[Any] = [None] * len(batch)
    for statement, indices in by_statement.items():
        found = statement(connection, [batch[index].item for index in indices])
        for index, answer in zip(indices, found, strict=True):
            answers[index] = answer
    return answers


def _fail(answer: asyncio.Future[Any], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)


def _refusal(waiting: int, *, closed: bool) -> Unavailable:
    why = "this process is stopping" if closed else f"{waiting} writes already wait for the database"
    return Unavailable(problem("SRV-DB-DOWN", what="the store takes no more work", why=why, retry_after_s=5))


def one(statement: Callable[[sa.Connection, Item], Result]) -> SetStatement[Item, Result]:
    """A `SetStatement` out of a function for a single item, where items are rare. Keep it: identity groups items."""

    def run(connection: sa.Connection, items: Sequence[Item]) -> Sequence[Result | HoldfastError]:
        answers: list[Result | HoldfastError] = []
        for item in items:
            try:
                with connection.begin_nested():
                    answers.append(statement(connection, item))
            except HoldfastError as error:
                answers.append(error)
        return answers

    return cast("SetStatement[Item, Result]", run)
