"""What is loaded: Remit, the framework alone, and a plain implementation, as processes."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench import house
from bench.traffic import Endpoint
from tests.attack import replicas, server
from tests.attack.server import Server

START_SECONDS: Final = 20
_NAMES: Final = ("empty", "sqlite", "postgresql x1", "postgresql x3", "plain x1", "plain x3")
EVERYBODY: Final[Sequence[str]] = _NAMES


@contextmanager
def running(names: Sequence[str]) -> Iterator[dict[str, Endpoint]]:
    """The endpoints of these names, all up and idle."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remit-")))
        policies = house.write(folder / "policies")
        made: dict[str, Endpoint] = {}
        database: Server | None = None
        for name in names:
            kind, _, number = name.partition(" x")
            if kind in ("postgresql", "plain") and database is None:
                database = stack.enter_context(server.running(durable=True))
            made[name] = stack.enter_context(
                _started(kind, int(number or 1), folder, policies, database)
            )
        yield made


@contextmanager
def _started(
    kind: str, number: int, folder: Path, policies: Path, database: Server | None
) -> Iterator[Endpoint]:
    if kind == "empty":
        with _empty() as endpoint:
            yield endpoint
    elif kind == "sqlite":
        with _remit(f"sqlite:///{folder}/remit.db", policies, 1) as endpoint:
            yield endpoint
    elif database is None:
        raise ValueError(kind)
    elif kind == "plain":
        with _plain(database.new_database(), number) as endpoint:
            yield endpoint
    else:
        url = database.new_database()
        replicas.migrate(url)
        with _remit(url, policies, number) as endpoint:
            yield endpoint


@contextmanager
def _remit(database: str, policies: Path, number: int) -> Iterator[Endpoint]:
    with replicas.running(database, policies, number) as made:
        secret = replicas.key_for(house.PERSON, database, policies)
        yield Endpoint(ports=[replica.port for replica in made], secret=secret)


@contextmanager
def _empty() -> Iterator[Endpoint]:
    port = _free_port()
    with _process("bench.empty", str(port), port=port):
        yield Endpoint(ports=[port])


@contextmanager
def _plain(database: str, number: int) -> Iterator[Endpoint]:
    ports = [_free_port() for _ in range(number)]
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(_process("bench.plain.app", str(port), database, port=port))
        yield Endpoint(ports=ports, secret="plain-key-of-ana")


@contextmanager
def _process(module: str, *arguments: str, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=replicas.ROOT, stdout=subprocess.DEVNULL
    )
    try:
        _wait(port, process)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit("a server ended before it answered")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("a server does not answer")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
