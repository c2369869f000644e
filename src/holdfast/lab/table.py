"""Every fault of the laboratory, in the order of the catalogue, and those it cannot inject with the reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from holdfast.faults import CATALOGUE, UnknownFault, nearest
from holdfast.lab.faults import (
    absences,
    clocks,
    endings,
    handshake,
    identity,
    keys,
    lifecycle,
    messages,
    names,
    network,
    packets,
    proxies,
    rates,
    registration,
    server,
    signatures,
    tls,
)
from holdfast.lab.injections import Injection

_TABLES: Final = (
    network, names, packets, tls, proxies, handshake, endings, lifecycle, absences, messages, registration, signatures,
    keys, identity, clocks, rates, server,
)  # fmt: skip

INJECTIONS: Final[Mapping[str, Injection]] = MappingProxyType(
    {
        entry.code: entry
        for entry in sorted((e for group in _TABLES for e in group.FAULTS), key=lambda e: list(CATALOGUE).index(e.code))
    }
)


def injection(code: str) -> Injection:
    """The row of exactly this code.

    Raises:
        UnknownFault: the laboratory has no such fault; its `nearest` holds what may have been meant.
    """
    wanted = code.strip().upper()
    if wanted not in INJECTIONS:
        raise UnknownFault(code, [known for known in nearest(code, 12) if known in INJECTIONS][:3])
    return INJECTIONS[wanted]
