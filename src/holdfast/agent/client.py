"""The agent as programs use it: `async with Agent(url) as agent: await agent.wait_registered(30)`."""

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import structlog

from holdfast.agent.backoff import Backoff
from holdfast.agent.dialling import Dialler, Tls
from holdfast.agent.facts import Facts, begin_run, end_run, gather_facts
from holdfast.agent.facts import version as holdfast_version
from holdfast.agent.keyring import Keyring, Memory, default_folder
from holdfast.agent.link import Link
from holdfast.agent.requests import Requests
from holdfast.agent.shell import Clock, Shell
from holdfast.agent.status import ENDED, State, Status
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, Refused, Unavailable
from holdfast.protocol.payloads import Init, host_id_problem


class Agent:
    """Keeps one host registered with a gateway: connects, proves its key, sends heartbeats, comes back after losses.

    Either `await agent.run()`, which ends when `stop` is called, or `async with agent`, which runs it beside your own
    code. An agent runs once.
    """

    def __init__(
        self,
        url: str,
        *,
        state_dir: Path | str | None = None,
        host_id: str | None = None,
        org_id: str = "default-org",
        labels: Mapping[str, str] | None = None,
        capabilities: list[str] | None = None,
        enrolment_token: str | None = None,
        version: str | None = None,
        ca_file: Path | str | None = None,
        client_cert: Path | str | None = None,
        client_key: Path | str | None = None,
        heartbeat_interval: float | None = None,
        on_status: Callable[[Status], None] | None = None,
        backoff: Backoff | None = None,
        clock: Clock | None = None,
        log: structlog.stdlib.BoundLogger | None = None,
    ) -> None:
        """Check the configuration; nothing is opened yet.

        `url` is `ws://` or `wss://`; without a path it gets the protocol's. `state_dir` keeps key and uid, by default
        systemd's StateDirectory or the user's own. `host_id` is by default the one registered before, else the host's
        name. `version` is that of your agent. `heartbeat_interval` (seconds) can only shorten what the
        gateway asks for. `on_status` is called from the event loop at every change, and must neither block nor raise.

        Raises:
            Refused: the URL, the host id or a TLS file cannot be used.
        """
        if host_id is not None and (found := host_id_problem(host_id)):
            raise Refused(found)
        tls = Tls(ca_file=_path(ca_file), client_cert=_path(client_cert), client_key=_path(client_key))
        self._dialler = Dialler(url, tls=tls, user_agent=f"holdfast-agent/{holdfast_version()}")
        self._folder = Path(state_dir) if state_dir is not None else default_folder(os.environ, Path.home())
        self._host_id = host_id
        self._org_id = org_id
        self._labels = dict(labels) if labels else None
        self._capabilities: list[object] | None = list(capabilities) if capabilities else None
        self._token = enrolment_token
        self._version = version or holdfast_version()
        self._max_interval_s = heartbeat_interval
        self._on_status = on_status
        self._backoff = backoff or Backoff()
        self._clock = clock or Clock()
        self._log = log or structlog.get_logger("holdfast.agent")
        self._link: Link | None = None
        self._shell: Shell | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    @property
    def status(self) -> Status:
        """Where the agent stands now."""
        return Status(state=State.IDLE, since=0.0) if self._link is None else self._link.status

    async def run(self) -> None:
        """Stay connected until `stop` is called.

        Raises:
            Refused: the state folder cannot be used, or the gateway said not to come back.
        """
        self._start(await self._open())
        await self._finish()

    async def __aenter__(self) -> Self:
        """Start; the agent connects while your code goes on.

        Raises:
            Refused: the state folder cannot be used.
        """
        self._start(await self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait_registered(self, timeout: float | None = None) -> Status:  # noqa: ASYNC109  part of the public face
        """Until the gateway has confirmed this agent; `timeout` in seconds.

        Raises:
            Refused: the gateway said not to come back.
            Unavailable: not within `timeout`; the problem is the last one met.
        """
        try:
            async with asyncio.timeout(timeout):
                while self.status.state is not State.READY:
                    if self.status.state in ENDED or (self._task is not None and self._task.done()):
                        raise Refused(self._last_problem())
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise Unavailable(self._last_problem()) from error
        return self.status

    async def stop(self) -> None:
        """Say goodbye (1001) and end; returns when `run` has ended. May be called more than once, and before `run`."""
        self._stopping = True
        if self._shell is not None:
            self._shell.ask_to_stop()
        if self._task is not None:
            await asyncio.wait({self._task})

    # One run

    async def _open(self) -> tuple[Keyring, Facts]:
        if self._task is not None:
            raise RuntimeError("an Agent runs once: make another")
        keyring = await asyncio.to_thread(Keyring.open, self._folder)
        facts = await asyncio.to_thread(gather_facts)
        return keyring, facts

    def _start(self, opened: tuple[Keyring, Facts]) -> None:
        self._task = asyncio.create_task(self._live(*opened))
        self._task.add_done_callback(lambda _: self._changed.set())

    async def _finish(self) -> None:
        assert self._task is not None
        try:
            await self._task
        finally:
            if not self._task.done():
                self._task.cancel()
        if self.status.state is State.REFUSED:
            raise Refused(self._last_problem())

    async def _live(self, keyring: Keyring, facts: Facts) -> None:
        ended = "error"
        try:
            last_exit = await asyncio.to_thread(begin_run, keyring.folder, facts)
            await self._run_link(keyring, facts, last_exit)
            ended = "clean" if self.status.state is State.STOPPED else "refused"
        except asyncio.CancelledError:
            ended = "cancelled"
            raise
        finally:
            # Not in a thread: this also has to happen while the loop is being torn down.
            end_run(keyring.folder, facts, ended=ended)
            keyring.close()

    async def _run_link(self, keyring: Keyring, facts: Facts, last_exit: str | None) -> None:
        memory, signer = keyring.memory, keyring.signer
        host_id = self._host_id or (memory.host_id if memory else facts.host_name)
        profile = self._profile(facts, host_id, signer.public_key, last_exit)
        digest = _digest(profile)

        async def remember(uid: str) -> None:
            try:
                await asyncio.to_thread(keyring.remember, Memory(agent_uid=uid, host_id=host_id, profile=digest))
            except Refused as refused:
                self._log.error("agent.state_not_stored", code=refused.problem.code, why=refused.problem.why)

        known = memory is not None and memory.profile == digest
        self._link = Link(
            requests=Requests(signer=signer, profile=profile, instance=facts.instance),
            uid=memory.agent_uid if memory is not None and known else None,
            backoff=self._backoff,
            max_interval_s=self._max_interval_s,
        )
        log = self._log.bind(host_id=host_id)
        self._shell = Shell(
            self._link, self._dialler, clock=self._clock, remember=remember, on_change=self._tell, log=log
        )
        if self._stopping:
            self._shell.ask_to_stop()
        await self._shell.run()

    def _profile(self, facts: Facts, host_id: str, public_key: str, last_exit: str | None) -> Init:
        return Init(
            host_id=host_id,
            agent_pubkey=public_key,
            org_id=self._org_id,
            machine_id_hash=facts.machine_id_hash,
            agent_version=self._version,
            capabilities=self._capabilities,
            platform=facts.platform,
            network=facts.network,
            labels=self._labels,
            instance=facts.instance,
            boot_id=facts.boot_id,
            last_exit=last_exit,
            enrolment_token=self._token,
        )

    def _tell(self) -> None:
        self._changed.set()
        if self._on_status is not None:
            self._on_status(self.status)

    def _last_problem(self) -> Problem:
        return self.status.problem or problem(
            "LIFE-CLOSED-1000", what="the agent is not registered", why=f"it is {self.status.state}", fix="Start it"
        )


def _digest(profile: Init) -> str:
    """What a gateway stores of a registration and `auth` does not repeat: if it changed, the agent registers again."""
    told = [profile.org_id, profile.host_id, profile.labels, profile.capabilities]
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)
