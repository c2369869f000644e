"""A gateway in this process, as the gateway's own tests run it."""

from tests.gateway.conftest import open_plane

__all__ = ["open_plane"]
