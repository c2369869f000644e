"""The owner's end of the searching process: starts it when it is first needed, and again when it has died."""

import asyncio
import contextlib
import sys
from collections import deque
from typing import Final

import msgspec

from holdfast.diagnosis.signatures.worker import LENGTH, Answer, Job

MAX_STARTS: Final = 6  # in START_WINDOW_S; a process that dies so often is left alone for a while
START_WINDOW_S: Final = 60.0
MAX_WAIT_S: Final = 20.0  # for an answer, a cold start on a busy machine included
_MAX_ANSWER_BYTES: Final = 1 << 20


class SearchFailed(Exception):
    """There is no answer: the process died, did not answer in time or could not be started."""


class SearchProcess:
    """One process, one job at a time. Not to be used by two tasks at once."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._starts: deque[float] = deque(maxlen=MAX_STARTS)
        self._decoder = msgspec.msgpack.Decoder(Answer)

    @property
    def pid(self) -> int | None:
        """The process in use; None before the first job and after a death."""
        return None if self._process is None else self._process.pid

    async def ask(self, job: Job, *, now: float) -> Answer:
        """The answer to one job.

        A process that fails is ended, and the next job starts another. So is one whose answer nobody waits for any
        more (cancellation), because that answer would be taken for the next job's. `now` is monotonic seconds.

        Raises:
            SearchFailed: see there.
        """
        try:
            body = msgspec.msgpack.encode(job)
        except UnicodeEncodeError as error:
            raise SearchFailed("a text holds half a surrogate pair") from error
        process = await self._running(now)
        try:
            async with asyncio.timeout(MAX_WAIT_S):
                return await self._exchange(process, body)
        except (OSError, EOFError, TimeoutError, ValueError, msgspec.MsgspecError) as error:
            await self.aclose()
            raise SearchFailed(_reason(error)) from error
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Ends the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # `communicate` also closes the pipes, which `wait` would leave to the garbage collector.
        with contextlib.suppress(OSError):
            await asyncio.shield(process.communicate())

    async def _running(self, now: float) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self.aclose()
        if len(self._starts) == MAX_STARTS and now - self._starts[0] < START_WINDOW_S:
            raise SearchFailed(f"started {MAX_STARTS} times in {START_WINDOW_S:.0f} s")
        self._starts.append(now)
        try:
            # -P: the working directory is nobody's place to import from.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "holdfast.diagnosis.signatures.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise SearchFailed(type(error).__name__) from error
        return self._process

    async def _exchange(self, process: asyncio.subprocess.Process, body: bytes) -> Answer:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(LENGTH.pack(len(body)) + body)
        await process.stdin.drain()
        (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if size > _MAX_ANSWER_BYTES:
            raise ValueError("answer too large")
        return self._decoder.decode(await process.stdout.readexactly(size))


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer in {MAX_WAIT_S:.0f} s"
    if isinstance(error, EOFError | ConnectionError):
        return "the searching process ended"
    return type(error).__name__
