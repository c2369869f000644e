"""A `Problem` on the terminal: what happened, why, what to do, and the code to ask `holdfast explain` about."""

import sys

from holdfast.cli import EXIT_PROBLEM, EXIT_USAGE
from holdfast.config.problems import INSTALL_SERVER
from holdfast.faults import Problem, Refused

_USAGE_PREFIXES = ("CFG-", "CLI-")


def exit_code(problem: Problem) -> int:
    """2 where the command or the configuration has to be corrected, else 1."""
    return EXIT_USAGE if problem.code.startswith(_USAGE_PREFIXES) else EXIT_PROBLEM


def show_problem(problem: Problem) -> None:
    """Print `problem` to stderr. Plain text: errors are read in logs, mails and pipes as often as on terminals."""
    lines = [
        f"error: {problem.what} [{problem.code}]",
        f"  why: {problem.why}",
        f"  fix: {problem.fix}",
    ]
    if problem.retry_after_s is not None:
        lines.append(f"  retry in {problem.retry_after_s:g} s")
    sys.stderr.write("\n".join(lines) + "\n")


def not_installed(error: ModuleNotFoundError) -> Problem | None:
    """The problem of a command that needs `holdfast[server]`; None where it is our own module that is missing."""
    package = (error.name or "").partition(".")[0]
    if package in {"", "holdfast"}:
        return None
    return Problem(
        code="CLI-NOT-INSTALLED",
        what="this command needs parts that are not installed",
        why=f"the module {package} is missing: only the agent's part of Holdfast is installed here",
        fix=INSTALL_SERVER,
    )


def usage(*, what: str, why: str, fix: str) -> Refused:
    """A command line that cannot be carried out as it stands (exit 2)."""
    return Refused(Problem(code="CLI-USAGE", what=what, why=why, fix=fix))
