"""The re-count: every budget added up anew from the entries alone.

Merkle shows that nothing was altered; this shows that no budget was ever over. A row's
lines are taken in the order of its versions, which is the order in which they were
committed, wherever they stand in the log: a line that comes early waits for the ones
before it.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from service.audit.finding import Code, Finding, Findings
from service.audit.line import Line, Roll, Shape
from service.audit.rolling import Change, Window, is_consistent

WAITING_MAX: Final = 20_000
"""How many versions may wait on one row before those that they wait for are called missing."""

GENERATION_LINES: Final = 100_000
"""How long a row's past is kept, for lines that only read it and come late."""

Waiting: TypeAlias = tuple[Line, int, str]
"""A line, and the index and the id of its entry."""


class Row:
    """One budget row at its latest version.

    ``past`` is what was used before each of the latest changes, or what each did to a
    rolling window. A row is ``spoilt`` once its window cannot be re-added any more.
    """

    __slots__ = ("generation", "past", "shape", "spoilt", "used", "version", "waiting", "window")

    def __init__(self, shape: Shape) -> None:
        """Version 0, of which nothing is used."""
        self.shape = shape
        self.version = 0
        self.used = 0
        self.window = Window() if shape[2] else None
        self.past: list[int | Change] = []
        self.waiting: dict[int, list[Waiting]] | None = None
        self.generation = 0
        self.spoilt = False


