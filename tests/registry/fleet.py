"""Hosts and time for the registry's tests."""

import hashlib

import msgspec

from holdfast.model import Registration


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_764_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


def key(name: str) -> bytes:
    """32 bytes that stand for the public key of the agent called `name`."""
    return hashlib.sha256(name.encode()).digest()


def claim(host_id: str = "web-01", *, key_name: str | None = None, **more: object) -> Registration:
    """The registration of a host, with a key of its own unless another one's is named."""
    told = {"org_id": "default-org", "attempt": f"att-{host_id}", "remote_address": "192.0.2.7:4711"} | more
    return msgspec.convert({"host_id": host_id, "public_key": key(key_name or host_id), **told}, Registration)
