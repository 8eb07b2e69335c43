"""Replicas: `remit serve` as processes of their own, which may be killed and started again."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any

from service.bootstrap import open_keys, upgrade_database
from service.config import Settings

ROOT = Path(__file__).parents[2]
MASTER_KEY = "5a" * 32
SIGNING_KEY = "a5" * 32
START_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class Replica:
    """One serving process. It keeps its port when it is started again."""

    database: str
    policies: Path
    log: IO[bytes]
    port: int = 0
    more: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None

    def launch(self) -> None:
        """Start the process and do not wait until it serves."""
        self.process = subprocess.Popen(
            [*SERVE, "--port", str(self.port)],
            env={**environment(self.database, self.policies), **self.more},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def wait(self) -> None:
        """Wait until it decides."""
        assert self.process is not None
        assert self.process.stdout is not None
        greeting = self.process.stdout.readline()
        assert " serves " in greeting, self.said()
        self.port = int(greeting.rpartition(":")[2])
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def start(self) -> None:
        """Launch and wait."""
        self.launch()
        self.wait()

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def connected(self) -> "closing[HTTPConnection]":
        """A connection for a block."""
        return closing(HTTPConnection("127.0.0.1", self.port, timeout=30))

    def get(self, path: str) -> tuple[int, Any]:
        """The status and JSON of a page for everybody."""
        with self.connected() as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def kill(self) -> None:
        """End it at once, whatever it is doing: SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.wait_for_end()

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def wait_for_end(self) -> None:
        """Wait until it has."""
        if self.process is not None:
            self.process.wait(30)
            if self.process.stdout is not None:
                self.process.stdout.close()
            self.process = None

    def said(self) -> str:
        """Everything on its standard error so far."""
        return Path(self.log.name).read_text(encoding="utf-8")

    def events(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]


SERVE = (sys.executable, "-m", "service", "serve")


def environment(database: str, policies: Path) -> Mapping[str, str]:
    """The environment of a replica: this one, and the settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    return {
        **kept,
        "REMIT_DATABASE": database,
        "REMIT_POLICIES": str(policies),
        "REMIT_MASTER_KEY": MASTER_KEY,
        "REMIT_SIGNING_KEY": SIGNING_KEY,
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def running(database: str, policies: Path, number: int = 1, **more: str) -> Iterator[list[Replica]]:
    """So many replicas of one migrated database; all end with the block.

    ``more`` are settings by their variables.
    """
    folder = Path(tempfile.mkdtemp(prefix="remit-"))
    made = [
        Replica(
            database=database,
            policies=policies,
            log=(folder / f"{n}.log").open("ab"),
            more=more,
        )
        for n in range(number)
    ]
    try:
        # The first publishes the policy where there is none yet; the others find it in force.
        for replica in made:
            replica.launch()
        for replica in made:
            replica.wait()
        yield made
    finally:
        for replica in made:
            replica.stop()
        for replica in made:
            replica.wait_for_end()
            replica.log.close()


def key_for(person: str, database: str, policies: Path) -> str:
    """The secret of a new API key."""
    settings = Settings(policies=policies, database=database, master_key=MASTER_KEY)
    with open_keys(settings) as (keys, _):
        return keys.create(subject=person, kind="human", by="attack").secret


def migrate(database: str) -> None:
    """Bring a new database's schema up."""
    upgrade_database(Settings(database=database))
