"""Clients as processes of their own: each follows a plan and tells what it was told.

    python -m tests.attack.clients < plan.json > outcomes.jsonl

A plan is a list of wishes that several threads work through. A wish with a key is sent
again, with the same key and to another replica, until somebody answers it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from tests.attack.history import Told

ROOT = Path(__file__).parents[2]
START_SECONDS = 0.6
"""How long the processes of one attack may take to be there before it begins."""
PAUSE_SECONDS = 0.02
ANSWER_SECONDS = 30.0
GIVE_UP_SECONDS = 90.0
IN_PROGRESS = "in_progress"
"""The first attempt is still at work: to be asked again, as `Retry-After` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One proposal. ``patience`` is how many seconds the first attempt waits for its answer."""

    body: Mapping[str, Any]
    key: str | None = None
    patience: float = ANSWER_SECONDS
    replica: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one process does. ``start_at`` is an instant of the machine's monotonic clock."""

    ports: Sequence[int]
    secret: str
    wishes: Sequence[Wish]
    threads: int = 1
    start_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a wish. ``setbacks`` are the attempts that got no decision, by code."""

    key: str | None
    sent_at: float
    answered_at: float
    status: int = 0
    replayed: bool = False
    answer: Mapping[str, Any] = field(default_factory=dict)
    setbacks: Sequence[str] = ()

    @property
    def told(self) -> Told:
        """The acknowledged decision."""
        return Told(
            resolution=self.answer["id"],
            entry=self.answer["entry"],
            leaf=self.answer["leaf"],
            outcome=self.answer["outcome"],
            policy=self.answer["policy"],
            key=self.key,
            sent_at=self.sent_at,
            answered_at=self.answered_at,
            charged=tuple((budget, version) for budget, version in self.answer["charged"]),
        )


def attack(plans: Sequence[Plan]) -> "Attack":
    """Begin all plans at one instant, each in a process."""
    start_at = time.monotonic() + START_SECONDS
    return Attack([_launched(plan, start_at) for plan in plans])


class Attack:
    """Client processes at work."""

    def __init__(self, processes: Sequence["subprocess.Popen[str]"]) -> None:
        self._processes = processes
        self._said: list[str] = [""] * len(processes)
        self._readers = [Thread(target=self._read, args=(n,)) for n in range(len(processes))]
        for reader in self._readers:
            reader.start()

    @property
    def is_on(self) -> bool:
        return any(process.poll() is None for process in self._processes)

    def outcomes(self) -> list[Outcome]:
        """Wait for everybody; what became of every wish."""
        for reader in self._readers:
            reader.join()
        for process in self._processes:
            assert process.wait() == 0, "a client failed"
        return [Outcome(**json.loads(line)) for said in self._said for line in said.splitlines()]

    def _read(self, number: int) -> None:
        process = self._processes[number]
        assert process.stdout is not None
        self._said[number] = process.stdout.read()
        process.stdout.close()


def _launched(plan: Plan, start_at: float) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-S", "-m", "tests.attack.clients"],  # the standard library will do
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({**asdict(plan), "start_at": start_at}))
    process.stdin.close()
    return process


class Client:
    """The connections of one thread, one for each replica."""

    def __init__(self, ports: Sequence[int], secret: str) -> None:
        self._ports = ports
        self._secret = secret
        self._open: dict[int, HTTPConnection] = {}

    def close(self) -> None:
        """End the connections."""
        for connection in self._open.values():
            connection.close()

    def fulfil(self, wish: Wish) -> Outcome:
        """Send until a decision or a refusal comes; without a key, send once."""
        sent_at, setbacks = time.monotonic(), list[str]()
        for attempt in count():
            patience = ANSWER_SECONDS if attempt else wish.patience
            try:
                status, replayed, answer = self._send(wish, wish.replica + attempt, patience)
            except (OSError, HTTPException) as error:
                setbacks.append(type(error).__name__)
            else:
                if status in {502, 503, 504} or answer.get("code") == IN_PROGRESS:
                    setbacks.append(answer["code"])
                else:
                    return Outcome(
                        key=wish.key,
                        sent_at=sent_at,
                        answered_at=time.monotonic(),
                        status=status,
                        replayed=replayed,
                        answer=shortened(answer) if status == 201 else {"code": answer["code"]},
                        setbacks=setbacks,
                    )
            if wish.key is None or time.monotonic() - sent_at > GIVE_UP_SECONDS:
                break
            time.sleep(PAUSE_SECONDS)
        return Outcome(
            key=wish.key, sent_at=sent_at, answered_at=time.monotonic(), setbacks=setbacks
        )

    def _send(self, wish: Wish, replica: int, patience: float) -> tuple[int, bool, dict[str, Any]]:
        port = self._ports[replica % len(self._ports)]
        connection = self._open.get(port)
        if connection is None:
            connection = self._open[port] = HTTPConnection("127.0.0.1", port)
        try:
            _be_patient(connection, patience)
            connection.request(
                "POST", "/v1/resolutions", json.dumps(wish.body), self._headers(wish)
            )
            response = connection.getresponse()
            answer = _parsed(response.status, response.read())
        except (OSError, HTTPException):
            connection.close()
            raise
        return response.status, response.getheader("Idempotent-Replayed") == "true", answer

    def _headers(self, wish: Wish) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._secret}",
            "Content-Type": "application/json",
        }
        return headers if wish.key is None else {**headers, "Idempotency-Key": f'"{wish.key}"'}


def _parsed(status: int, body: bytes) -> dict[str, Any]:
    """The answer. A balancer that has none says so on a page of its own."""
    if body.startswith(b"{"):
        found: dict[str, Any] = json.loads(body)
        return found
    return {"code": str(status)}


def _be_patient(connection: HTTPConnection, seconds: float) -> None:
    if connection.sock is None:
        connection.timeout = ANSWER_SECONDS
        connection.connect()
    connection.sock.settimeout(seconds)


def shortened(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a history needs of a decision."""
    approved = answer["outcome"] == "approved"
    return {
        "id": answer["id"],
        "entry": answer["entry"]["id"],
        "leaf": answer["entry"]["leaf"],
        "outcome": answer["outcome"],
        "policy": answer["policy"]["version"],
        "charged": [[line["budget"], line["version"]] for line in answer["budgets"] if approved],
    }


def _wishes(queue: "SimpleQueue[Wish]") -> Iterator[Wish]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def main() -> None:
    """Follow the plan on standard input."""
    given = json.load(sys.stdin)
    plan = Plan(**{**given, "wishes": [Wish(**wish) for wish in given["wishes"]]})
    queue: SimpleQueue[Wish] = SimpleQueue()
    for wish in plan.wishes:
        queue.put(wish)
    printing = Lock()

    def work() -> None:
        client = Client(plan.ports, plan.secret)
        for wish in _wishes(queue):
            line = json.dumps(asdict(client.fulfil(wish)))
            with printing:
                sys.stdout.write(line + "\n")
        client.close()

    threads = [Thread(target=work) for _ in range(plan.threads)]
    time.sleep(max(0.0, plan.start_at - time.monotonic()))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
