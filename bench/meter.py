"""What a process and its children cost, as the kernel counts it."""

import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import psutil


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of the whole process tree since it began, children that ended included.

    The kernel hands them out in ticks of 10 ms.
    """
    root = psutil.Process(pid)
    times = root.cpu_times()
    ended = float(getattr(times, "children_user", 0.0)) + float(getattr(times, "children_system", 0.0))
    return ended + sum(_own_cpu_s(process) for process in [root, *root.children(recursive=True)])


def _own_cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def memory_kib(pid: int) -> float:
    """Memory of the whole process tree: proportional set size, or resident size where the kernel does not tell it."""
    root = psutil.Process(pid)
    return sum(_own_memory_kib(process.pid) for process in [root, *root.children(recursive=True)])


def _own_memory_kib(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return psutil.Process(pid).memory_info().rss / 1024
    fields = (line.split() for line in rollup.read_text().splitlines()[1:])
    return next(float(field[1]) for field in fields if field[0] == "Pss:")


def raise_fd_limit(needed: int) -> None:
    """Let this process and all that it starts open `needed` files.

    Raises:
        RuntimeError: the hard limit is below that.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise RuntimeError(
            f"{needed} open files are needed and the hard limit is {hard}; raise it (`ulimit -Hn {needed}` as root) "
            "or use --quick"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def fsync_ms(directory: Path, times: int = 20) -> float:
    """Median time to make 4 KiB durable in `directory`: what every commit there costs at least."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
