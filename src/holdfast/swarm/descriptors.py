"""File descriptors: one for each connection, raised as far as the machine allows."""

import resource
from typing import Final

from holdfast.faults import Refused, problem

SPARE: Final = 64  # the event loop, the standard streams, name resolution, files of libraries


def make_room(connections: int) -> int:
    """Raise this process's limit of open files to hold `connections`; returns the limit then in force.

    Raises:
        Refused: the machine does not allow so many.
    """
    wanted = connections + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _covers(soft, wanted):
        return soft
    for new_hard in (hard, max(hard, wanted)):  # raising the hard limit needs a privilege that few have
        new_soft = wanted if new_hard == resource.RLIM_INFINITY else min(new_hard, max(wanted, soft))
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (new_soft, new_hard))
        except (ValueError, OSError):
            continue
        if _covers(new_soft, wanted):
            return new_soft
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise Refused(
        problem(
            "SRV-FD-LIMIT",
            what=f"this process cannot hold {connections} connections",
            why=f"each needs a file descriptor; the machine allows {soft}, and {wanted} are needed",
            fix=f"Raise the limit with `ulimit -n {wanted}`, or ask for at most {max(soft - SPARE, 0)} agents",
        )
    )


def _covers(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
