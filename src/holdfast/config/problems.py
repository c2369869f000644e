"""What can be wrong with a configuration or a command line, each under a stable code."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from holdfast.faults import Problem, Refused

# Never by the name alone: the package index has another program of this name.
INSTALL_SERVER: Final = (
    "Install the wheel of this version with the server's parts: "
    "`pip install './holdfast-VERSION-py3-none-any.whl[server]'`"
)

# Not part of the catalogue of connection faults: no agent ever meets them. `holdfast explain` knows them all the same.
CONFIGURATION_CODES: Final[dict[str, tuple[str, str]]] = {
    "CFG-UNKNOWN-KEY": ("A key or HOLDFAST_ variable that does not exist", "Correct or remove the key"),
    "CFG-BAD-VALUE": ("A value of the wrong type or outside its bounds", "Correct the value"),
    "CFG-FILE": ("The configuration file, or a file it names, cannot be read", "Correct the path or the file"),
    "CFG-CONFLICT": ("Two values that cannot hold together", "Change one of the two"),
    "CFG-PORT-IN-USE": (
        "Another program listens on the port",
        "Stop the other program or choose another port",
    ),
    "CLI-USAGE": ("The command cannot be carried out as it was typed", "See `holdfast COMMAND --help`"),
    "CLI-COMMAND-ENDED": (
        "The agent that was to be checked ended before it came to the end of the examination",
        "Run its command by itself, and mend what it prints",
    ),
    "CLI-NOT-INSTALLED": ("The command needs parts that are not installed", INSTALL_SERVER),
    "CFG-ADDRESS": ("The address cannot be listened on", "Listen on an address of this machine"),
}


_SHARED_PREFIX: Final = "holdfast_"
_NEAR: Final = 0.65


class Misconfigured(Refused):
    """Nothing was started: the configuration has to be corrected first."""


def misconfigured(code: str, *, what: str, why: str, fix: str, field: str | None = None) -> Misconfigured:
    """A `Misconfigured` of one of `CONFIGURATION_CODES`."""
    assert code in CONFIGURATION_CODES
    return Misconfigured(Problem(code=code, what=what, why=why, fix=fix, field=field))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most probably meant, if any is really near. The prefix that all share says nothing."""
    by_lower = {entry.lower().removeprefix(_SHARED_PREFIX): entry for entry in known}
    found = get_close_matches(name.lower().removeprefix(_SHARED_PREFIX), by_lower, n=1, cutoff=_NEAR)
    return by_lower[found[0]] if found else None
