"""Telling systemd how the agent is doing: sd_notify(3), which is one datagram to one socket."""

import socket
from collections.abc import Mapping
from typing import Self

from holdfast.faults.problem import printable

WATCHDOG_SHARE = 3  # ping three times within systemd's patience: one may be late


class Notifier:
    """Sends to `NOTIFY_SOCKET`; does nothing where systemd gave none. Never fails: nobody depends on being told."""

    def __init__(self, address: str | None, *, watchdog_s: float | None = None) -> None:
        # A leading @ stands for the abstract namespace, whose names begin with a zero byte.
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self.watchdog_interval_s = None if watchdog_s is None else watchdog_s / WATCHDOG_SHARE

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """With the socket and the watchdog's patience that systemd put into the service's environment."""
        patience_us = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(patience_us) / 1e6 if patience_us.isascii() and patience_us.isdigit() else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s=watchdog_s or None)

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={printable(text, 300)}")

    def alive(self) -> None:
        """The watchdog's ping: only a loop that still turns sends it."""
        self._send("WATCHDOG=1")

    def _send(self, line: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(line.encode(), self._address)
        except OSError:
            return
