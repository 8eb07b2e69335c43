"""A way to the server that breaks at the worst moment: around a COMMIT."""

import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\x00"
"""The text of a simple query, as the driver sends it."""
BYTES_AT_ONCE = 65_536
PATIENCE_SECONDS = 30

Loss = Literal["commit", "reply"]
"""Whether the COMMIT is lost on its way, or what the server answers to it."""


class Held:
    """A COMMIT that is kept back once it comes. ``passed_at`` is when it went on to the server."""

    def __init__(self, of: bytes) -> None:
        self.of = of
        self.passed_at = 0.0
        self._came = Event()
        self._may_go = Event()

    def wait(self) -> None:
        """Wait until it came."""
        assert self._came.wait(PATIENCE_SECONDS), "nobody committed that"

    def let_go(self) -> None:
        """Let it on to the server."""
        self._may_go.set()

    def keep_back(self) -> None:
        """What the proxy does with it."""
        self._came.set()
        self._may_go.wait(PATIENCE_SECONDS)
        self.passed_at = time.monotonic()


class Proxy:
    """Passes everything on, until it is told to lose something. ``folder`` has its socket."""

    def __init__(self, folder: Path, behind: Path) -> None:
        self.folder = folder
        self.lost = 0
        self._behind = behind
        self._losses: list[tuple[Loss, bytes]] = []
        self._held: list[Held] = []
        self._lock = Lock()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(folder / SOCKET))
        self._listening.listen()
        Thread(target=self._accept, daemon=True).start()

    def lose(self, loss: Loss, of: bytes) -> None:
        """Lose a COMMIT, or the reply to it, and the connection with it.

        It is that of the first transaction in which the bytes ``of`` are sent.
        """
        with self._lock:
            self._losses.append((loss, of))

    def hold(self, of: bytes) -> Held:
        """Keep back the COMMIT of the first transaction in which these bytes are sent."""
        held = Held(of)
        with self._lock:
            self._held.append(held)
        return held

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                server.connect(str(self._behind / SOCKET))
                Thread(target=self._forward, args=(client, server), daemon=True).start()
                Thread(target=_pump, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        """From the client to the server. The server's answers go their own way."""
        transaction = b""
        with suppress(OSError):
            while sent := client.recv(BYTES_AT_ONCE):
                transaction += sent
                if sent.endswith(COMMIT):
                    loss = self._next_loss(transaction)
                    if loss is not None:
                        self._lose(loss, sent, client, server)
                        return
                    self._keep_back(transaction)
                    transaction = b""
                server.sendall(sent)
        _end(client, server)

    def _keep_back(self, transaction: bytes) -> None:
        """Wait with the COMMIT of a transaction, if somebody asked for that."""
        with self._lock:
            found = next((held for held in self._held if held.of in transaction), None)
            if found is not None:
                self._held.remove(found)
        if found is not None:
            found.keep_back()

    def _next_loss(self, transaction: bytes) -> Loss | None:
        with self._lock:
            if not self._losses or self._losses[0][1] not in transaction:
                return None
            return self._losses.pop(0)[0]

    def _lose(self, loss: Loss, sent: bytes, client: socket.socket, server: socket.socket) -> None:
        self.lost += 1
        _end(client)
        if loss == "reply":
            server.sendall(sent)
            server.shutdown(socket.SHUT_WR)  # the server commits, and then finds nobody there
        else:
            _end(server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while sent := source.recv(BYTES_AT_ONCE):
            sink.sendall(sent)
    _end(source, sink)


def _end(*connections: socket.socket) -> None:
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def between(behind: Path) -> Iterator[Proxy]:
    """A proxy before the server whose socket is in a folder."""
    folder = Path(tempfile.mkdtemp(prefix="remit-"))
    proxy = Proxy(folder, behind)
    try:
        yield proxy
    finally:
        proxy.close()
        shutil.rmtree(folder, ignore_errors=True)
