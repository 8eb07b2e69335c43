"""The rounds of a long run, kept in a file, so that it may stop and go on another day."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SERVICE: Final = Path(__file__).parents[1] / "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of one round. ``faults`` are the sentences of the judge."""

    database: str
    requests: int
    decisions: int
    approved: int
    retried: int
    kills: int
    seconds: float
    faults: Sequence[str]


class Tally:
    """The rounds so far, one a line. Without a file they are forgotten with the process.

    A file holds the rounds of one state of the service's code: what was decided by other
    code proves nothing of this one.
    """

    def __init__(self, path: Path | None, code: str | None = None) -> None:
        """Read what is there. Raises `SystemExit` where it is of other code."""
        self.rounds: list[Round] = []
        self._path = path
        self._code = code_digest() if code is None else code
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._read(json.loads(line))

    def add(self, done: Round) -> None:
        """Keep a round; it is in the file when this returns."""
        self.rounds.append(done)
        if self._path is not None:
            line = json.dumps({"code": self._code, **asdict(done)})
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    @property
    def decisions(self) -> int:
        """How many were made in all."""
        return sum(one.decisions for one in self.rounds)

    def _read(self, kept: dict[str, object]) -> None:
        if kept.pop("code") != self._code:
            raise SystemExit(
                f"{self._path} has rounds of other code: name a new file, or delete it"
            )
        self.rounds.append(Round(**kept))  # type: ignore[arg-type]


def code_digest(folder: Path = SERVICE) -> str:
    """SHA-256 over the names and bytes of the service's modules."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()
