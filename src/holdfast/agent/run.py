"""`holdfast agent run`: the agent as a service, with signals, systemd and exit codes."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog

from holdfast.agent.client import Agent
from holdfast.agent.notify import Notifier
from holdfast.agent.status import State, Status
from holdfast.agent.tokenfile import read_token
from holdfast.faults.problem import Problem, Refused

STOPPED: Final = 0  # it was told to
REFUSED: Final = 1  # the gateway said not to come back: a person has to act
MISCONFIGURED: Final = 2  # URL, state folder, token or certificate: a person has to act
BROKEN: Final = 70  # EX_SOFTWARE of sysexits.h: our own bug, worth a restart

TOKEN_VARIABLE: Final = "HOLDFAST_ENROLMENT_TOKEN"  # noqa: S105  the variable's name


class AgentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `holdfast agent run` takes. Times in seconds; the rest is as for `Agent`.

    The enrolment token comes from `enrolment_token_file` or from the environment, never from the command line, where
    every user of the host could read it.
    """

    url: str
    state_dir: Path | None = None
    host_id: str | None = None
    org_id: str = "default-org"
    labels: dict[str, str] = {}
    enrolment_token_file: Path | None = None
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    heartbeat_interval: float | None = None


async def run_agent(options: AgentOptions, *, environ: Mapping[str, str] | None = None) -> int:
    """Run an agent until SIGTERM or SIGINT; the answer is the process's exit code, one of the constants above.

    `environ` is the process's own by default; it may hold the enrolment token and systemd's variables. What ends the
    agent is printed to standard error: what, why and the fix.
    """
    environ = os.environ if environ is None else environ
    notifier = Notifier.from_environment(environ)
    try:
        agent = _build(options, environ, notifier)
    except Refused as refused:
        return _complain(refused.problem, MISCONFIGURED)
    loop = asyncio.get_running_loop()
    stops: list[asyncio.Task[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stops.append(loop.create_task(_stop(agent, notifier))))
    watchdog = loop.create_task(_feed_watchdog(notifier))
    # Ready means running, not registered: a gateway that is away at boot must not make systemd restart the agent.
    notifier.ready()
    try:
        return await _run(agent)
    finally:
        watchdog.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        await asyncio.gather(*stops)


async def _run(agent: Agent) -> int:
    try:
        await agent.run()
    except Refused as refused:
        return _complain(refused.problem, REFUSED if agent.status.state is State.REFUSED else MISCONFIGURED)
    except Exception:  # noqa: BLE001  the outermost frame of the service
        # The trace belongs into the log, and systemd starts the agent again.
        structlog.get_logger("holdfast.agent").exception("agent.broke")
        return BROKEN
    return STOPPED


def _build(options: AgentOptions, environ: Mapping[str, str], notifier: Notifier) -> Agent:
    token = environ.get(TOKEN_VARIABLE, "").strip() or None
    if options.enrolment_token_file is not None:
        token = read_token(options.enrolment_token_file)
    return Agent(
        options.url,
        state_dir=options.state_dir,
        host_id=options.host_id,
        org_id=options.org_id,
        labels=options.labels,
        enrolment_token=token,
        ca_file=options.ca_file,
        client_cert=options.client_cert,
        client_key=options.client_key,
        heartbeat_interval=options.heartbeat_interval,
        on_status=lambda status: notifier.status(sentence(status)),
    )


def sentence(status: Status) -> str:
    """One line on where the agent stands."""
    state = status.state.value
    if status.state is State.READY:
        return f"registered as {status.uid}"
    if status.retry_in_s is not None:
        state = f"next attempt in {status.retry_in_s:.0f} s"
    found = status.problem
    return state if found is None else f"{state}: {found.code}: {found.what}"


async def _stop(agent: Agent, notifier: Notifier) -> None:
    notifier.stopping()
    await agent.stop()


async def _feed_watchdog(notifier: Notifier) -> None:
    while notifier.watchdog_interval_s is not None:
        notifier.alive()
        await asyncio.sleep(notifier.watchdog_interval_s)


def _complain(found: Problem, code: int) -> int:
    sys.stderr.write(f"holdfast agent: {found.what}\n  why: {found.why}\n  fix: {found.fix}\n  code: {found.code}\n")
    return code
