"""The most that several kinds of approval can add up to under caps that they share.

A linear program over exact fractions, by the simplex method with Bland's rule (Bland, New
finite pivoting rules for the simplex method, 1977), which always ends; whole numbers of
approvals by branching. Where branching would take too long the bound stays an upper bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

NODES_MAX: Final = 200
"""How many branches are looked at; then the bound is what is known by then."""


class Kind(NamedTuple):
    """One kind of approval: the most that one may give, and the caps that it counts towards.

    ``cap`` ``None`` has no end; with ``is_exact`` every approval gives just that.
    """

    cap: int | None
    is_exact: bool
    money: frozenset[str]
    counts: frozenset[str]

    @property
    def is_unbounded(self) -> bool:
        """Whether nothing ends it: no cap of money, and no count of capped approvals."""
        return not self.money and (self.cap is None or not self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """The bound, the kinds that reach it, and the caps under which no more fits by then.

    ``is_exact`` says that whole approvals reach it, as far as these caps go.
    """

    amount: int
    used: tuple[int, ...]
    tight: tuple[str, ...]
    is_exact: bool


def most(kinds: Sequence[Kind], limits: Mapping[str, int]) -> Most:
    """The most that ``kinds``, none of which is unbounded, can give under the ``limits``."""
    program = _Program(kinds, limits)
    return program.solved()


class _Column(NamedTuple):
    """A variable: money of a kind, or its approvals (``each`` is what one of them gives)."""

    kind: int
    counts: bool
    each: int


class _Solution(NamedTuple):
    value: Fraction
    columns: tuple[Fraction, ...]


_Ends: TypeAlias = dict[int, tuple[int, int | None]]
"""From and to which number of approvals a branch looks, by the place of the variable."""


class _Program:
    def __init__(self, kinds: Sequence[Kind], limits: Mapping[str, int]) -> None:
        self._kinds = kinds
        self._limits = limits
        self._columns: list[_Column] = []
        for number, kind in enumerate(kinds):
            if kind.is_exact:
                self._columns.append(_Column(number, counts=True, each=kind.cap or 0))
            else:
                self._columns.append(_Column(number, counts=False, each=1))
                if kind.counts:
                    self._columns.append(_Column(number, counts=True, each=0))
        self._rows = [self._row(name) for name in limits]
        self._bounds = [Fraction(limit) for limit in limits.values()]
        self._tie_money_to_approvals()

    def _row(self, name: str) -> list[Fraction]:
        """How much of a cap one of each variable uses."""
        row = []
        for column in self._columns:
            kind = self._kinds[column.kind]
            uses = 0
            if name in kind.money and (kind.is_exact or not column.counts):
                uses = column.each
            elif name in kind.counts and column.counts:
                uses = 1
            row.append(Fraction(uses))
        return row

    def _tie_money_to_approvals(self) -> None:
        """No more money than the approvals of a kind may give."""
        for place, column in enumerate(self._columns):
            kind = self._kinds[column.kind]
            if kind.counts and not kind.is_exact and not column.counts and kind.cap is not None:
                row = [Fraction(0)] * len(self._columns)
                row[place], row[place + 1] = Fraction(1), Fraction(-kind.cap)
                self._rows.append(row)
                self._bounds.append(Fraction(0))

    def solved(self) -> Most:
        """Branch on approvals that come out in parts, the most promising branch first."""
        whole: _Solution | None = None
        root = self._relaxed({})
        waiting: list[tuple[_Solution, _Ends]] = [] if root is None else [(root, {})]
        seen = 0
        while waiting and seen < NODES_MAX:
            waiting.sort(key=lambda it: it[0].value)
            solution, ends = waiting.pop()
            seen += 1
            if whole is not None and solution.value <= whole.value:
                continue
            place = self._broken(solution)
            if place is None:
                whole = solution
                continue
            waiting.extend(self._branches(solution, ends, place))
        open_values = [solution.value for solution, _ in waiting]
        bound = max([*open_values, *([] if whole is None else [whole.value])], default=Fraction(0))
        best = whole or root
        is_exact = whole is not None and bound == whole.value and bound.denominator == 1
        return self._told(best, int(bound), is_exact=is_exact)

    def _branches(
        self, solution: _Solution, ends: _Ends, place: int
    ) -> list[tuple[_Solution, _Ends]]:
        low, high = ends.get(place, (0, None))
        below = solution.columns[place].__floor__()
        found: list[tuple[_Solution, _Ends]] = []
        for bounds in ((low, below), (below + 1, high)):
            narrowed = {**ends, place: bounds}
            relaxed = self._relaxed(narrowed)
            if relaxed is not None:
                found.append((relaxed, narrowed))
        return found

    def _broken(self, solution: _Solution) -> int | None:
        """A number of approvals that is not whole."""
        for place, column in enumerate(self._columns):
            if column.counts and solution.columns[place].denominator != 1:
                return place
        return None

    def _relaxed(self, ends: Mapping[int, tuple[int, int | None]]) -> _Solution | None:
        """The best with parts of approvals allowed, within ends; ``None`` where nothing fits."""
        lows = [Fraction(ends.get(place, (0, None))[0]) for place in range(len(self._columns))]
        rows, bounds = list(self._rows), list(self._bounds)
        for place, (_, high) in ends.items():
            if high is not None:
                row = [Fraction(0)] * len(self._columns)
                row[place] = Fraction(1)
                rows.append(row)
                bounds.append(Fraction(high))
        left = [
            bound - sum((a * low for a, low in zip(row, lows, strict=True)), Fraction(0))
            for row, bound in zip(rows, bounds, strict=True)
        ]
        # Only approvals have a least number, and where those are tied to money there is more
        # room for it: what falls below nothing is a cap that so many approvals exceed.
        return None if any(bound < 0 for bound in left) else self._optimum(rows, left, lows)

    def _optimum(
        self, rows: list[list[Fraction]], bounds: list[Fraction], lows: list[Fraction]
    ) -> _Solution:
        gains = [
            Fraction(column.each if self._kinds[column.kind].is_exact else not column.counts)
            for column in self._columns
        ]
        found = simplex(rows, bounds, gains)
        columns = tuple(x + low for x, low in zip(found, lows, strict=True))
        value = sum((g * x for g, x in zip(gains, columns, strict=True)), Fraction(0))
        return _Solution(value, columns)

    def _told(self, best: _Solution | None, amount: int, *, is_exact: bool) -> Most:
        columns = () if best is None else best.columns
        used = {self._columns[place].kind for place, x in enumerate(columns) if x > 0}
        tight = [
            name
            for name, row, bound in zip(self._limits, self._rows, self._bounds, strict=False)
            if columns and _is_tight(row, columns, bound)
        ]
        return Most(amount=amount, used=tuple(sorted(used)), tight=tuple(tight), is_exact=is_exact)


def _is_tight(row: Sequence[Fraction], columns: Sequence[Fraction], bound: Fraction) -> bool:
    """Whether not one more of anything fits under a cap."""
    uses = [each for each in row if each > 0]
    left = bound - sum((a * x for a, x in zip(row, columns, strict=True)), Fraction(0))
    return bool(uses) and left < min(uses)


def simplex(
    rows: Sequence[Sequence[Fraction]], bounds: Sequence[Fraction], gains: Sequence[Fraction]
) -> list[Fraction]:
    """The x ≥ 0 with the largest ``gains · x`` under ``rows · x ≤ bounds``; bounds are ≥ 0.

    Raises `OverflowError` where there is no largest.
    """
    count, slack = len(gains), len(rows)
    table = [
        [*row, *(Fraction(place == number) for place in range(slack)), bound]
        for number, (row, bound) in enumerate(zip(rows, bounds, strict=True))
    ]
    goal = [*(-gain for gain in gains), *([Fraction(0)] * (slack + 1))]
    basis = list(range(count, count + slack))
    while True:
        entering = next((place for place in range(count + slack) if goal[place] < 0), None)
        if entering is None:
            break
        leaving = _leaving(table, basis, entering)
        _pivot(table, goal, leaving, entering)
        basis[leaving] = entering
    found = [Fraction(0)] * (count + slack)
    for number, place in enumerate(basis):
        found[place] = table[number][-1]
    return found[:count]


def _leaving(table: list[list[Fraction]], basis: list[int], entering: int) -> int:
    ratios = [
        (row[-1] / row[entering], basis[number], number)
        for number, row in enumerate(table)
        if row[entering] > 0
    ]
    if not ratios:
        raise OverflowError("nothing bounds it")
    return min(ratios)[2]


def _pivot(table: list[list[Fraction]], goal: list[Fraction], leaving: int, entering: int) -> None:
    pivot = table[leaving][entering]
    table[leaving] = [value / pivot for value in table[leaving]]
    for row in (*(it for number, it in enumerate(table) if number != leaving), goal):
        factor = row[entering]
        if factor:
            row[:] = [a - factor * b for a, b in zip(row, table[leaving], strict=True)]
