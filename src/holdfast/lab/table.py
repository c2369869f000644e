"""Every fault of the laboratory, in the order of the catalogue, and those it cannot inject with the reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from holdfast.faults import CATALOGUE, UnknownFault, nearest
from holdfast.lab.faults import (
    clocks,
    endings,
    handshake,
    identity,
    keys,
    lifecycle,
    messages,
    network,
    proxies,
    rates,
    registration,
    signatures,
    tls,
)
from holdfast.lab.injections import Injection

_TABLES: Final = (
    network.FAULTS, tls.FAULTS, proxies.FAULTS, handshake.FAULTS, messages.FAULTS, registration.FAULTS,
    signatures.FAULTS, keys.FAULTS, endings.FAULTS, lifecycle.FAULTS, identity.FAULTS, clocks.FAULTS, rates.FAULTS,
)  # fmt: skip

INJECTIONS: Final[Mapping[str, Injection]] = MappingProxyType(
    {
        entry.code: entry
        for entry in sorted((e for t in _TABLES for e in t), key=lambda e: list(CATALOGUE).index(e.code))
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
