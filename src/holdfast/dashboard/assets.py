"""The files that pages refer to: our style sheet and scripts, and third-party ones put into `static/vendor` at set-up.

They are read once and served under a path that holds their digest, so that a browser may keep them for ever.
"""

import hashlib
import mimetypes
from pathlib import Path
from typing import Final

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from holdfast.api.codes import refuse
from holdfast.faults import printable

STATIC: Final = Path(__file__).with_name("static")
VENDOR: Final = (
    "vendor/htmx.min.js",
    "vendor/idiomorph-ext.min.js",
    "vendor/uPlot.iife.min.js",
    "vendor/uPlot.min.css",
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_DIGEST_CHARS: Final = 12


class Asset(msgspec.Struct, frozen=True):
    """One file."""

    path: str
    content: bytes
    media_type: str


class Assets:
    """All files by their name relative to `static/`."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._by_name = {name: _read(folder, name) for name in _names(folder)}

    @property
    def has_vendor(self) -> bool:
        """Whether the third-party files are there; pages do without them, but nothing moves."""
        return all(name in self._by_name for name in VENDOR)

    def url(self, name: str) -> str:
        """The path under which `name` is served."""
        return self._by_name[name].path

    def get(self, digest: str, name: str) -> Asset | None:
        """The file, if it still has this digest."""
        asset = self._by_name.get(name)
        return asset if asset is not None and asset.path == _path(digest, name) else None


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in files)


def _path(digest: str, name: str) -> str:
    return f"/ui/assets/{digest}/{name}"


def _read(folder: Path, name: str) -> Asset:
    content = (folder / name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGEST_CHARS]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Registries of types differ between systems; browsers insist on this one.
    kind = "text/javascript" if name.endswith(".js") else kind
    return Asset(_path(digest, name), content, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)


@get("/ui/assets/{digest:str}/{name:path}", opt={"role": None, "sees": None}, include_in_schema=False)
async def asset(assets: NamedDependency[Assets], digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """One file."""
    found = assets.get(digest, str(name).lstrip("/"))
    if found is None:
        raise refuse("API-PATH", what=f"there is no file {printable(str(name))}", why="it is not part of this version")
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": _FOR_EVER})
