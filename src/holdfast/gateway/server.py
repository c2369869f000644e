"""The gateway: it listens, keeps the tables of connections, and says goodbye before it stops."""

import asyncio
import base64
import contextlib
import os
import random
import ssl
import time
from collections.abc import Mapping
from typing import Final

import structlog

from holdfast.faults import problem
from holdfast.gateway.answering import Answering, Explainer, unexplained
from holdfast.gateway.certificate import Shown, shown
from holdfast.gateway.challenges import Challenges
from holdfast.gateway.entrance import Entrance, restarting
from holdfast.gateway.journal import Journal
from holdfast.gateway.settings import GatewaySettings
from holdfast.gateway.socket import AgentSocket
from holdfast.gateway.tls import server_context
from holdfast.gateway.wheel import Wheel
from holdfast.model import Admission, AdmissionChanged, AgentDeleted, DisconnectRequested, Signal, Step
from holdfast.model.events import Event, EventKind, Fact
from holdfast.protocol.closes import CloseCode
from holdfast.registry import Registry

TICK_S: Final = 0.1
LAG_S: Final = 1.0
SLICE: Final = 200
BACKLOG: Final = 4096
COMING_BACK_PER_S: Final = 500
# Told at the start, so that whoever reads the recorded events can tell our own timers from somebody else's.
TIMERS: Final = (
    "first_message_s", "silent_close_s", "ping_interval_s", "dead_after_s", "challenge_ttl_s", "heartbeat_interval_s",
)  # fmt: skip

log = structlog.get_logger()


