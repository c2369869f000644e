"""A file that holds an enrolment token, however an editor or a shell has saved it."""

import codecs
from pathlib import Path
from typing import Final

from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Refused

MAX_BYTES: Final = 4096
# PowerShell's `>` and Windows' Notepad write these in front; what follows is told by them without a doubt.
ENCODINGS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_token(path: Path) -> str:
    """The token in `path`, without what stands around it. UTF-8 with or without a mark, and UTF-16 with one.

    Raises:
        Refused: ID-TOKEN-INVALID: it cannot be read, is empty, or holds something else than one text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _no_token(path, error.strerror or str(error)) from error
    if len(raw) > MAX_BYTES:
        raise _no_token(path, f"it has more than {MAX_BYTES} bytes: this is no token")
    encoding = next((name for mark, name in ENCODINGS if raw.startswith(mark)), "utf-8")
    try:
        token = raw.decode(encoding).strip()
    except UnicodeDecodeError as error:
        raise _no_token(path, f"byte {error.start} is no {encoding.upper()} text") from error
    if "\0" in token:
        raise _no_token(path, "it is UTF-16 without the mark that says so: save it as UTF-8")
    if not token:
        raise _no_token(path, "it is empty")
    return token


def _no_token(path: Path, why: str) -> Refused:
    fix = "Copy the whole token, as `holdfast enrolment create` showed it, into that file"
    return Refused(problem("ID-TOKEN-INVALID", what=f"no enrolment token in {path}", why=why, fix=fix))
