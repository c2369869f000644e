"""What the examination has found out so far: each check reads what earlier ones wrote here."""

import socket
import ssl
from typing import TYPE_CHECKING

import msgspec
from websockets.proxy import Proxy

from holdfast.agent.dialling import Tls
from holdfast.doctor.options import Options, Surroundings
from holdfast.doctor.target import Target, join

if TYPE_CHECKING:
    from holdfast.doctor.conversation import Conversation
    from holdfast.doctor.identity import Identity


class Address(msgspec.Struct, frozen=True):
    """One address of the gateway's name."""

    family: int
    ip: str

    @property
    def is_ipv6(self) -> bool:
        return self.family == socket.AF_INET6

    def at(self, port: int) -> str:
        """`address:port`, as it is shown."""
        return join(self.ip, port)


class Case:
    """One examination under way."""

    def __init__(self, options: Options, surroundings: Surroundings) -> None:
        self.options = options
        self.surroundings = surroundings
        self.tls = Tls(ca_file=options.ca_file, client_cert=options.client_cert, client_key=options.client_key)
        self._target: Target | None = None
        self.addresses: list[Address] = []
        self.reached: Address | None = None  # the first address that took a TCP connection
        self.proxy: Proxy | None = None  # what the environment puts between agent and gateway
        self.answers_http = False  # a plain request was answered, so a later failure is about the upgrade
        self.speaks_tls: bool | None = None  # a ws:// port that answers TLS; None where nobody asked yet
        self.upgrade_headers: dict[str, str] = {}  # of the 101 answer
        self.attempt: str | None = None
        self.broken = ""  # the last step at which the doctor itself failed
        self.clock_offset_s: float | None = None  # this host's clock minus the gateway's
        self.clock_source = ""
        self.identity: Identity | None = None
        self.talk: Conversation | None = None

    @property
    def target(self) -> Target:
        """What is dialled. Only for checks that need `url`."""
        assert self._target is not None
        return self._target

    @target.setter
    def target(self, target: Target) -> None:
        self._target = target

    @property
    def timeout_s(self) -> float:
        return self.options.timeout_s

    def agent_tls(self) -> ssl.SSLContext | None:
        """The TLS settings of the agent itself; None for `ws://`.

        Raises:
            Refused: a file of theirs cannot be used.
        """
        return self.tls.context() if self.target.secure else None
