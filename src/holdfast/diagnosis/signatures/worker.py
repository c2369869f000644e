"""The process that searches, so that no event loop ever does.

It reads jobs from standard input and writes answers to standard output, one at a time, each a MessagePack document
with its length in four bytes before it; it ends with its input. Nothing else may write to its standard output.
"""

import os
import signal
import struct
import sys
import time
from typing import BinaryIO, Final

import msgspec

from holdfast.diagnosis.signatures.explainer import gave_up, search
from holdfast.diagnosis.signatures.explanation import Explanation
from holdfast.diagnosis.signatures.failure import FailedSignature
from holdfast.diagnosis.signatures.recipes import Recipe

LENGTH: Final = struct.Struct(">I")
MAX_CPU_S: Final = 1.0  # of one search, ten times what the largest takes
_NICENESS: Final = 10  # searching gives way to serving


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One search; the fields are those of `explainer.search`."""

    failed: FailedSignature
    first: Recipe | None
    deep: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`deep_cpu_s` is what the tiers above the first have cost."""

    found: Explanation
    deep_cpu_s: float


def perform(job: Job) -> Answer:
    """Searches in slices until it is done or has used up `MAX_CPU_S`."""
    steps = search(job.failed, first=job.first, deep=job.deep)
    began = time.process_time()
    deep_began: float | None = None
    found: Explanation | None = None
    while found is None:
        try:
            progress = next(steps)
        except StopIteration as stop:
            found = stop.value
            break
        now = time.process_time()
        if progress.tier > 1 and deep_began is None:
            deep_began = now
        if now - began > MAX_CPU_S:
            steps.close()
            found = gave_up(job.failed, search="stopped at its deadline", tried=progress.tried, tier=progress.tier)
    assert found is not None
    ended = time.process_time()
    return Answer(
        found=msgspec.structs.replace(found, took_s=ended - began),
        deep_cpu_s=0.0 if deep_began is None else ended - deep_began,
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answers jobs until `source` ends, also in the middle of a job."""
    decoder = msgspec.msgpack.Decoder(Job)
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        (size,) = LENGTH.unpack(head)
        asked = source.read(size)
        if len(asked) < size:
            return
        body = msgspec.msgpack.encode(perform(decoder.decode(asked)))
        sink.write(LENGTH.pack(len(body)) + body)
        sink.flush()


def main() -> None:
    # Ctrl-C in a terminal reaches the whole group; this process ends when its owner closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
