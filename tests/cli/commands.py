"""The command line as people run it: processes, with their output and exit code."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.processes import BIN, environment

LIMIT_S = 60


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        """Standard output as one JSON object."""
        return msgspec.json.decode(self.out, type=dict[str, object])


def holdfast(
    *arguments: str, environ: dict[str, str] | None = None, columns: int = 100, cwd: Path | None = None
) -> Outcome:
    """Run `holdfast` with `arguments` to its end."""
    done = subprocess.run(
        [str(BIN / "holdfast"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        cwd=cwd,
        env={**environment(), "COLUMNS": str(columns), **(environ or {})},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
