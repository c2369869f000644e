"""Labels as people type them: `key=value` each, separated by commas or line breaks."""

import re

from holdfast.api.codes import refuse
from holdfast.faults import printable


def read_labels(text: str) -> dict[str, str]:
    """What was typed.

    Raises:
        Refused: API-INVALID, for a label without a key.
    """
    found: dict[str, str] = {}
    for part in re.split(r"[,\n]", text):
        if not part.strip():
            continue
        key, _, value = part.partition("=")
        if not key.strip():
            raise refuse(
                "API-INVALID",
                what=f"the label {printable(part.strip())} has no key",
                why="a label is a key, or a key and a value with `=` between them",
                fix="Write key=value, and a comma between labels",
                field="labels",
            )
        found[key.strip()] = value.strip()
    return found


def labels_text(labels: dict[str, str]) -> str:
    """Labels to be edited, one a line."""
    return "\n".join(f"{key}={value}" if value else key for key, value in sorted(labels.items()))
