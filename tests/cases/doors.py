"""The doors through which a proposal may come: each takes lines and returns decisions."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from httpx import codes
from starlette.testclient import TestClient

from service.api.app import create_app
from service.bootstrap import open_services
from service.config import Settings
from tests.cases.material import Row
from tests.fakes.clock import FakeClock

Door: TypeAlias = Callable[[Path, Iterable[Row]], list[Row]]
"""A folder of policies and lines to decisions, one a line and in order.

Budgets are carried from line to line. A refusal is an object with ``error`` in its place.
"""

_SECONDS_MAX = 120


def decide_stream(policies: Path, lines: Iterable[Row]) -> list[Row]:
    """Through ``remit decide``, in a process of its own. Raises where it does not answer."""
    asked = [json.dumps(line) for line in lines]
    command = [sys.executable, "-m", "service", "decide", "--policies", str(policies), "-"]
    done = subprocess.run(
        command,
        input="\n".join(asked) + "\n",
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
    )
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    if done.returncode not in {0, 1} or len(answers) != len(asked):
        raise AssertionError(f"remit decide ended with {done.returncode}: {done.stderr}")
    return answers


def propose_over_http(policies: Path, lines: Iterable[Row]) -> list[Row]:
    """Through ``POST /v1/resolutions`` of the service, with its clock at the lines' instant.

    The service runs in this process, on an empty SQLite database, with a key for each
    agent. Answers are Decisions, or ``{"error": {"code": …, "pointer": …}}``.
    """
    asked = list(lines)
    at = datetime.fromisoformat(asked[0]["at"]).astimezone(UTC)
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/remit.db"
        settings = Settings.read({}, policies=policies, database=database)
        with open_services(settings, FakeClock(at)) as services:
            client = TestClient(create_app(services))
            keys = {line["agent"]["id"]: line["agent"].get("kind", "human") for line in asked}
            secrets = {
                person: services.keys.create(subject=person, kind=kind, by="test").secret
                for person, kind in keys.items()
            }
            return [_proposed(client, secrets[line["agent"]["id"]], line) for line in asked]


def _proposed(client: TestClient, secret: str, line: Row) -> Row:
    headers = {"Authorization": f"Bearer {secret}"}
    response = client.post("/v1/resolutions", json=line["request"], headers=headers)
    body: Row = response.json()
    if response.status_code == codes.CREATED:
        return body
    first = body["errors"][0]
    return {"error": {"code": first["code"], "pointer": first["pointer"]}}
