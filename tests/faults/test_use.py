"""How the rest of Holdfast uses the catalogue."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from holdfast.faults import CATALOGUE, Area

SOURCE: Final = Path(__file__).parents[2] / "src"
CODE: Final = re.compile(r"""(["'])((?:NET|TLS|PXY|WS|LIFE|MSG|REG|SIG|KEY|ID|CLK|RATE|SRV)(?:-[A-Z0-9]+)+)\1""")


def test_every_code_that_the_source_names_is_in_the_catalogue() -> None:
    named = {
        f"{path.relative_to(SOURCE)}: {found[2]}"
        for path in SOURCE.rglob("*.py")
        for found in CODE.finditer(path.read_text(encoding="utf-8"))
        if found[2] not in CATALOGUE
    }

    assert named == set()


def test_importing_the_catalogue_loads_nothing_but_itself_and_msgspec() -> None:
    program = """
import sys, enum, re, types, typing, msgspec, holdfast
before = set(sys.modules)
import holdfast.faults
print(*sorted(set(sys.modules) - before))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    parts = {"catalogue", "entry", "problem", *Area}
    assert set(ran.stdout.split()) <= {"holdfast.faults"} | {f"holdfast.faults.{part}" for part in parts}
