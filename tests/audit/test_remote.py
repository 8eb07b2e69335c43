"""A log over HTTP: what is served is read, what is refused is told, and no token goes astray."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from service.audit.remote import RemoteSource
from service.audit.source import BYTES_MAX, CHECKPOINT, Missing, SourceError
from tests.audit.ledger import STAY, Ledger
from tests.audit.logs import MemorySource, verified

TOKEN = "rk_secret"


class Served:
    """A server of a log, and what it was asked."""

    def __init__(self, source: MemorySource) -> None:
        self.source = source
        self.asked: list[tuple[str, str | None]] = []
        self.drops = 0
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def answer(self, path: str, token: str | None) -> tuple[int, dict[str, str], bytes]:
        if path in self.answers:
            return self.answers[path]
        if path.startswith("tile/entries/") and token != f"Bearer {TOKEN}":
            told = {"detail": "no key came with the request", "remedy": "send one"}
            return 401, {}, json.dumps(told).encode()
        if path.startswith("v1/log/checkpoints"):
            return 200, {}, self._page(path)
        try:
            return 200, {}, self.source.read(path)
        except Missing:
            return 404, {}, b""

    def _page(self, path: str) -> bytes:
        begin = int(path.partition("after=")[2] or 0)
        page = self.source.kept[begin : begin + 2]
        following = str(begin + 2) if begin + 2 < len(self.source.kept) else None
        listed = [{"note": note.decode()} for note in page]
        return json.dumps({"checkpoints": listed, "next": following}).encode()


@pytest.fixture
def served() -> Iterator[tuple[Served, str]]:
    ledger = Ledger()
    for _ in range(300):
        ledger.approve(1, caps=[STAY])
    log = Served(MemorySource(ledger.written(), (1, 100, 200, 256, 299)))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if log.drops:
                log.drops -= 1
                self.close_connection = True
                return
            path, token = self.path.removeprefix("/prefix/"), self.headers["Authorization"]
            log.asked.append((path, token))
            status, headers, body = log.answer(path, token)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as it is called
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield log, f"http://127.0.0.1:{server.server_port}/prefix/"
        server.shutdown()
        thread.join()


def test_a_log_is_verified_over_http(served: tuple[Served, str]) -> None:
    """Tiles, entries, and every kept checkpoint, a page at a time."""
    _, address = served
    report = verified(RemoteSource(address, TOKEN))
    assert report.findings == ()
    assert (report.entries, report.checkpoints) == (300, 6)


def test_without_a_token_it_is_said_what_is_missing(served: tuple[Served, str]) -> None:
    """In the server's own words, and with the name of the variable."""
    _, address = served
    with pytest.raises(SourceError, match=r"no key came with the request.*REMIT_TOKEN"):
        verified(RemoteSource(address))


def test_what_is_not_there_is_missing(served: tuple[Served, str]) -> None:
    """A finding for whoever verifies, and no error of the network."""
    with pytest.raises(Missing):
        RemoteSource(served[1]).read("tile/9/000")


def test_a_redirect_is_not_followed(served: tuple[Served, str]) -> None:
    """Else the token would go wherever the answer says."""
    log, address = served
    log.answers[CHECKPOINT] = (302, {"Location": "http://127.0.0.1:1/"}, b"")
    with pytest.raises(SourceError, match="302"):
        RemoteSource(address, TOKEN).read(CHECKPOINT)


def test_a_connection_that_was_closed_is_made_anew(served: tuple[Served, str]) -> None:
    """Once: a server that hangs up again is away."""
    log, address = served
    source = RemoteSource(address)
    note = source.read(CHECKPOINT)
    log.drops = 1
    assert source.read(CHECKPOINT) == note
    log.drops = 2
    with pytest.raises(SourceError, match="cannot be reached"):
        source.read(CHECKPOINT)


def test_an_answer_without_end_is_not_read(served: tuple[Served, str]) -> None:
    """Nothing that a log serves is larger than a bundle of the largest entries."""
    log, address = served
    log.answers[CHECKPOINT] = (200, {}, b"x" * (BYTES_MAX + 1))
    with pytest.raises(SourceError, match="larger than anything"):
        RemoteSource(address).read(CHECKPOINT)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"checkpoints":[{}],"next":null}', b'{"next":7}'])
def test_what_is_no_page_of_checkpoints_is_refused(served: tuple[Served, str], body: bytes) -> None:
    """Another service, or a page that was cut short."""
    log, address = served
    log.answers["v1/log/checkpoints?limit=200"] = (200, {}, body)
    with pytest.raises(SourceError, match="something else than checkpoints"):
        list(RemoteSource(address).checkpoints())


@pytest.mark.parametrize("address", ["", "ftp://x", "http://", "remit.example", "http://x/?a=b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """Before anything is sent anywhere."""
    with pytest.raises(SourceError, match="no address"):
        RemoteSource(address)
