"""The command line. `main` is the entry point; a command imports its parts when it runs, so that `--help` is quick."""

import os
import sys
from typing import Final

EXIT_PROBLEM: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


def main() -> None:
    """Run the command of `sys.argv` and exit: 0 fine, 1 a problem, 2 wrong usage or configuration."""
    from holdfast.cli.app import app
    from holdfast.faults import HoldfastError

    try:
        app()
    except HoldfastError as error:
        from holdfast.cli.failures import exit_code, show_problem

        show_problem(error.problem)
        sys.exit(exit_code(error.problem))
    except ModuleNotFoundError as error:
        from holdfast.cli.failures import not_installed, show_problem

        # An agent's host has the SDK and `agent run`, without what only servers and clients of the API need.
        missing = not_installed(error)
        if missing is None:
            raise
        show_problem(missing)
        sys.exit(EXIT_USAGE)
    except BrokenPipeError:
        # `holdfast agents list --all | head` closed the pipe: nothing is wrong. The interpreter would complain once
        # more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
