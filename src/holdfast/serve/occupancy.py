"""One gateway per data directory: two would take each other's agents for what a crash left behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.config.problems import misconfigured


@contextmanager
def occupied(data_dir: Path) -> Iterator[None]:
    """Hold the directory until the end; the lock goes with the process, however that ends.

    Raises:
        Misconfigured: another gateway holds it, or the directory cannot be written.
    """
    path = data_dir / "gateway.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise misconfigured(
            "CFG-FILE",
            what=f"{path} cannot be written",
            why=error.strerror or str(error),
            fix="Choose another --data-dir, or correct the owner and mode of this one",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise misconfigured(
                "CFG-CONFLICT",
                what=f"another gateway runs on {data_dir}",
                why=f"it holds {path.name}",
                fix="Stop the other gateway, or give this one a --data-dir of its own",
            ) from error
        yield
    finally:
        os.close(descriptor)