class Gateway:
    """The WebSocket gateway (`websocket-gateway`). `start` listens, `stop` says goodbye to every agent first."""

    def __init__(
        self, settings: GatewaySettings, *, registry: Registry, journal: Journal, explain: Explainer = unexplained
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.journal = journal
        self.tls: ssl.SSLContext | None = None
        self.certificate: Shown | None = None
        self.sockets: set[AgentSocket] = set()
        self.live: dict[str, AgentSocket] = {}
        self.entrance = Entrance(self, settings)
        self.wheel = Wheel(TICK_S)
        self.challenges = Challenges()
        self.lag_s = 0.0
        self._messages_of_the_gone = 0
        self.draining = False
        self.mono = time.monotonic
        self.wall = time.time
        self.answering = Answering(self, registry, settings.limits, explain)
        self._started = 0.0
        self._server: asyncio.Server | None = None
        self._emptied = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None

    # ---- life

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be bound.
            ssl.SSLError: certificate or key cannot be used.
        """
        settings = self.settings
        if settings.tls_cert is not None:
            self._load_tls(settings.tls_cert)
        self.entrance.measure()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, settings.host, settings.port, backlog=BACKLOG)
        self._started = self.mono()
        self.draining = False
        self._ticking = loop.create_task(self._ticks())
        facts: dict[str, Fact] = {name: getattr(settings, name) for name in TIMERS}
        facts |= {"port": self.port, "tls": self.tls is not None, "capacity": self.entrance.capacity}
        self._note(EventKind.GATEWAY_STARTED, **facts)

    def reload_tls(self) -> None:
        """Use the certificate files as they are now for new connections; the old ones go on.

        Raises:
            ssl.SSLError, OSError: the new files cannot be used; the old certificate stays in force.
        """
        if self.settings.tls_cert is not None:
            self._load_tls(self.settings.tls_cert)

    def _load_tls(self, cert: str) -> None:
        settings = self.settings
        context = server_context(
            cert, settings.tls_key, client_ca=settings.tls_client_ca,
            client_cert_required=settings.tls_client_cert_required,
        )  # fmt: skip
        self.tls, self.certificate = context, shown(cert)

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def follow(self, signal: Signal) -> None:
        """Somebody changed an agent elsewhere: act on its connection here, if it has one."""
        sock = self.live.get(signal.agent_uid)
        if sock is None or sock.core is None:
            return
        _, wall = self.now()
        match signal:
            case AdmissionChanged(admission=Admission.REVOKED):
                why = problem("ID-REVOKED", why=signal.reason or "an operator revoked this agent")
                sock.dismiss(why, CloseCode.DENIED)
            case AdmissionChanged(admission=Admission.APPROVED):
                sock.registered(signal.agent_uid, admitted=True)
                sock.deliver(sock.core.on_approved(wall=wall))
            case AdmissionChanged():
                pass  # pending is where an agent starts: nothing makes a live one pending again
            case DisconnectRequested() | AgentDeleted():
                why = problem("LIFE-POLICY-1008", what="an operator ended this connection", why=signal.reason)
                sock.dismiss(why, CloseCode.GOING_AWAY)

    async def stop(self) -> None:
        """Close every connection with 1012, in slices, each told its own time to come back; then stop listening."""
        if self._server is None:
            return
        self.draining = True
        self._server.close()
        connected = [sock for sock in self.sockets if sock.core is not None]
        window_s = self.window_s(len(connected))
        for start in range(0, len(connected), SLICE):
            for sock in connected[start : start + SLICE]:
                sock.dismiss(restarting(random.uniform(0.1, window_s)), CloseCode.RESTART)  # noqa: S311 jitter
            await asyncio.sleep(0.01)
        self._emptied.clear()
        if self.websockets_open():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), self.settings.drain_s)
        for sock in list(self.sockets):
            sock.abort()
        await self.answering.stop()
        if self._ticking is not None:
            self._ticking.cancel()
        self._note(EventKind.GATEWAY_STOPPED, clean=True)

    def window_s(self, agents: int) -> float:
        """Over how many seconds that many agents are asked to come back."""
        return min(60.0, max(1.0, agents / COMING_BACK_PER_S))

    def now(self) -> tuple[float, float]:
        """Monotonic and Unix seconds."""
        return self.mono(), self.wall()

    def uptime_s(self) -> float:
        """Seconds since `start`."""
        return self.mono() - self._started

    async def _ticks(self) -> None:
        due = self.mono()
        while True:
            due += TICK_S
            await asyncio.sleep(max(0.0, due - self.mono()))
            now = self.mono()
            self.lag_s = now - due
            if self.lag_s > LAG_S:
                self._note(EventKind.GATEWAY_LAGGED, lag_s=round(self.lag_s, 3))
                for sock in self.sockets:
                    if sock.core is not None:
                        sock.core.watch.forgive(self.lag_s, now)
                due = now
            try:
                self.wheel.tick(now)
            except Exception:  # a bug of ours on one connection must not stop the clocks of all the others
                log.exception("gateway.tick_failed", code="LIFE-INTERNAL-1011")

    # ---- connections come and go

    def _accept(self) -> AgentSocket:
        return AgentSocket(self, "a-" + base64.b32encode(os.urandom(10)).decode().lower())

    def opened(self, sock: AgentSocket) -> None:
        """A TCP connection was made."""
        sock.opened_at = self.mono()
        self.sockets.add(sock)
        self.entrance.enter(sock)
        self.wheel.schedule(sock, sock.opened_at + self.settings.handshake_s)

    def closed(self, sock: AgentSocket) -> None:
        """The TCP connection is gone."""
        self.sockets.discard(sock)
        self.entrance.leave(sock)
        if self.draining and not self.websockets_open():
            self._emptied.set()
        uid = sock.registered_uid
        _, wall = self.now()
        if sock.core is not None:
            self._messages_of_the_gone += sock.core.messages
            facts = sock.ending()
            self.note(sock, EventKind.ENDED, facts)
            if uid is not None:
                how = f"{facts['how']}, close code {facts['close_code']}"
                self.registry.presence.disconnected(uid, sock.attempt, at=wall, why=how)
        # The end of an old connection never removes the new one.
        if uid is not None and self.live.get(uid) is sock:
            del self.live[uid]

    # ---- telling

    def note(
        self,
        sock: AgentSocket,
        kind: EventKind,
        facts: Mapping[str, Fact],
        *,
        code: str | None = None,
        step: Step | None = None,
    ) -> None:
        """Record an event of a connection."""
        _, wall = self.now()
        session = sock.core.session if sock.core is not None else None
        event = Event(
            at=wall,
            kind=kind,
            attempt=sock.attempt,
            step=step,
            code=code,
            peer=sock.peer,
            org_id=session.org_id if session else None,
            host_id=session.host_id if session else None,
            agent_uid=session.agent_uid if session else None,
            facts=dict(facts),
        )
        self.journal.record(event)

    def _note(self, kind: EventKind, **facts: Fact) -> None:
        _, wall = self.now()
        self.journal.record(Event(at=wall, kind=kind, facts=facts))

    def sample(self, sock: AgentSocket) -> None:
        """Read TCP_INFO while the socket is still open: after its end the numbers are gone."""
        if numbers := sock.tcp():
            self.note(sock, EventKind.SAMPLED, numbers)

    # ---- what the tables say

    def bind(self, sock: AgentSocket, uid: str, wall: float) -> None:
        """`sock` is that agent's from now on. One live connection per agent: the newer one wins."""
        presence = self.registry.presence
        before = sock.registered_uid
        if before is not None and before != uid and self.live.get(before) is sock:
            del self.live[before]
            presence.disconnected(before, sock.attempt, at=wall, why="registered under another key")
        if sock.is_closing() or sock.is_leaving():
            # Its end must not be taken for that of a newer connection, nor throw out one that stays.
            presence.disconnected(uid, sock.attempt, at=wall, why="left while it was being registered")
            return
        self.entrance.leave(sock)
        assert sock.core is not None
        session = sock.core.session
        sock.registered(uid, admitted=not session.pending)
        presence.connected(
            uid,
            at=wall,
            attempt=sock.attempt,
            remote_address=sock.peer,
            instance=session.instance,
            boot_id=session.boot_id,
            agent_version=session.agent_version,
        )
        if sock.core.clock_offset_s is not None:
            presence.clock_offset(uid, sock.core.clock_offset_s)
        older = self.live.get(uid)
        self.live[uid] = sock
        if older is not None and older is not sock and older.core is not None:
            older.deliver(older.core.on_replaced(by=sock.attempt, wall=wall))

    def messages_received(self) -> int:
        """Messages that came since `start`; added up when asked for, so that no message pays for it."""
        return self._messages_of_the_gone + sum(sock.core.messages for sock in self.sockets if sock.core is not None)

    def websockets_open(self) -> int:
        """Open connections that were upgraded."""
        return sum(sock.core is not None for sock in self.sockets)
