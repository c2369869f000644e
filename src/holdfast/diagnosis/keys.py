"""Under which key something is remembered: what a signature proved is never mixed with what somebody claims."""

from typing import Final

Key = tuple[str, ...]
"""`("agent", uid)`, `("claim", address, org, host)`, `("peer", address, user_agent)`, or one of Holdfast's own."""

AGENT: Final = "agent"
CLAIM: Final = "claim"
PEER: Final = "peer"
AGENTS: Final = "agents"
"""Several registered agents that share a cause."""

CLAIMS: Final = "claims"
GATEWAY: Final[Key] = ("gateway",)
_PROVED: Final = frozenset({AGENT, AGENTS, "gateway"})


def key_of(uid: str | None, address: str, org_id: str | None, host_id: str | None, user_agent: str) -> Key:
    """The key of a connection, by the best that is known of it.

    A claimed host counts per address: whoever floods with somebody else's name from elsewhere stays apart from him.
    """
    if uid is not None:
        return (AGENT, uid)
    if host_id:
        return (CLAIM, address, org_id or "", _text(host_id))
    return (PEER, address, _text(user_agent))


def is_proved(key: Key) -> bool:
    """Whether a signature stands behind this key, or Holdfast itself."""
    return key[0] in _PROVED


def address_of(peer: str | None) -> str:
    """The address in `address:port` or `[address]:port`; other texts as they are."""
    if not peer:
        return ""
    host, separator, port = peer.rpartition(":")
    return host.strip("[]") if separator and port.isdigit() else peer


def network_of(address: str) -> str:
    """The network that an address is counted with: its first three bytes, or the first four groups of IPv6."""
    if ":" in address:
        return ":".join(address.split(":")[:4]) + "::/64"
    return address.rpartition(".")[0] + ".0/24"


def _text(claimed: str) -> str:
    """A header can hold what is no text (lone surrogates); a key has to be storable."""
    return claimed if claimed.isascii() else claimed.encode("utf-8", "replace").decode()
