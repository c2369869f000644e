"""What a connection owes and when: silence, pings, death. Pure: monotonic seconds in, what is due out."""

from enum import StrEnum
from typing import Final

from holdfast.gateway.settings import GatewaySettings

NO_PONG_INTERVALS = 2.5
MISSED_HEARTBEATS = 3


class Due(StrEnum):
    """Something whose time has come."""

    PING = "ping"
    SILENT = "silent"  # no message within first_message_s: told, not punished
    CLOSE_SILENT = "close-silent"
    UNFINISHED = "unfinished"  # the challenge expired unanswered
    NO_HEARTBEAT = "no-heartbeat"
    NO_PONG = "no-pong"
    DEAD = "dead"
    STUCK = "stuck"  # a message was begun and not finished


NOTHING: Final[frozenset[Due]] = frozenset()  # the one that all share: each of its own takes 216 bytes


class Watch:
    """The clocks of one connection. The shell sets `heard_at`, `ponged_at` and `pings_seen`; the core the rest."""

    __slots__ = (
        "challenge_until", "heard_at", "heartbeat_s", "opened_at", "pinged_at", "pings_seen", "ponged_at", "registered",
        "spoke_at", "told", "unfinished_after", "unfinished_since", "wake_at",
    )  # fmt: skip

    def __init__(self, now: float, settings: GatewaySettings) -> None:
        self.opened_at = self.heard_at = self.pinged_at = self.ponged_at = now
        self.spoke_at = 0.0  # no data message so far
        self.pings_seen = 0
        self.registered = False
        self.unfinished_after = -1  # how many messages came before the one that is not finished; -1 where there is none
        self.unfinished_since = 0.0
        self.heartbeat_s = settings.heartbeat_interval_s
        self.challenge_until = 0.0
        self.told = NOTHING
        self.wake_at = self._next(now, settings)

    def spoke(self, now: float) -> None:
        """A data message came, whatever was in it."""
        self.spoke_at = now
        if self.told:
            self.told = self.told - {Due.NO_HEARTBEAT} or NOTHING

    def challenged(self, until: float) -> None:
        """A challenge is out that is good until then."""
        self.challenge_until = until
        self.wake_at = min(self.wake_at, until)

    def unfinished(self, now: float, messages: int) -> None:
        """A part of the message after `messages` others is here, its end is not."""
        if self.unfinished_after != messages:
            self.unfinished_after, self.unfinished_since = messages, now

    def finished(self) -> None:
        """No message is on its way."""
        self.unfinished_after = -1

    def forgive(self, lost_s: float, now: float) -> None:
        """The gateway itself stood still for `lost_s`: that time is held against nobody.

        A machine that was paused, or a loop that was blocked, would otherwise take all its agents for dead at once.
        """
        self.opened_at = min(now, self.opened_at + lost_s)
        self.heard_at = min(now, self.heard_at + lost_s)
        self.pinged_at = min(now, self.pinged_at + lost_s)
        self.ponged_at = min(now, self.ponged_at + lost_s)
        if self.spoke_at:
            self.spoke_at = min(now, self.spoke_at + lost_s)
        if self.unfinished_after >= 0:
            self.unfinished_since = min(now, self.unfinished_since + lost_s)

    def due(self, now: float, settings: GatewaySettings) -> list[Due]:
        """What is due at `now`; each thing that is only told is told once. Sets `wake_at`."""
        if now - self.heard_at >= settings.dead_after_s:
            return [Due.DEAD]
        if self.unfinished_after >= 0 and now - self.unfinished_since >= settings.message_s:
            return [Due.STUCK]
        found = self._unregistered(now, settings) if not self.registered else self._registered(now)
        if Due.CLOSE_SILENT in found:
            return found
        if now - self.pinged_at >= settings.ping_interval_s:
            if self._pong_missing(now, settings):
                found.append(Due.NO_PONG)
                self.told |= {Due.NO_PONG}
            found.append(Due.PING)
            self.pinged_at = now
        self.wake_at = self._next(now, settings)
        return found

    def _unregistered(self, now: float, settings: GatewaySettings) -> list[Due]:
        found = []
        if not self.spoke_at and Due.SILENT not in self.told and now - self.opened_at >= settings.first_message_s:
            found.append(Due.SILENT)
            self.told |= {Due.SILENT}
        if self.challenge_until and now >= self.challenge_until:
            found.append(Due.UNFINISHED)
            self.challenge_until = 0.0
        if now - (self.spoke_at or self.opened_at) >= settings.silent_close_s:
            found.append(Due.CLOSE_SILENT)
        return found

    def _registered(self, now: float) -> list[Due]:
        if Due.NO_HEARTBEAT in self.told or now - self.spoke_at < MISSED_HEARTBEATS * self.heartbeat_s:
            return []
        self.told |= {Due.NO_HEARTBEAT}
        return [Due.NO_HEARTBEAT]

    def _pong_missing(self, now: float, settings: GatewaySettings) -> bool:
        silent_s = now - self.ponged_at
        return Due.NO_PONG not in self.told and silent_s >= NO_PONG_INTERVALS * settings.ping_interval_s

    def _next(self, now: float, settings: GatewaySettings) -> float:
        times = [self.pinged_at + settings.ping_interval_s, self.heard_at + settings.dead_after_s]
        if self.unfinished_after >= 0:
            times.append(self.unfinished_since + settings.message_s)
        if not self.registered:
            times.append((self.spoke_at or self.opened_at) + settings.silent_close_s)
            if not self.spoke_at and Due.SILENT not in self.told:
                times.append(self.opened_at + settings.first_message_s)
            if self.challenge_until:
                times.append(self.challenge_until)
        elif Due.NO_HEARTBEAT not in self.told:
            times.append(self.spoke_at + MISSED_HEARTBEATS * self.heartbeat_s)
        return max(min(times), now + 0.01)
