"""For whoever runs it: whether the process is alive, and whether it can decide."""

from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import documentation as documented
from service.api import healthmodels as models
from service.api.answers import json_bytes, services_of
from service.app.checkpointpost import PostState
from service.app.logalarm import LogAlarm
from service.app.metrics import MEDIA_TYPE
from service.policyfile.problem import Problem

PROBLEMS_MAX: Final = 20

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
    """Also tells where the folder of the process differs from the policy in force.

    And how far the log is published, and why no further where something is wrong with it.
    """
    readiness = services_of(request).readiness()
    folder = readiness.folder
    body = {
        "status": "ready" if readiness.is_ready else "not_ready",
        "policy": readiness.policy,
        "folder": None
        if folder is None
        else {
            "version": folder.version,
            "differs": folder.differs,
            "problems": [_place(problem) for problem in folder.problems[:PROBLEMS_MAX]],
        },
        "log": {
            "published": readiness.log.published,
            "alarm": _alarm(readiness.log.alarm),
            "posted": _posted(readiness.posted),
        },
    }
    return json_bytes(orjson.dumps(body), 200 if readiness.is_ready else 503)


@router.get(
    "/metrics",
    operation_id="health.metrics",
    summary="Numbers for monitoring, in Prometheus's text format",
    response_class=Response,
    responses=documented.serves(
        MEDIA_TYPE, "Counts and times of this process, and what waits.", ()
    ),
)
def metrics(request: Request) -> Response:
    """Takes no key, and names nobody: neither guests nor staff, neither keys nor cases."""
    services = services_of(request)
    return Response(services.metrics.exposition(services.condition()), media_type=MEDIA_TYPE)


def _place(problem: Problem) -> dict[str, str | int]:
    """Where it is and what; its words may name people, and everybody may ask this."""
    return {"file": problem.file, "line": problem.line, "code": problem.code}


def _alarm(alarm: LogAlarm | None) -> dict[str, str] | None:
    if alarm is None:
        return None
    return {"code": alarm.code, "message": alarm.message, "remedy": alarm.remedy}


def _posted(state: PostState | None) -> dict[str, int | str | None] | None:
    """Never where to: an address may be a secret, and everybody may ask this."""
    return None if state is None else {"taken": state.taken, "failure": state.failure}
