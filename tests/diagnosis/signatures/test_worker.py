"""The searching process: real processes, real pipes, real deaths."""

import asyncio
import io
import os
import signal

import msgspec
import pytest
from nacl.signing import SigningKey

from holdfast.diagnosis.signatures.process import MAX_STARTS, SearchFailed, SearchProcess
from holdfast.diagnosis.signatures.worker import LENGTH, Answer, Job, perform, serve
from tests.diagnosis.signatures.author import KEY, NONCE_BYTES, SERVER_TIME, Author

DECODED = NONCE_BYTES + f"{SERVER_TIME}web-01".encode()
JOB = Job(failed=Author().failure(DECODED), first=None, deep=True)


def framed(job: Job) -> bytes:
    body = msgspec.msgpack.encode(job)
    return LENGTH.pack(len(body)) + body


def test_jobs_are_answered_one_after_the_other_until_the_input_ends() -> None:
    sink = io.BytesIO()

    serve(io.BytesIO(framed(JOB) * 2 + b"\x00\x00\x10"), sink)

    written = io.BytesIO(sink.getvalue())
    answers = []
    while head := written.read(LENGTH.size):
        answers.append(msgspec.msgpack.decode(written.read(*LENGTH.unpack(head)), type=Answer))
    assert [answer.found.code for answer in answers] == ["SIG-NONCE-DECODED"] * 2


def test_an_input_that_ends_within_a_job_ends_the_worker_quietly() -> None:
    sink = io.BytesIO()

    serve(io.BytesIO(framed(JOB)[:-1]), sink)

    assert sink.getvalue() == b""


def test_only_the_deep_tiers_are_charged() -> None:
    shallow = perform(JOB)
    deep = perform(Job(failed=Author().failure("unknown"), first=None, deep=True))

    assert shallow.deep_cpu_s == 0.0
    assert 0.0 < deep.deep_cpu_s < deep.found.took_s


async def test_a_job_is_answered_by_another_process() -> None:
    process = SearchProcess()
    try:
        assert process.pid is None
        answer = await process.ask(JOB, now=0.0)
        assert answer.found.code == "SIG-NONCE-DECODED"
        assert process.pid not in {None, os.getpid()}
    finally:
        await process.aclose()


async def test_the_process_is_gone_after_closing() -> None:
    process = SearchProcess()
    await process.ask(JOB, now=0.0)
    pid = process.pid
    assert pid is not None

    await process.aclose()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_killed_while_it_searches_is_a_failure_and_the_next_job_gets_a_new_one() -> None:
    process = SearchProcess()
    try:
        await process.ask(JOB, now=0.0)
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # so that the job is surely under way when the process dies
        asked = asyncio.create_task(process.ask(JOB, now=1.0))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)

        with pytest.raises(SearchFailed):
            await asked
        assert (await process.ask(JOB, now=2.0)).found.code == "SIG-NONCE-DECODED"
        assert process.pid != pid
    finally:
        await process.aclose()


async def test_a_process_that_keeps_dying_is_left_alone_for_a_minute() -> None:
    process = SearchProcess()
    try:
        for now in range(MAX_STARTS):
            await process.ask(JOB, now=float(now))
            await process.aclose()

        with pytest.raises(SearchFailed, match="started 6 times in 60 s"):
            await process.ask(JOB, now=10.0)
        assert (await process.ask(JOB, now=61.0)).found.code == "SIG-NONCE-DECODED"
    finally:
        await process.aclose()


async def test_an_abandoned_job_does_not_answer_the_next_one() -> None:
    process = SearchProcess()
    other = Job(failed=Author(signing=SigningKey(bytes(32))).failure("x"), first=None, deep=False)
    try:
        await process.ask(JOB, now=0.0)
        abandoned = asyncio.create_task(process.ask(other, now=1.0))
        await asyncio.sleep(0)
        abandoned.cancel()
        with pytest.raises(asyncio.CancelledError):
            await abandoned

        assert (await process.ask(JOB, now=2.0)).found.code == "SIG-NONCE-DECODED"
    finally:
        await process.aclose()


async def test_a_text_that_no_pipe_can_carry_fails_without_harm() -> None:
    process = SearchProcess()
    try:
        with pytest.raises(SearchFailed):
            await process.ask(
                Job(failed=Author(host_id="\ud800").sent(KEY.verify_key.encode().hex()), first=None, deep=True), now=0.0
            )
        assert (await process.ask(JOB, now=1.0)).found.code == "SIG-NONCE-DECODED"
    finally:
        await process.aclose()
