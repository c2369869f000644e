"""RFC 3339 in UTC, the only notation of time on the wire and in the API."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=8)
def rfc3339_seconds(unix_s: int) -> str:
    """Whole seconds with `Z`, 20 characters: the `server_time` that agents sign. Cached: answers share seconds."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_millis(unix_s: float) -> str:
    """Milliseconds with `Z`, as in API answers."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
