"""The files of the page: read once, each a route of its own.

A request names a key of a dictionary and never a path of the disk, so there is nothing to break
out of. Browsers keep the files and ask each time whether they still hold (``no-cache`` with an
ETag): on this machine that costs less than a page of an older version would.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from deltarule.dataclass import dataclass
from deltarule.exceptions import InvalidParameterError
from deltarule.playground.guard import is_plain

__all__ = ["STATIC", "Asset", "asset", "read_assets"]

#: What `make web` built.
STATIC = Path(__file__).with_name("static")

#: Written down here, because what the standard library answers depends on the machine.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent.

    Attributes
    ----------
    content : bytes
    media_type : str
    etag : str
        Names the content: another content has another one.
    """

    content: bytes
    media_type: str
    etag: str


def read_assets(folder: Path) -> dict[str, Asset]:
    """The files of a folder under the paths of the page; ``index.html`` is ``/``.

    Raises
    ------
    InvalidParameterError
        If there is no ``index.html``, or a file that no browser could ask for.
    """
    if not (folder / "index.html").is_file():
        raise InvalidParameterError(
            f"static must be a folder with an index.html (got {str(folder)!r} without one). Build "
            "the page with make web, or install deltarule anew."
        )
    assets = {}
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not any(part.startswith(".") for part in parts):
            path = "/" + "/".join(parts)
            assets["/" if path == "/index.html" else path] = _read(file, path)
    return assets


def _read(file: Path, path: str) -> Asset:
    if file.suffix not in _MEDIA_TYPES or not is_plain(path):
        raise InvalidParameterError(
            f"static must hold files with plain names that end with one of "
            f"{', '.join(_MEDIA_TYPES)} (got {path!r}). Take it out, or give the ending its media "
            "type in assets.py."
        )
    return asset(file.read_bytes(), file.suffix)


def asset(content: bytes, suffix: str) -> Asset:
    """An asset as a file of this ending would be."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Asset(content, _MEDIA_TYPES[suffix], etag)
