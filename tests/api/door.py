"""The HTTP door over a small shop, and how to knock at it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from httpx import Response
from starlette.testclient import TestClient

from service.api.app import create_app
from service.bootstrap import open_services
from tests.app.house import House, proposal, shop_settings, write_shop


@dataclass(frozen=True, slots=True)
class Door:
    """A client, and the house behind the door."""

    client: TestClient
    house: House

    def headers(self, person: str = "ana", **more: str) -> dict[str, str]:
        secret = self.house.key(person).secret
        return {"Authorization": f"Bearer {secret}", **more}

    def post(
        self,
        path: str,
        body: object = None,
        *,
        person: str = "ana",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        given = self.headers(person, **(headers or {}))
        response: Response = self.client.post(path, json=body, headers=given)
        return response

    def get(self, path: str, *, person: str = "ana", **query: str) -> Response:
        response: Response = self.client.get(path, params=query, headers=self.headers(person))
        return response

    def propose(self, *, key: str | None = None, person: str = "ana", **fields: Any) -> Response:
        headers = None if key is None else {"Idempotency-Key": key}
        return self.post("/v1/resolutions", proposal(**fields), person=person, headers=headers)

    def send(self, raw: bytes, *, path: str = "/v1/resolutions", **headers: str) -> Response:
        """Bytes as they are."""
        given = {"Content-Type": "application/json", **self.headers(), **headers}
        response: Response = self.client.post(path, content=raw, headers=given)
        return response


@contextmanager
def open_door(folder: Path, database: str, files: Mapping[str, bytes]) -> Iterator[Door]:
    """The door of a shop with such files."""
    settings = shop_settings(write_shop(folder / "shop", files), database)
    with open_services(settings) as services:
        app = create_app(services)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield Door(client, House(services, folder))


def assert_problem(response: Response, status: int, code: str) -> dict[str, Any]:
    """A problem of RFC 9457 with everything that ours have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["remedy"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body
