"""The shape of one entry of the fault catalogue, and the closed sets its fields are drawn from."""

from enum import StrEnum

import msgspec


class Area(StrEnum):
    """Where on the way from the agent to the registry a fault sits; each area is one table module."""

    NETWORK = "network"
    TLS = "tls"
    PROXY = "proxy"
    HANDSHAKE = "handshake"
    LIFECYCLE = "lifecycle"
    MESSAGE = "message"
    REGISTRATION = "registration"
    SIGNATURE = "signature"
    IDENTITY = "identity"
    CLOCK = "clock"
    RATE = "rate"
    SERVER = "server"


class Severity(StrEnum):
    """How bad it is, mildest first."""

    INFO = "info"  # to be expected; told so that nobody searches
    WARNING = "warning"  # works, or recovers by itself, at a price
    ERROR = "error"  # this agent cannot connect, register or stay
    CRITICAL = "critical"  # many agents at once, or a secret is lost


class Blame(StrEnum):
    """Who can put it right. One word, because the reader's first question is whether it is his."""

    AGENT = "agent"  # the agent's program or its configuration: its author
    HOST = "host"  # the machine the agent runs on: its clock, memory, disk, resolver
    NETWORK = "network"  # routes, firewalls, names between host and gateway
    PROXY = "proxy"  # a proxy, balancer or inspection box on the way
    OPERATOR = "operator"  # whoever runs the fleet: approvals, tokens, certificates, limits
    GATEWAY = "gateway"  # Holdfast itself and what it stands on: store, bus, disk
    NOBODY = "nobody"  # planned or natural: a reboot, a laptop that sleeps


class Kind(StrEnum):
    """Whether a code names what went wrong or only how it looked."""

    CAUSE = "cause"
    SYMPTOM = "symptom"  # reported only together with a cause beneath it


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can go wrong, in words that hold for every case of it.

    `code` is never renamed and never reused. Texts carry no final full stop, so that they can stand inside a longer
    sentence; `fix` is a single imperative sentence, short enough for `CODE: fix` to be a close reason.
    `confused_with` pairs a code with the observation that tells it from this one. `beneath` is set for symptoms
    alone: the causes to look for. `guide` holds the items of the troubleshooting guide that this fault answers,
    by the ids of `guide.GUIDE`. `seen` names public threads as `owner/repository#number`.
    """

    code: str
    title: str
    area: Area
    severity: Severity
    blame: Blame
    kind: Kind = Kind.CAUSE
    symptom: str
    cause: str
    fix: str
    gateway_sees: str
    doctor_probes: str
    confused_with: tuple[tuple[str, str], ...] = ()
    beneath: tuple[str, ...] = ()
    guide: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
