"""The transparency log itself, as C2SP says: checkpoints, tiles, bundles, receipts, keys."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import documentation as documented
from service.api import logmodels as models
from service.api.answers import Caller, json_bytes, services_of
from service.api.parameters import paged
from service.app.errors import NotFound
from service.core.tiles import TILE_WIDTH

TEXT: Final = "text/plain; charset=utf-8"
BYTES: Final = "application/octet-stream"
_NEWEST: Final = "public, max-age=1"
_SOON_REPLACED: Final = "public, max-age=60"
_FOR_EVER: Final = "public, max-age=31536000, immutable"

_LEVEL: Final = "^([0-9]|[1-5][0-9]|6[0-3])$", "Over how many leaves a hash stands: 256 to this."
_INDEX: Final = (
    r"^(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[1-9][0-9]{0,2})?$",
    "Like `x001/x234/067`, and with a width while it is partial: `000.p/8`.",
)

router = APIRouter(tags=["transparency"])


@router.get(
    "/checkpoint",
    operation_id="checkpoint.get",
    summary="The newest signed checkpoint",
    response_class=Response,
    responses=documented.serves(TEXT, "A signed note of C2SP tlog-checkpoint.", (404,)),
)
def checkpoint(request: Request) -> Response:
    """What the log says it is: origin, size, root, and an Ed25519 signature. Takes no key."""
    return _served(services_of(request).transparency.checkpoint(), TEXT, _NEWEST)


@router.get(
    "/tile/entries/{index:path}",  # noqa: FAST003 — it is read as it was sent
    operation_id="bundle.get",
    summary="A bundle of entries, by the path that C2SP tlog-tiles gives it",
    openapi_extra=documented.path(index=_INDEX),
    response_class=Response,
    responses=documented.serves(BYTES, "Entries, each after its length.", (401, 403, 404)),
)
def bundle(request: Request, principal: Caller) -> Response:
    """The exact bytes of up to 256 entries, for whoever may read the log of every site."""
    found, data = services_of(request).transparency.bundle(principal, _path(request))
    lasts = _lasts(found.width).replace("public", "private")
    return _served(data, BYTES, lasts)


@router.get(
    "/tile/{level}/{index:path}",  # noqa: FAST003 — it is read as it was sent
    operation_id="tile.get",
    summary="A tile of hashes, by the path that C2SP tlog-tiles gives it",
    openapi_extra=documented.path(level=_LEVEL, index=_INDEX),
    response_class=Response,
    responses=documented.serves(BYTES, "Hashes of 32 bytes each.", (404,)),
)
def tile(request: Request) -> Response:
    """Takes no key. A full tile never changes; a partial one is soon replaced by a wider one."""
    found, data = services_of(request).transparency.tile(_path(request))
    return _served(data, BYTES, _lasts(found.width))


@router.get(
    "/v1/log/key",
    operation_id="log.key",
    summary="The verifier key of the log, and those before it",
    responses=documented.serves_json(models.VerifierKeys, (404,)),
)
def key(request: Request) -> Response:
    """Takes no key. Believe it only where you also have it from somewhere else."""
    return json_bytes(services_of(request).transparency.keys())


@router.get(
    "/v1/log/checkpoints",
    operation_id="log.checkpoints",
    summary="Every checkpoint that was kept, newest first",
    openapi_extra=documented.query("checkpoints", ()),
    responses=documented.reads(models.CheckpointPage),
)
def list_checkpoints(request: Request, principal: Caller) -> Response:
    """For whoever may read the log anywhere. Each must be a beginning of every later one."""
    page = paged(request.query_params)
    return json_bytes(services_of(request).transparency.list_checkpoints(principal, page))


@router.get(
    "/v1/log/{entry}/proof",
    operation_id="log.proof",
    summary="The receipt of an entry, which verifies offline",
    response_class=Response,
    responses=documented.serves(TEXT, "A file of C2SP tlog-proof.", (401, 403, 404, 409)),
)
def proof(request: Request, principal: Caller, entry: str) -> Response:
    """Proves, with the entry's bytes and the verifier key alone, that the log has the entry."""
    return _served(services_of(request).transparency.proof(principal, entry), TEXT, "no-store")


def _path(request: Request) -> str:
    """The path of a tile as it was sent: none has anything to escape. Raises `NotFound`."""
    whole: str = request.scope["path"]
    raw: bytes = request.scope.get("raw_path", whole.encode())
    if raw.partition(b"?")[0] != whole.encode():
        raise NotFound(
            "no_tile", f"there is no tile {whole[:60]!r}", "see https://c2sp.org/tlog-tiles"
        )
    return whole.removeprefix("/")


def _lasts(width: int) -> str:
    return _FOR_EVER if width == TILE_WIDTH else _SOON_REPLACED


def _served(data: bytes, kind: str, lasts: str) -> Response:
    return Response(data, media_type=kind, headers={"Cache-Control": lasts})
