"""What an agent keeps on disk: its key, its uid, and a lock against a second process with the same key.

`agent.key` holds base64 of the 32-byte Ed25519 seed and is written once. It is never made anew while there is any sign
that one existed: a new key makes this host a stranger to its gateway (KEY-REGENERATED), so every doubt is an error that
a person has to settle. POSIX only: modes and `flock` carry the guarantees.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from holdfast.agent.signer import Signer
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Refused, printable
from holdfast.protocol.envelope import decode_base64, encode_base64
from holdfast.protocol.signing import KEY_BYTES

KEY_FILE: Final = "agent.key"
MEMORY_FILE: Final = "agent.json"
LOCK_FILE: Final = "agent.lock"
TEMPORARY: Final = ".tmp-"
MAX_FILE_BYTES: Final = 64 * 1024


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known after a registration. `profile` is a digest of what was registered: it changed, register again."""

    agent_uid: str
    host_id: str
    profile: str = ""


class Keyring:
    """The state folder of one agent, locked for this process from `open` to `close`."""

    def __init__(self, folder: Path, lock: int, signer: Signer, memory: Memory | None) -> None:
        self.folder = folder
        self.signer = signer
        self.memory = memory
        self._lock = lock

    @classmethod
    def open(cls, folder: Path) -> "Keyring":
        """Lock `folder` (made with mode 0700 where missing), read what is there, and make a key where none ever was.

        Raises:
            Refused: LIFE-DUPLICATE-SESSION where another process holds it; KEY-REGENERATED where the folder cannot be
                written, or a file in it is damaged, readable by others or lost. Nothing was changed then.
        """
        _prepare(folder)
        lock = _lock(folder)
        try:
            # Leftovers of a write that was cut short: never in use, since only the rename puts a file into use.
            for leftover in folder.glob(f".*{TEMPORARY}*"):
                leftover.unlink(missing_ok=True)
            return cls(folder, lock, _read_or_make_key(folder), _read_memory(folder))
        except OSError as error:
            os.close(lock)
            raise _unusable(folder, error) from error
        except Refused:
            os.close(lock)
            raise

    def remember(self, memory: Memory) -> None:
        """Store `memory` durably.

        Raises:
            Refused: the disk does not take it; the key stays usable, and the next start registers again.
        """
        if memory == self.memory:
            return
        try:
            write_durably(self.folder, MEMORY_FILE, msgspec.json.encode(memory) + b"\n")
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self.memory = memory

    def close(self) -> None:
        """Let the next process in. May be called twice."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def default_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where state is kept when nobody says: systemd's StateDirectory, else the user's own place for state (XDG)."""
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    base = environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "holdfast"


def write_durably(folder: Path, name: str, content: bytes) -> None:
    """Put `content` under `name`, mode 0600, wholly or not at all, also when the power fails.

    Raises:
        OSError: the old content is still there.
    """
    temporary = folder / f".{name}{TEMPORARY}{secrets.token_hex(4)}"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(folder)  # the rename itself is durable only after this


def read_bounded(path: Path, *, secret: bool = False) -> bytes | None:
    """The content of a small regular file; None where there is none.

    Raises:
        Refused: it is no regular file, too large, or `secret` and open to others than its owner.
        OSError: it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        mode = stat.S_IMODE(found.st_mode)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            raise _doubtful(path, "it is not a small regular file", "Put the agent's own file back")
        if secret and mode & 0o077:
            why = f"its mode is {mode:04o}: other users of this host can read or write it"
            raise _doubtful(path, why, f"If nobody else can have read it: chmod 600 {path}; otherwise enrol anew")
        return file.read(MAX_FILE_BYTES)


def _prepare(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError as error:
        raise _unusable(folder, error) from error
    if mode & 0o022:
        why = f"its mode is {mode:04o}: other users of this host can replace what is in it"
        raise _doubtful(folder, why, f"Run: chmod 700 {folder}")


def _lock(folder: Path) -> int:
    """The handle of the lock file, locked; the lock ends with the process, however that ends."""
    path = folder / LOCK_FILE
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = printable(os.pread(handle, 32, 0).decode("ascii", "replace").strip(), 16)
        os.close(handle)
        raise Refused(
            problem(
                "LIFE-DUPLICATE-SESSION",
                what=f"another agent process uses the state folder {folder}",
                why=f"process {holder or 'unknown'} holds its lock; two with one key would evict each other for ever",
                fix=f"Stop process {holder or 'that holds it'}, or give this agent a --state-dir of its own",
                evidence={"holder": holder},
            )
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _read_memory(folder: Path) -> Memory | None:
    # Damaged or not, it holds nothing that a registration with the same key does not bring back.
    try:
        return msgspec.json.decode(read_bounded(folder / MEMORY_FILE) or b"", type=Memory)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _read_or_make_key(folder: Path) -> Signer:
    path, memory = folder / KEY_FILE, folder / MEMORY_FILE
    raw = read_bounded(path, secret=True)
    if raw is not None:
        return _parse_key(path, raw)
    if memory.exists():
        raise _doubtful(
            path,
            f"it is gone, and {MEMORY_FILE} says that this host registered with it",
            f"Restore {KEY_FILE} from a backup; to enrol as a new agent instead, remove {memory}",
        )
    seed = os.urandom(KEY_BYTES)
    write_durably(folder, KEY_FILE, encode_base64(seed).encode() + b"\n")
    return Signer(seed)


def _parse_key(path: Path, raw: bytes) -> Signer:
    try:
        return Signer(decode_base64(raw.decode("ascii").strip()))
    except ValueError as error:
        why = f"it is damaged: {len(raw)} bytes that are not base64 of a 32-byte Ed25519 seed"
        fix = f"Restore {path.name} from a backup; to enrol as a new agent, remove {path} and have its key approved"
        raise _doubtful(path, why, fix) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _doubtful(path: Path, why: str, fix: str) -> Refused:
    why = f"{why}; a key made anew would make this host a stranger to its gateway"
    return Refused(problem("KEY-REGENERATED", what=f"the agent's {path} cannot be used", why=why, fix=fix))


def _unusable(folder: Path, error: OSError) -> Refused:
    return Refused(
        problem(
            "KEY-REGENERATED",
            what=f"the state folder {folder} cannot be used",
            why=f"{error.strerror or error}; with a new key at every start the agent would be a new host each time",
            fix="Give the agent a folder that lasts and that its user can write, with --state-dir",
        )
    )
