"""For whoever runs it: whether the process is alive, and whether it can decide."""

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import models
from service.api.answers import json_bytes, services_of

router = APIRouter(tags=["health"])


@router.get(
    "/healthz",
    operation_id="health.live",
    summary="The process answers",
    responses={200: {"model": models.Health, "description": "The process runs."}},
)
async def live() -> Response:
    """Says nothing of the database: restarting the process would not mend that."""
    return json_bytes(b'{"status":"ok"}')


@router.get(
    "/readyz",
    operation_id="health.ready",
    summary="Requests can be decided",
    responses={
        200: {"model": models.Readiness, "description": "Send requests here."},
        503: {"model": models.Readiness, "description": "Send them elsewhere for now."},
    },
)
def ready(request: Request) -> Response:
    """Also tells where the folder of the process differs from the policy in force."""
    readiness = services_of(request).readiness()
    folder = readiness.folder
    body = {
        "status": "ready" if readiness.is_ready else "not_ready",
        "policy": readiness.policy,
        "folder": None
        if folder is None
        else {"version": folder.version, "differs": folder.differs},
    }
    return json_bytes(orjson.dumps(body), 200 if readiness.is_ready else 503)
