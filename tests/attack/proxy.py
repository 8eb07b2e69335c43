"""A way to the server that breaks at the worst moment: around a COMMIT."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Literal

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT\x00"
"""The text of a simple query, as the driver sends it."""
READ_ONLY = b"READ ONLY"
"""Stands in the BEGIN of a connection that only reads: what it ends decides nothing."""
BYTES_AT_ONCE = 65_536

Loss = Literal["commit", "reply"]
"""Whether the COMMIT is lost on its way, or what the server answers to it."""


class Proxy:
    """Passes everything on, until it is told to lose something. ``folder`` has its socket."""

    def __init__(self, folder: Path, behind: Path) -> None:
        self.folder = folder
        self.lost = 0
        self._behind = behind
        self._losses: list[Loss] = []
        self._lock = Lock()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(folder / SOCKET))
        self._listening.listen()
        Thread(target=self._accept, daemon=True).start()

    def lose(self, loss: Loss) -> None:
        """Lose the next COMMIT, or the next reply to one, and the connection with it."""
        with self._lock:
            self._losses.append(loss)

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
        writes = True
        with suppress(OSError):
            while sent := client.recv(BYTES_AT_ONCE):
                writes = writes and READ_ONLY not in sent
                loss = self._next_loss() if writes and sent.endswith(COMMIT) else None
                if loss is not None:
                    self._lose(loss, sent, client, server)
                    return
                server.sendall(sent)
        _end(client, server)

    def _next_loss(self) -> Loss | None:
        with self._lock:
            return self._losses.pop(0) if self._losses else None

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
