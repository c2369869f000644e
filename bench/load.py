"""The load generator, a process of its own: `python -m bench.load PORT`, then one order a line on stdin.

It must never be the bottleneck: frames are built before the clock starts, there is no task per connection, and each
outcome says how busy the generator itself was.
"""

import asyncio
import gc
import socket
import sys
import time
from collections.abc import Iterator
from functools import partial

import msgspec
import uvloop

from bench.agents import Agent, Tally
from bench.orders import Beat, Leave, Order, Outcome, Peak, Prepare, Register, Rest, Return
from bench.wire import Heartbeat, Identity

ACK_PATIENCE_S = 5.0  # a heartbeat still unanswered that long after the last one was sent is lost
REGISTRATION_PATIENCE_S = 30.0
OWN_ADDRESSES = sys.platform == "linux"  # elsewhere only 127.0.0.1 is configured


class Fleet:
    """All agents of this process, and the orders they carry out."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._next_number = 0
        self._identities: list[Identity] = []
        self._agents: list[Agent] = []

    async def carry_out(self, order: Order) -> Outcome:
        match order:
            case Prepare(count):
                numbers = range(self._next_number, self._next_number + count)
                self._identities = [Identity(number) for number in numbers]
                self._next_number += count
                return Outcome(asked=count, done=count)
            case Register(at_once):
                return await self._register(at_once)
            case Return(at_once):
                return await self._return(at_once)
            case Beat(per_s, seconds):
                return await self._beat(per_s, seconds)
            case Peak(outstanding, seconds):
                return await self._peak(outstanding, seconds)
            case Rest(seconds):
                await asyncio.sleep(seconds)
            case Leave():
                for agent in self._agents:
                    agent.leave()
                self._agents.clear()
                await asyncio.sleep(0.5)
        return Outcome(connected=self._connected())

    async def _register(self, at_once: int) -> Outcome:
        tally, waiting = Tally(), iter(self._identities)
        asked, before = len(self._identities), len(self._agents)
        clock = Stopwatch()
        await asyncio.gather(*(self._come_in_turn(waiting, tally) for _ in range(at_once)))
        clock.stop()
        self._identities = []
        done = sum(agent.registered.done() and agent.registered.result() for agent in self._agents[before:])
        return self._outcome(clock, tally, asked=asked, done=done)

    async def _return(self, at_once: int) -> Outcome:
        """Latencies are those of the heartbeats with which the agents greet: how those that are in fare meanwhile."""
        tally, greeting = Tally(), Heartbeat()
        gone, self._agents = [agent for agent in self._agents if not agent.is_connected()], []
        waiting = iter([agent.identity for agent in gone])
        clock = Stopwatch()
        await asyncio.gather(*(self._come_in_turn(waiting, tally, greeting) for _ in range(at_once)))
        await _acknowledged(tally)
        clock.stop()
        return self._outcome(clock, tally, asked=len(gone), done=tally.acked)

    async def _come_in_turn(self, waiting: Iterator[Identity], tally: Tally, greeting: Heartbeat | None = None) -> None:
        loop = asyncio.get_running_loop()
        for identity in waiting:
            began = time.perf_counter()
            try:
                connected = await _connect(identity.address, self._port)
                made = partial(Agent, identity, self._port, tally, greeting)
                _, agent = await loop.create_connection(made, sock=connected)
                self._agents.append(agent)
                await asyncio.wait_for(agent.registered, REGISTRATION_PATIENCE_S)
            except OSError as error:  # TimeoutError is one
                tally.fail(f"{identity.host_id}: {error!r}")
            if greeting is None:
                tally.latencies_s.append(time.perf_counter() - began)
            else:
                greeting.refresh()

    async def _beat(self, per_s: int, seconds: float) -> Outcome:
        agents, tally, beat = self._ready_to_beat()
        total, sent = int(per_s * seconds), 0
        clock = Stopwatch()
        while sent < total:
            beat.refresh()
            due = min(total, int(clock.elapsed_s() * per_s) + 1)
            for number in range(sent, due):
                agents[number % len(agents)].beat()
            sent = due
            await asyncio.sleep(0.001)
        await _acknowledged(tally)
        clock.stop()
        return self._outcome(clock, tally, asked=total, done=tally.acked)

    async def _peak(self, outstanding: int, seconds: float) -> Outcome:
        agents, tally, beat = self._ready_to_beat()
        clock = Stopwatch()
        tally.beat_until = time.perf_counter() + seconds
        for agent in agents:
            agent.beat_many(outstanding)
        while clock.elapsed_s() < seconds:
            await asyncio.sleep(min(0.2, seconds))
            beat.refresh()
        await _acknowledged(tally)
        clock.stop()
        return self._outcome(clock, tally, asked=tally.sent, done=tally.acked)

    def _ready_to_beat(self) -> tuple[list[Agent], Tally, Heartbeat]:
        tally, beat = Tally(), Heartbeat()
        for agent in self._agents:
            agent.prepare_heartbeats(beat, tally)
        return self._agents, tally, beat

    def _connected(self) -> int:
        return sum(agent.is_connected() for agent in self._agents)

    def _outcome(self, clock: "Stopwatch", tally: Tally, *, asked: int, done: int) -> Outcome:
        ordered = sorted(tally.latencies_s) or [0.0]
        return Outcome(
            asked=asked,
            done=done,
            errors=tally.errors,
            first_error=tally.first_error,
            connected=self._connected(),
            wall_s=clock.wall_s,
            load_busy=clock.cpu_s / clock.wall_s,
            p50_ms=ordered[len(ordered) // 2] * 1000,
            p99_ms=ordered[len(ordered) * 99 // 100] * 1000,
        )


class Stopwatch:
    """Wall clock and this process's own CPU time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self.wall_s = self.cpu_s = 0.0

    def elapsed_s(self) -> float:
        return time.perf_counter() - self._wall

    def stop(self) -> None:
        self.wall_s, self.cpu_s = self.elapsed_s(), time.process_time() - self._cpu


async def _connect(address: str, port: int) -> socket.socket:
    sock = socket.socket()
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if OWN_ADDRESSES:
            sock.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except OSError:
        sock.close()
        raise
    return sock


async def _acknowledged(tally: Tally) -> None:
    """Return when every heartbeat is acknowledged, or when none was for ACK_PATIENCE_S."""
    acked, progress = -1, time.perf_counter()
    while tally.acked < tally.sent and time.perf_counter() - progress < ACK_PATIENCE_S:
        if tally.acked != acked:
            acked, progress = tally.acked, time.perf_counter()
        await asyncio.sleep(0.001)


async def main(port: int) -> None:
    fleet, orders = Fleet(port), msgspec.json.Decoder(Order)
    gc.disable()  # nothing here lives in cycles that matter, and a pause would be read as the server's
    while line := await asyncio.to_thread(sys.stdin.readline):
        outcome = await fleet.carry_out(orders.decode(line))
        print(msgspec.json.encode(outcome).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
