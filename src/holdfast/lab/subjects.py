"""Whom an injection is about: the names, addresses and connections it used, so that its findings can be told apart."""

import secrets
from collections.abc import Iterator
from itertools import count
from typing import Final

import msgspec

_NETWORKS: Final[Iterator[int]] = count(1)


class Subject:
    """The hosts and the addresses of one injection; no two injections share any. `is_gateway`: it is about Holdfast."""

    def __init__(self, code: str) -> None:
        self._name = f"lab-{code.lower()}-{secrets.token_hex(3)}"
        self._network = next(_NETWORKS)
        self._hosts = 0
        self._last = 0
        self.is_gateway = False
        self.hosts: set[str] = set()
        self.addresses: set[str] = set()
        self.attempts: set[str] = set()
        self.uids: set[str] = set()

    def new_host(self) -> str:
        """A host_id that nobody had before."""
        self._hosts += 1
        name = self._name if self._hosts == 1 else f"{self._name}-{self._hosts}"
        self.hosts.add(name)
        return name

    def new_address(self) -> str:
        """A loopback address out of a network that only this injection uses."""
        self._last += 1
        address = f"127.{64 + self._network // 250}.{self._network % 250}.{self._last}"
        self.addresses.add(address)
        return address

    def matches(self, told: "Told") -> bool:
        """Whether a finding is about this."""
        if told.gateway:
            return self.is_gateway
        return (
            told.host_id in self.hosts
            or told.agent_uid in self.uids
            or told.attempt in self.attempts
            or _address(told.peer) in self.addresses
        )


class Told(msgspec.Struct, frozen=True):
    """Whom a finding names."""

    agent_uid: str | None = None
    host_id: str | None = None
    peer: str | None = None
    attempt: str | None = None
    gateway: bool = False


def _address(peer: str | None) -> str:
    if peer is None:
        return ""
    host, colon, port = peer.rpartition(":")
    return host if colon and port.isdigit() else peer
