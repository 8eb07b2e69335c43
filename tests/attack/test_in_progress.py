"""One key at two replicas while the first of them is stuck in its commit."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.attack import replicas
from tests.attack.clients import Wish
from tests.attack.policy import proposal
from tests.attack.proxy import Proxy
from tests.attack.replicas import Replica
from tests.attack.server import Server
from tests.attack.target import Target

MUCH_LONGER = 4.0
"""Far less than a lock of a row may take, far more than a busy machine needs."""


class Told(NamedTuple):
    """What one request was answered, and after how many seconds."""

    status: int
    body: dict[str, Any]
    retry_after: str | None
    replayed: bool
    seconds: float


def post(replica: Replica, secret: str, wish: Wish) -> Told:
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{wish.key}"',
    }
    started = time.monotonic()
    with replica.connected() as connection:
        connection.request("POST", "/v1/resolutions", json.dumps(wish.body), headers)
        response = connection.getresponse()
        body = json.loads(response.read())
    again = response.getheader("Idempotent-Replayed") == "true"
    seconds = time.monotonic() - started
    return Told(response.status, body, response.getheader("Retry-After"), again, seconds)


@contextmanager
def beside(target: Target, server: Server, policies: Path) -> Iterator[Replica]:
    """Another replica of the same database, which has a way of its own to the server."""
    name = urlsplit(target.database).path
    user = urlsplit(target.database).username
    direct = f"postgresql://{user}@{name}?host={server.folder}"
    with replicas.running(direct, policies) as (replica,):
        yield replica


def test_a_repetition_waits_a_second_wherever_it_comes(
    cut: Target, way: Proxy, postgresql: Server, policies: Path
) -> None:
    """409 with a hint when to come back; others are decided meanwhile; then the one answer."""
    stuck, free = cut.new_site(), cut.new_site()
    wish = Wish(body=proposal(stuck, f"{stuck}-1"), key=f"{stuck}-1")
    with beside(cut, postgresql, policies) as other, ThreadPoolExecutor(1) as threads:
        held = way.hold(stuck.encode())
        first = threads.submit(post, cut.replicas[0], cut.secret, wish)
        try:
            held.wait()
            elsewhere = post(other, cut.secret, wish)
            same_place = post(cut.replicas[0], cut.secret, wish)
            fine = Wish(body=proposal(free, f"{free}-1"), key=f"{free}-1")
            meanwhile = post(other, cut.secret, fine)
            assert not first.done()
        finally:
            held.let_go()
        decided = first.result(30)
        again = post(other, cut.secret, wish)
    for refused in (elsewhere, same_place):
        assert (refused.status, refused.body["code"]) == (409, "in_progress")
        assert refused.retry_after == "1"
        assert 1.0 <= refused.seconds < MUCH_LONGER
    assert (meanwhile.status, meanwhile.body["outcome"]) == (201, "approved")
    assert (decided.status, decided.replayed) == (201, False)
    assert (again.status, again.replayed) == (201, True)
    assert again.body == decided.body
