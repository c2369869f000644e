"""The Chromium that the tests drive: `python -m tests.dashboard.browser` makes sure that there is one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
INSTALL_S: Final = 600
MISSING: Final = """\
There is no Chromium, and neither Playwright's installer nor the system's package manager brought one (their words are
above). Install a package called chromium or google-chrome by hand, then repeat `make browser`.
"""


def found(playwright: Playwright) -> str | None:
    """Playwright's own Chromium, else the system's; None where there is neither."""
    own = playwright.chromium.executable_path
    if Path(own).is_file():
        return own
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser with an empty profile."""
    with sync_playwright() as playwright:
        path = found(playwright)
        assert path is not None, "there is no Chromium: run `make browser`"
        # As root, Chromium's own sandbox cannot be set up.
        sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


def main() -> int:
    """Exit status 0: there is a Chromium. 1: there is none, and what to do was said."""
    if _is_there():
        return 0
    tried = (
        [[sys.executable, "-m", "playwright", "install", "chromium"]],
        [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]],
    )
    for commands in tried:
        if all(_succeeds(command) for command in commands) and _is_there():
            return 0
    sys.stderr.write(MISSING)
    return 1


def _is_there() -> bool:
    with sync_playwright() as playwright:
        path = found(playwright)
    if path is not None:
        print(f"Chromium: {path}")
    return path is not None


def _succeeds(command: list[str]) -> bool:
    print("$", " ".join(command), flush=True)
    try:
        return subprocess.run(command, timeout=INSTALL_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return False


if __name__ == "__main__":
    sys.exit(main())
