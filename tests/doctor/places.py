"""A host to examine from: its files lie in a folder of the test, its environment is empty unless the test says so."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from holdfast.doctor import Check, Options, Report, Status, Surroundings, examine
from tests.processes import free_ports

TIMEOUT_S = 5.0


def surroundings(
    folder: Path,
    *,
    environ: Mapping[str, str] | None = None,
    addresses: Sequence[str] | OSError | None = None,
    servers: Sequence[str] = (),
    dns_port: int = 9,
    gateway_port: int | None = None,
    api_port: int | None = None,
    hosts: str = "",
) -> Surroundings:
    """`addresses` is what the system's resolver answers to every name, or its error; None asks the real one."""
    (folder / "resolv.conf").write_text("".join(f"nameserver {server}\n" for server in servers))
    (folder / "hosts").write_text(hosts)
    closed = free_ports(4)
    return Surroundings(
        environ=dict(environ or {}),
        resolv_conf=folder / "resolv.conf",
        hosts=folder / "hosts",
        root=folder,
        dns_port=dns_port,
        gateway_port=gateway_port or closed[0],
        api_port=api_port or closed[1],
        web_ports=(closed[2], closed[3]),
        resolve=None if addresses is None else _resolver(addresses),
        host_name="test-host",
    )


def _resolver(answer: Sequence[str] | OSError) -> Callable[[str], Awaitable[list[tuple[int, str]]]]:
    """The system's resolver, which cannot be given a resolv.conf of its own: it says what a test lets it say."""

    async def resolve(_: str) -> list[tuple[int, str]]:
        if isinstance(answer, OSError):
            raise answer
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in answer]

    return resolve


async def examined(url: str, here: Surroundings, **options: object) -> Report:
    """One examination with little patience."""
    given = {"url": url, "timeout_s": TIMEOUT_S, **options}
    return await examine(Options(**given), here)  # type: ignore[arg-type]  # the options of one test


def line(report: Report, name: str) -> Check:
    """The one check of this name."""
    found = lines(report, name)
    assert len(found) == 1, [check.title for check in report.checks]
    return found[0]


def lines(report: Report, name: str) -> list[Check]:
    return [check for check in report.checks if check.name == name]


def code_of(report: Report) -> str | None:
    """The verdict's code."""
    return report.verdict.code if report.verdict else None


def failures(report: Report) -> list[str]:
    """The titles of what failed."""
    return [check.title for check in report.checks if check.status is Status.FAIL]


@asynccontextmanager
async def full_listener() -> AsyncIterator[int]:
    """A port whose queue of connections is full: the kernel drops further ones, as a firewall does."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = int(listener.getsockname()[1])
    waiting: list[socket.socket] = []
    try:
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            waiting.append(client)
            try:
                async with asyncio.timeout(0.2):
                    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
            except TimeoutError:
                break
        else:
            raise AssertionError("the queue of connections never filled up")
        yield port
    finally:
        for client in waiting:
            client.close()
        listener.close()