class Recount:
    """Adds lines up as they come. Memory grows with the rows, not with the lines."""

    def __init__(self, findings: Findings) -> None:
        """No row is known yet."""
        self._findings = findings
        self._rows: dict[str, Row] = {}
        self._lines = 0
        self._turns_at = GENERATION_LINES
        self._generation = 0
        self._touched: tuple[list[Row], list[Row]] = ([], [])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def lines(self) -> int:
        """How many lines were added up."""
        return self._lines

    def standing(self) -> Iterator[tuple[str, int, int]]:
        """Each row's name, its version, and what its last change left used."""
        for name, row in self._rows.items():
            yield name, row.version, row.used

    def add(self, lines: Iterable[Line], index: int, entry: str) -> None:
        """Take the lines of one entry."""
        rows = self._rows
        for line in lines:
            name, stands, changed, before, after, shape, roll = line
            self._lines += 1
            row = rows.get(name)
            if row is None:
                row = rows[name] = Row(shape)
            # Nearly every line: the next version of a row that does not roll.
            if stands == row.version and roll is None and before == row.used:
                if changed:  # as `_change` does, without the call
                    row.version += 1
                    row.used = after
                    row.past.append(before)
                    if row.generation != self._generation:
                        self._touch(row)
                if shape == row.shape and row.waiting is None:
                    continue
                self._follow(row, (line, index, entry))
            else:
                self._place(row, (line, index, entry))
        if self._lines >= self._turns_at:
            self._turn()

    def finish(self) -> None:
        """No further line will come: what still waits waits for something that is not there."""
        for row in self._rows.values():
            while row.waiting:
                self._skip(row)

    def _change(self, row: Row, after: int, past: int | Change) -> None:
        """The next version of a row."""
        row.version += 1
        row.used = after
        row.past.append(past)
        if row.generation != self._generation:
            self._touch(row)

    def _touch(self, row: Row) -> None:
        """Remember a row that changed in this generation."""
        row.generation = self._generation
        self._touched[0].append(row)

    def _follow(self, row: Row, waiting: Waiting) -> None:
        """What comes of a line that was taken: the row may be another, others may wait for it."""
        shape = waiting[0][5]
        if shape != row.shape:
            was, now = (f"{it[0]} from {it[3]} until {it[4]}" for it in (row.shape, shape))
            self._found(Code.BUDGET_ROW_CHANGED, f"the row was of {was}, and is of {now}", waiting)
        if row.waiting:
            self._catch_up(row)

    def _place(self, row: Row, waiting: Waiting) -> None:
        """Any line: its turn may have come, may come, or may be over."""
        stands = waiting[0][1]
        if stands == row.version:
            self._take(row, waiting)
            self._follow(row, waiting)
        elif stands > row.version:
            self._wait(row, waiting)
        else:
            self._late(row, waiting)

    def _take(self, row: Row, waiting: Waiting) -> None:
        """A line that stands on the row's latest version."""
        _, _, changed, before, after, _, roll = waiting[0]
        if row.window is not None and roll is not None:
            self._take_rolling(row, row.window, roll, waiting)
            return
        if before != row.used and not row.spoilt:
            self._mismatch(row, waiting, "finds", before, row.used)
        if changed:
            self._change(row, after, before)

    def _take_rolling(self, row: Row, window: Window, roll: Roll, waiting: Waiting) -> None:
        _, _, changed, before, after, _, _ = waiting[0]
        if not row.spoilt and not is_consistent(window, before, roll):
            self._mismatch(row, waiting, "finds", before, window.used(roll[0], roll[1]))
        if not changed:
            return
        self._change(row, after, window.change(roll))
        used = window.used(roll[0], roll[1])
        if not row.spoilt and (used != after if window.exact else used > after):
            self._mismatch(row, waiting, "leaves", after, used)

    def _mismatch(self, row: Row, waiting: Waiting, verb: str, said: int, due: int) -> None:
        what = f"it {verb} {said} used of {row.shape[0]}, and the entries add up to {due}"
        self._found(Code.BUDGET_MISMATCH, what, waiting)
        row.spoilt = row.window is not None  # what follows from this is no further finding

    def _wait(self, row: Row, waiting: Waiting) -> None:
        if row.waiting is None:
            row.waiting = {}
        row.waiting.setdefault(waiting[0][1], []).append(waiting)
        if len(row.waiting) > WAITING_MAX:
            self._skip(row)

    def _catch_up(self, row: Row) -> None:
        """Take every line that no longer waits: first those that only read a version."""
        while row.waiting and row.version in row.waiting:
            version = row.version
            for waiting in sorted(row.waiting.pop(version), key=lambda each: each[0][2]):
                if row.version == version:
                    self._take(row, waiting)
                else:
                    self._twice(row, waiting)
        row.waiting = row.waiting or None

    def _skip(self, row: Row) -> None:
        """Go on behind a gap."""
        if not row.waiting:
            return
        version = min(row.waiting)
        first = row.waiting[version][0]
        missing = f"version {row.version + 1}"
        if version > row.version + 1:
            missing = f"versions {row.version + 1} to {version}"
        self._found(Code.BUDGET_GAP, f"no entry made {missing} of {row.shape[0]}", first)
        row.past.clear()
        row.version, row.used = version, first[0][3]
        row.spoilt = row.window is not None
        self._catch_up(row)

    def _late(self, row: Row, waiting: Waiting) -> None:
        """A line on a version that has been left behind: a second change, or a late read."""
        _, stands, changed, before, _, _, roll = waiting[0]
        if changed or stands < 0:
            self._twice(row, waiting)
            return
        behind = row.version - stands
        if behind > len(row.past) or row.spoilt:
            return  # it only read, and too long ago for anybody to say what it should have found
        past = row.past[-behind:]
        if row.window is not None and roll is not None:
            window = row.window.undone([change for change in past if isinstance(change, Change)])
            if not is_consistent(window, before, roll):
                self._mismatch(row, waiting, "finds", before, window.used(roll[0], roll[1]))
        elif isinstance(past[0], int) and before != past[0]:
            self._mismatch(row, waiting, "finds", before, past[0])

    def _twice(self, row: Row, waiting: Waiting) -> None:
        what = f"version {waiting[0][1] + 1} of {row.shape[0]} was made before"
        self._found(Code.BUDGET_VERSION_TWICE, what, waiting)

    def _found(self, code: Code, what: str, waiting: Waiting) -> None:
        line, index, entry = waiting
        self._findings.add(Finding(code, what, index, entry, line[0]))

    def _turn(self) -> None:
        """Forget the past of rows that were last changed a generation ago."""
        now, before = self._touched
        for row in before:
            if row.generation != self._generation:
                row.past.clear()
        for row in now:
            del row.past[:-GENERATION_LINES]
        self._touched = ([], now)
        self._generation += 1
        self._turns_at = self._lines + GENERATION_LINES
