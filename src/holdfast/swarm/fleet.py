"""The swarm itself: members are started at a rate, watched for a while, and sent home."""

import asyncio
import secrets
import uuid
from collections.abc import Callable
from typing import Final

from holdfast.agent.backoff import Backoff
from holdfast.swarm.host import Host
from holdfast.swarm.member import Member
from holdfast.swarm.options import (
    RATE_ONE_ADDRESS,
    RATE_OWN_ADDRESSES,
    SwarmOptions,
    destination,
    source_address,
    source_network,
)
from holdfast.swarm.tally import Progress, Summary, Tally

TICK_S: Final = 0.05
GOODBYE_S: Final = 5.0


class Fleet:
    """One run of a swarm. `run` may be called once, `ask_to_stop` at any time."""

    def __init__(self, options: SwarmOptions, *, backoff: Backoff | None = None) -> None:
        """Check the options; nothing is dialled yet.

        Raises:
            Refused: the URL, the network or the CA file cannot be used.
        """
        self._options = options
        self._to = destination(options)
        self._network = source_network(options, self._to.host)
        self._backoff = backoff or Backoff()
        self._tally = Tally()
        self._members: list[Member] = []
        self._stop = asyncio.Event()
        # Fresh names for each run: an old name with a new key would be a finding of its own (ID-HOST-NEW-KEY).
        self._run = secrets.token_hex(3)

    def ask_to_stop(self) -> None:
        """Make `run` end soon."""
        self._stop.set()

    async def run(self, *, on_progress: Callable[[Progress], None], every_s: float = 1.0) -> Summary:
        """Until the duration is over or it is asked to stop; tells where it stands every so often."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        telling = asyncio.create_task(self._tell(began, on_progress, every_s))
        try:
            await self._start_all()
            await self._wait(self._options.duration_s)
            summary = self._tally.summary(agents=self._options.agents, seconds=loop.time() - began)
        finally:
            telling.cancel()
            await self._send_home()
        return summary

    async def _start_all(self) -> None:
        loop = asyncio.get_running_loop()
        rate = self._options.rate or (RATE_OWN_ADDRESSES if self._network is not None else RATE_ONE_ADDRESS)
        began = loop.time()
        while len(self._members) < self._options.agents and not self._stop.is_set():
            due = min(self._options.agents, int((loop.time() - began) * rate) + 1)
            for number in range(len(self._members), due):
                member = Member(self._host(number), self._to, self._tally, self._backoff)
                self._members.append(member)
                member.dial()
            await asyncio.sleep(TICK_S)

    def _host(self, number: int) -> Host:
        options = self._options
        return Host(
            f"{options.name}-{self._run}-{number:06d}",
            org_id=options.org_id,
            address=None if self._network is None else source_address(self._network, number),
            enrolment_token=options.enrolment_token,
            boot_id=str(uuid.uuid4()),
        )

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _tell(self, began: float, on_progress: Callable[[Progress], None], every_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_s)
            on_progress(self._tally.progress(at_s=loop.time() - began, agents=self._options.agents))

    async def _send_home(self) -> None:
        for member in self._members:
            member.leave()
        if self._members:
            await asyncio.wait([member.gone for member in self._members], timeout=GOODBYE_S)
