"""A real receiver on loopback: it notes what comes, and behaves as badly as it is told to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0" * 4
WAIT_SECONDS = 60.0
"""How long a notice may take before a test gives it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One request that arrived whole."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> Any:
        """The body, if its signature is the secret's."""
        return Webhook(secret).verify(self.body, dict(self.headers))


Manner = Callable[["Handler"], None]
"""How to answer a request that was read."""


def answer(status: int, **headers: str) -> Manner:
    def behave(handler: "Handler") -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


def drop(handler: "Handler") -> None:
    """End the connection after reading, without a word."""
    with suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def hang(handler: "Handler") -> None:
    """Say nothing until the receiver closes, or the sender gives up."""
    handler.receiver.closing.wait(WAIT_SECONDS)
    handler.close_connection = True


def drip(handler: "Handler") -> None:
    """Say something now and then, and never all of it."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 4_000:
            handler.connection.sendall(bytes([byte]))
            if handler.receiver.closing.wait(0.05):
                break
    handler.close_connection = True


def slow(seconds: float) -> Manner:
    def behave(handler: "Handler") -> None:
        handler.receiver.closing.wait(seconds)
        answer(200)(handler)

    return behave


GOOD = answer(204)


@dataclass(slots=True, kw_only=True)
class Receiver:
    """What arrived, in order, and how the next ones are answered."""

    url: str = ""
    port: int = 0
    arrived: list[Taken] = field(default_factory=list)
    manners: list[Manner] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    def note(self, taken: Taken) -> Manner:
        with self.news:
            self.arrived.append(taken)
            self.news.notify_all()
            return self.manners.pop(0) if self.manners else GOOD

    def wait_for(self, number: int) -> list[Taken]:
        """The first so many that arrived."""
        with self.news:
            there = self.news.wait_for(lambda: len(self.arrived) >= number, WAIT_SECONDS)
            assert there, f"{len(self.arrived)} of {number} arrived"
            return self.arrived[:number]

    def ids(self) -> list[str]:
        """The ids of what arrived, each once, in the order of its last arrival."""
        with self.news:
            seen = [taken.id for taken in self.arrived]
        return [one for place, one in enumerate(seen) if one not in seen[place + 1 :]]


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        taken = Taken(path=self.path, headers=headers, body=body)
        self.receiver.note(taken)(self)

    def do_GET(self) -> None:
        """Where a redirect would lead that was followed as browsers do."""
        self.receiver.note(Taken(path=self.path, headers={}, body=b""))
        answer(200)(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """Who hangs up is no error here."""


@contextmanager
def receiving(
    *manners: Manner, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver that answers 204, the first requests in the given manners."""
    receiver = Receiver(manners=list(manners))
    handler = type("Bound", (Handler,), {"receiver": receiver})
    with _Server(("127.0.0.1", port), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_port
        receiver.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{receiver.port}/in?x=1"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.closing.set()
            server.shutdown()
            thread.join()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
