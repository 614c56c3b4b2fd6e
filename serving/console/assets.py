"""The console's own scripts and styles, named by what they hold."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage_ml.errors import NotFound

FOLDER = Path(__file__).with_name("static")
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
URL = "/console/static"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str
    digest: str


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(content, MEDIA_TYPES[path.suffix], digest)


# Few and small: they are kept in memory, and no path of a request ever touches the disk.
ASSETS = {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}


def static(name: str) -> str:
    """Give the address of a file; it changes with the file. Raises: KeyError."""
    return f"{URL}/{name}?v={ASSETS[name].digest}"


@router.get(URL + "/{name}")
async def send(request: Request, name: str) -> Response:
    asset = ASSETS.get(name)
    if asset is None:
        raise NotFound("file", "of this name")
    current = request.query_params.get("v") == asset.digest
    headers = {"Cache-Control": FOREVER if current else ASK_AGAIN}
    return Response(asset.content, headers=headers, media_type=asset.media_type)
