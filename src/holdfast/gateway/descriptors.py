"""How many connections the operating system lets this process hold."""

import sys
from typing import Final

RESERVE: Final = 0.1  # of all descriptors, for the database, the Actions API and what is being closed
LEAST_RESERVE: Final = 64


def connections_possible() -> int:
    """Raise the limit on open files as far as it may be raised; returns how many of them connections may take."""
    if sys.platform == "win32":
        return 10_000  # no such limit there; the event loop has its own
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # macOS refuses more than a constant of its kernel
            pass
    if soft == resource.RLIM_INFINITY:
        return 10_000_000
    return max(1, soft - max(LEAST_RESERVE, int(soft * RESERVE)))
