"""What the registry refuses, as types that a caller can catch.

The `API-` codes name mistakes in a request to the registry, not faults of a connection, so they stand beside the
fault catalogue and not in it.
"""

from typing import NoReturn

from holdfast.faults import Problem, Refused, printable


class NotFound(Refused):
    """There is nothing by that name."""


class Conflict(Refused):
    """It was changed by somebody else since it was read."""


class InvalidQuery(Refused):
    """A filter, sort, limit or cursor that means nothing."""


def not_found(kind: str, name: str) -> NotFound:
    """No `kind` (agent, token, …) is called `name`."""
    return NotFound(
        Problem(
            code="API-NOT-FOUND",
            what=f"there is no {kind} {printable(name)}",
            why="it was never there, or it was deleted",
            fix=f"List what there is, then name an existing {kind}",
        )
    )


def conflict(agent_uid: str, expected: int, found: int) -> Conflict:
    """A write that was made for another version than the present one."""
    return Conflict(
        Problem(
            code="API-CONFLICT",
            what=f"agent {printable(agent_uid)} was not changed",
            why=f"it is at version {found}, and the change was made for version {expected}",
            fix="Read the agent again, then repeat the change",
        )
    )


def invalid(field: str, why: str, fix: str) -> NoReturn:
    """Refuse a query for the sake of `field`."""
    raise InvalidQuery(Problem(code="API-INVALID", what=f"{field} cannot be used", why=why, fix=fix, field=field))
