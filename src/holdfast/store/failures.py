"""What a database driver's error means, said once and in our words."""

import errno
import sqlite3
from typing import Final

import sqlalchemy.exc

from holdfast.faults import Unavailable, problem

RETRY_AFTER_S: Final = 2.0
DISK_RETRY_AFTER_S: Final = 30.0

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

# Primary result codes, https://www.sqlite.org/rescode.html (an extended code carries its primary one in the low byte).
_SQLITE_FULL: Final = 13
_SQLITE_CLASSES: Final = {
    5: ("it is locked", "another process holds a write lock on the database file"),
    6: ("it is locked", "another connection of this process holds a lock"),
    8: ("it is read-only", "the database file or its folder may not be written"),
    10: ("its disk failed", "reading or writing the database file failed"),
    11: ("it is damaged", "the database file is malformed"),
    14: ("it cannot be opened", "the database file or its folder is missing or may not be opened"),
    26: ("it is damaged", "the file is not a SQLite database"),
}
_SQLITE_FIXES: Final = {
    5: "End the other process that writes to the database file, or give it its own",
    8: "Make the database file and its folder writable for the user that runs Holdfast",
    10: "Check the disk under the data folder",
    11: "Restore the database file from a backup, or recover it with `sqlite3 FILE .recover`",
    14: "Check that the data folder exists and may be written",
    26: "Name another database file, or restore this one from a backup",
}

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest match wins.
_POSTGRES_CLASSES: Final = {
    "08": ("the connection was lost", "PostgreSQL closed or broke the connection", "Start PostgreSQL"),
    "25006": (
        "it is read-only",
        "PostgreSQL accepts no writes: a standby, or default_transaction_read_only is on",
        "Point the database URL at the primary, or allow writes again",
    ),
    "28": (
        "it refused our login",
        "PostgreSQL does not accept the user or password of the database URL",
        "Correct user and password in the database URL",
    ),
    "3D000": ("it has no such database", "the database of the URL does not exist", "Create it with `createdb`"),
    "40": (
        "concurrent writers collided",
        "PostgreSQL ended the transaction to resolve a conflict, several times in a row",
        "Retry; if it persists, look for another program that writes to Holdfast's tables",
    ),
    "42501": ("it denies a right", "the database user may not do this", "Grant the user all rights on the schema"),
    "53300": (
        "it has too many clients",
        "PostgreSQL's max_connections is reached",
        "Raise max_connections, or end idle clients",
    ),
    "53": ("it is short of resources", "PostgreSQL is out of memory or another resource", "Free that resource"),
    "55P03": (
        "a lock was not released in time",
        "another session holds a lock on Holdfast's tables",
        "End the session that holds the lock (`select * from pg_locks`)",
    ),
    "57014": ("it took too long", "a statement was cancelled after its time limit", "Look for locks and slow disks"),
    "57P": ("it is stopping or starting", "PostgreSQL accepts no work at the moment", "Wait, or start PostgreSQL"),
}
_POSTGRES_DISK_FULL: Final = "53100"
_RETRYABLE: Final = frozenset({"40001", "40P01"})


def translate(error: BaseException) -> Unavailable | None:
    """The `Unavailable` that tells `error`, or None where it is no fault of the database but ours or a caller's.

    SRV-DISK-FULL where space is the cause, SRV-DB-DOWN otherwise, with the class of the failure in `why`.
    """
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return _down("every connection to it is busy", "no connection became free in time", "Look for slow queries")
    cause = _driver_error(error)
    sqlstate = getattr(cause, "sqlstate", None)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_down(getattr(cause, "sqlite_errorcode", 0) & 0xFF, cause)
    if isinstance(sqlstate, str):
        return _postgres_down(sqlstate, cause)
    if isinstance(cause, TimeoutError):
        return _down("it does not answer", "no answer within the time limit", "Check that PostgreSQL is reachable")
    if isinstance(cause, OSError):
        return _disk_full(cause) if cause.errno in _NO_SPACE else _unreachable(cause)
    return _unreachable(cause) if _is_disconnect(error) else None


def is_retryable(error: BaseException) -> bool:
    """Whether the transaction lost a race (deadlock, serialisation) and is to be run again at once."""
    return getattr(_driver_error(error), "sqlstate", None) in _RETRYABLE


def _driver_error(error: BaseException) -> BaseException:
    """The driver's own exception below SQLAlchemy's wrappers."""
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        error = error.orig
        while error.__cause__ is not None:  # SQLAlchemy's asyncpg dialect wraps once more
            error = error.__cause__
    return error


def _is_disconnect(error: BaseException) -> bool:
    return isinstance(error, sqlalchemy.exc.InterfaceError) or (
        isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated
    )


def _sqlite_down(code: int, cause: BaseException) -> Unavailable | None:
    if code == _SQLITE_FULL:
        return _disk_full(cause)
    if code not in _SQLITE_CLASSES:
        return None
    what, why = _SQLITE_CLASSES[code]
    return _down(what, f"{why} ({_short(cause)})", _SQLITE_FIXES.get(code, "Retry in a moment"))


def _postgres_down(sqlstate: str, cause: BaseException) -> Unavailable | None:
    if sqlstate == _POSTGRES_DISK_FULL:
        return _disk_full(cause)
    for length in range(len(sqlstate), 1, -1):
        found = _POSTGRES_CLASSES.get(sqlstate[:length])
        if found is not None:
            what, why, fix = found
            return _down(what, f"{why} (SQLSTATE {sqlstate}, {_short(cause)})", fix)
    return None


def _unreachable(cause: BaseException) -> Unavailable:
    why = f"it refused or dropped the connection ({_short(cause)})"
    return _down("it is not reachable", why, "Start PostgreSQL, or correct the database URL")


def _down(what: str, why: str, fix: str) -> Unavailable:
    return Unavailable(
        problem(
            "SRV-DB-DOWN", what=f"the database cannot be used: {what}", why=why, fix=fix, retry_after_s=RETRY_AFTER_S
        )
    )


def _disk_full(cause: BaseException) -> Unavailable:
    return Unavailable(
        problem(
            "SRV-DISK-FULL",
            what="nothing can be stored: the database's disk is full",
            why=_short(cause),
            fix="Free space where the database is kept; no restart is needed",
            retry_after_s=DISK_RETRY_AFTER_S,
        )
    )


def _short(cause: BaseException) -> str:
    text = str(cause).strip().splitlines()
    return f"{type(cause).__name__}: {text[0][:120]}" if text and text[0] else type(cause).__name__
