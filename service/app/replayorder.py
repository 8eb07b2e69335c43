"""Entries in the order in which they changed the budgets.

Ids sort by the time at which a transaction began. Where several processes decide at once, one
that began earlier may have changed a row later: the version of the row tells.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from service.app.records import EntryRecord

WAITING_MAX: Final = 1_000
"""How many entries may wait for one that was to come before them."""

ROWS_MAX: Final = 500_000
"""How many rows are remembered; beyond, order is by id alone for those forgotten."""


Entry: TypeAlias = tuple[EntryRecord, Mapping[str, Any]]
"""An entry with its body."""


class _Step(NamedTuple):
    entry: Entry
    rows: tuple[tuple[str, int, int], ...]


def in_order(entries: Iterable[Entry], *, is_whole: bool) -> Iterator[Entry]:
    """The same entries; none before another that left a budget row as this one found it.

    ``is_whole`` says that the log begins with the first. An entry that nothing comes before
    within reach is let through as it is.
    """
    return _Order(is_whole=is_whole).run(entries)


class _Order:
    def __init__(self, *, is_whole: bool) -> None:
        self._is_whole = is_whole
        self._versions: dict[str, int] = {}
        self._waiting: list[_Step] = []

    def run(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            step = _Step(entry, tuple(rows_of(*entry)))
            if not self._waiting and self._is_next(step):
                yield self._passed(step)
                continue
            self._waiting.append(step)
            yield from self._let_through()
            if len(self._waiting) > WAITING_MAX:
                yield self._passed(self._waiting.pop(0))
        while self._waiting:
            yield self._passed(self._waiting.pop(0))
            yield from self._let_through()

    def _let_through(self) -> Iterator[Entry]:
        """Every waiting entry whose turn it is; of one case never a later one first."""
        moved = True
        while moved:
            moved = False
            about: set[str] = set()
            for step in list(self._waiting):
                if step.entry[0].about not in about and self._is_next(step):
                    self._waiting.remove(step)
                    yield self._passed(step)
                    moved = True
                    break
                about.add(step.entry[0].about)

    def _is_next(self, step: _Step) -> bool:
        for row, before, _ in step.rows:
            known = self._versions.get(row)
            if known is None and self._is_whole and before > 0:
                return False
            if known is not None and known < before:
                return False
        return True

    def _passed(self, step: _Step) -> Entry:
        for row, _, after in step.rows:
            self._versions[row] = max(after, self._versions.get(row, 0))
        if len(self._versions) > ROWS_MAX:
            self._versions.clear()
            self._is_whole = False
        return step.entry


def rows_of(entry: EntryRecord, body: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """The budget rows of an entry, with their versions before and after it."""
    decided = body.get("decision") if entry.kind == "answer" else body
    for line in (decided or {}).get("budgets", ()):
        changed = bool(line["charged"] or line.get("held") or line.get("settled"))
        yield line["row"], line["version"] - changed, line["version"]
