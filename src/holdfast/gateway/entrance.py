"""Who is let in: room for a new connection, whose it is behind a proxy, and why it is refused."""

from typing import TYPE_CHECKING

from websockets.datastructures import Headers

from holdfast.faults import Problem, problem
from holdfast.gateway.descriptors import connections_possible
from holdfast.gateway.doorway import Doorway
from holdfast.gateway.forwarded import Origin, TrustedProxies, hops
from holdfast.gateway.settings import GatewaySettings
from holdfast.model import Step
from holdfast.model.events import EventKind, Fact
from holdfast.protocol.closes import CloseCode

if TYPE_CHECKING:
    from holdfast.gateway.server import Gateway
    from holdfast.gateway.socket import AgentSocket


class Entrance:
    """The bounds on connections of one gateway. What unregistered ones may hold is the doorway's to count."""

    def __init__(self, gateway: "Gateway", settings: GatewaySettings) -> None:
        self._gateway = gateway
        self._limits = settings.limits
        self._doorway: Doorway[AgentSocket] = Doorway(settings.limits)
        self.trusted_proxies = TrustedProxies(settings.trusted_proxies)
        self.capacity = settings.limits.max_connections

    @property
    def unregistered(self) -> int:
        """Open connections that have proved no key."""
        return self._doorway.unregistered

    def measure(self) -> None:
        """Find out how many connections the system lets us hold."""
        self.capacity = min(self._limits.max_connections, connections_possible())

    def enter(self, sock: "AgentSocket") -> None:
        """A connection was made: it comes in, in place of another if need be, or hears later why it may not."""
        # A proxy's own address says nothing: the connection is counted when the client's is known.
        sock.refused_with = self._doorway.enter(sock, by_address=sock.address not in self.trusted_proxies)
        if self._gateway.draining or (self._is_full() and not self._make_room(sock)):
            self._doorway.turn_away(sock)
            sock.refused_with = self._full()
        while (crowded := self._doorway.crowded()) is not None:
            self._give_up(crowded)

    def leave(self, sock: "AgentSocket") -> None:
        """The connection registered, or it ended."""
        self._doorway.leave(sock)

    def located(self, sock: "AgentSocket", origin: Origin) -> None:
        """A trusted proxy said whose connection this is: limits and records are the client's from here on."""
        self._doorway.leave(sock)
        sock.proxy = sock.proxy or sock.peer
        sock.address, sock.peer = origin.address, str(origin)
        sock.refused_with = self._doorway.enter(sock) or sock.refused_with

    def identify_origin(self, sock: "AgentSocket", headers: Headers) -> None:
        """Read whom a trusted proxy speaks for; without a word of it, the connection is the proxy's own."""
        if sock.address in self.trusted_proxies:
            told = hops(headers.get_all("X-Forwarded-For"), headers.get_all("Forwarded"))
            host, _, port = sock.peer.rpartition(":")
            self.located(sock, self.trusted_proxies.client(told) or Origin(host.strip("[]"), int(port)))

    def refusal(self, sock: "AgentSocket") -> Problem | None:
        """Why this connection cannot be upgraded now, whatever it asks for."""
        return self._full() if self._gateway.draining else sock.refused_with

    def _is_full(self) -> bool:
        return len(self._gateway.sockets) > self.capacity

    def _make_room(self, newcomer: "AgentSocket") -> bool:
        silent = self._doorway.silent()
        if silent is None or silent is newcomer:
            return False
        self._give_up(silent)
        return True

    def _give_up(self, sock: "AgentSocket") -> None:
        self._doorway.leave(sock)
        full = self._full()
        if sock.core is None:  # it has no core that would tell of it
            facts: dict[str, Fact] = {"what": full.what, "why": full.why, "fix": full.fix}
            self._gateway.note(sock, EventKind.HANDSHAKE_FAILED, facts, code=full.code, step=Step.TCP)
        sock.dismiss(full, CloseCode.TRY_LATER)
        sock.hang_up()  # its slot is needed now: nobody waits for the answer to our close frame

    def _full(self) -> Problem:
        if self._gateway.draining:
            return restarting(5.0)
        why = f"{len(self._gateway.sockets)} connections are open, {self.unregistered} of them unregistered"
        limit = f"the limits are {self.capacity} and {self._limits.max_unregistered}"
        by_system = self.capacity < self._limits.max_connections and self._is_full()
        code = "SRV-FD-LIMIT" if by_system else "SRV-MAX-CONNECTIONS"
        return problem(code, why=f"{why}; {limit}", retry_after_s=10.0)


def restarting(retry_after_s: float) -> Problem:
    """What an agent is told while the gateway stops; it is to come back after that many seconds."""
    return problem("LIFE-RESTART-1012", why="the gateway is being restarted", retry_after_s=round(retry_after_s, 2))
