"""Labels: what operators sort their agents by."""

from typing import Final

import sqlalchemy as sa

from holdfast.registry.refusals import invalid
from holdfast.registry.rows import storable
from holdfast.store.tables import agent_labels

MAX_LABELS: Final = 64
MAX_LABEL_CHARS: Final = 256


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """The labels as they are stored.

    Raises:
        InvalidQuery: too many, too long, or a key without a name.
    """
    if len(labels) > MAX_LABELS:
        invalid("labels", f"there are {len(labels)}", f"Use at most {MAX_LABELS}")
    for key, value in labels.items():
        if not key.strip() or len(key) > MAX_LABEL_CHARS or len(value) > MAX_LABEL_CHARS:
            why = "a key is empty, or a key or value is too long"
            invalid("labels", why, f"Use keys of 1 to {MAX_LABEL_CHARS} characters, and values up to as many")
    return {storable(key): storable(value) for key, value in labels.items()}


def write_labels(connection: sa.Connection, labels: dict[int, dict[str, str]]) -> None:
    """Make `labels` (by the agents' seq) searchable, in place of what was there."""
    connection.execute(sa.delete(agent_labels).where(agent_labels.c.agent_seq.in_(list(labels))))
    rows = [{"key": key, "value": value, "agent_seq": seq} for seq, own in labels.items() for key, value in own.items()]
    if rows:
        connection.execute(sa.insert(agent_labels), rows)
