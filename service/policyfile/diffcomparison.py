"""One role and one resolution compared: the cells that differ, gathered into changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from service.core.expression import FactValue
from service.policyfile.diffcells import Cell, TooManyCells, cells
from service.policyfile.diffchange import Change, Direction, Unsure, Witness
from service.policyfile.diffcube import cubes_of
from service.policyfile.diffgift import (
    Gift,
    evidence_sets,
    gift_of,
    lacking_size,
    less_and_more,
)
from service.policyfile.diffjudge import Verdict
from service.policyfile.diffrule import Books, Case, known_of
from service.policyfile.diffsample import computed, facts_of, limits_at, reads_of, samples
from service.policyfile.diffspace import UNDECIDED

_Pair: TypeAlias = tuple[Gift, Gift]


class _Key(NamedTuple):
    """What is the same in all cells of a change."""

    before: Gift
    after: Gift
    direction: Direction


@dataclass(slots=True)
class _Found:
    """The cells of one change as they come."""

    witness: Witness
    is_exact: bool = True
    rules: dict[str, None] = field(default_factory=dict)
    cells: list[tuple[int, ...]] = field(default_factory=list)


class _Seen(NamedTuple):
    """How two gifts differ, and where that shows."""

    direction: Direction
    witness: Witness


_AllSeen: TypeAlias = Mapping[frozenset[str], _Seen]


class Comparison:
    """One case. What could not be said is among ``unsure`` once `changes` was asked."""

    def __init__(self, books: Books, case: Case) -> None:
        """Nothing is compared yet."""
        self._books = books
        self._case = case
        self._asked = evidence_sets(it.met.needs for it in case.rules if not it.met.vetoes)
        self._found: dict[tuple[frozenset[str], _Key], _Found] = {}
        self._known: dict[object, tuple[Mapping[frozenset[str], _Pair], _AllSeen]] = {}
        self.unsure: list[Unsure] = []

    def changes(self) -> list[Change]:
        """Every change of the case."""
        try:
            for cell in cells(self._case):
                self._look_at(cell)
        except TooManyCells:
            self._doubt("its conditions read too much to be taken apart in full")
        gathered: dict[tuple[_Key, frozenset[tuple[int, ...]]], list[frozenset[str]]] = {}
        for brought, key in self._found:
            where = frozenset(self._found[brought, key].cells)
            gathered.setdefault((key, where), []).append(brought)
        return [self._change(key, brought) for (key, _), brought in gathered.items()]

    def _look_at(self, cell: Cell) -> None:
        """Compare what may be given with each set of evidence."""
        differing, seen = self._compared(cell)
        for brought, pair in differing.items():
            if brought in seen:
                self._note(cell, brought, pair, seen[brought])
            else:
                self._doubt("computed limits that differ in text came to the same at each sample")

    def _compared(self, cell: Cell) -> tuple[Mapping[frozenset[str], _Pair], _AllSeen]:
        """The gifts that differ, and how. Cells with the same parts are compared once.

        What a computed limit comes to depends on what it reads, and on nothing else.
        """
        read = tuple(
            cell.at[self._case.space.places[name]]
            for name in sorted(reads_of(cell))
            if name in self._case.space.places
        )
        key = (cell.old, cell.new, read)
        if key not in self._known:
            pairs = {it: (gift_of(cell.old, it), gift_of(cell.new, it)) for it in self._asked}
            differing = {it: pair for it, pair in pairs.items() if pair[0] != pair[1]}
            look = self._tried if cell.formulas else self._plain
            self._known[key] = (differing, look(cell, differing))
        return self._known[key]

    def _plain(
        self, cell: Cell, differing: Mapping[frozenset[str], _Pair]
    ) -> dict[frozenset[str], _Seen]:
        facts = facts_of(self._books, self._case, cell)
        return {
            it: _Seen(_direction([pair]), _witness(facts, pair)) for it, pair in differing.items()
        }

    def _tried(
        self, cell: Cell, differing: Mapping[frozenset[str], _Pair]
    ) -> dict[frozenset[str], _Seen]:
        """How the gifts differ at samples of what the formulas read."""
        found: dict[frozenset[str], list[tuple[Mapping[str, FactValue], _Pair]]] = {}
        facts = facts_of(self._books, self._case, cell)
        for sample in samples(self._books, self._case, cell):
            for brought, pair in self._computed(cell, differing, sample):
                found.setdefault(brought, []).append(({**facts, **sample}, pair))
        return {
            brought: _Seen(
                _direction([pair for _, pair in tried]), _witness(*tried[len(tried) // 2])
            )
            for brought, tried in found.items()
        }

    def _computed(
        self,
        cell: Cell,
        differing: Mapping[frozenset[str], _Pair],
        sample: Mapping[str, FactValue],
    ) -> Iterator[tuple[frozenset[str], _Pair]]:
        """The gifts that differ where each formula has its value."""
        limits = limits_at(self._books, cell.formulas, sample)
        old, new = (
            [part for part in (computed(it, limits, size.worth) for it in parts) if part]
            for parts, size in zip((cell.old, cell.new), self._case.sizes, strict=True)
        )
        for brought in differing:
            pair = (gift_of(old, brought), gift_of(new, brought))
            if pair[0] != pair[1]:
                yield brought, pair

    def _note(self, cell: Cell, brought: frozenset[str], pair: _Pair, seen: _Seen) -> None:
        key = _Key(*pair, seen.direction)
        found = self._found.setdefault((brought, key), _Found(seen.witness))
        found.is_exact = found.is_exact and not cell.formulas and self._is_exact(cell)
        found.cells.append(cell.at)
        for rule in self._case.differing:
            if rule.judge(cell.at) != Verdict.FALSE:
                found.rules.update(dict.fromkeys(rule.met.ids))

    def _is_exact(self, cell: Cell) -> bool:
        axes = self._case.space.axes
        decided = [axes[place] for place, it in enumerate(cell.at) if it != UNDECIDED]
        return self._case.is_exact and all(axis.is_exact for axis in decided)

    def _doubt(self, why: str) -> None:
        case = self._case
        rules = tuple(dict.fromkeys(it for rule in case.differing for it in rule.met.ids))
        doubt = Unsure(role=case.role, resolution=case.resolution, why=why, rules=rules)
        if doubt not in self.unsure:
            self.unsure.append(doubt)

    def _change(self, key: _Key, brought: list[frozenset[str]]) -> Change:
        case = self._case
        found = [self._found[it, key] for it in brought]
        return Change(
            role=case.role,
            resolution=case.resolution,
            by_unit=case.sizes[0].worth is not None,
            asked=tuple(self._asked),
            brought=tuple(brought),
            before=key.before,
            after=key.after,
            direction=key.direction,
            space=case.space,
            where=tuple(cubes_of(case.space, found[0].cells, known_of(case))),
            witness=found[0].witness,
            rules=tuple(dict.fromkeys(rule for it in found for rule in it.rules)),
            is_own=any(rule.met.is_own for rule in case.differing),
            is_exact=all(it.is_exact for it in found),
        )


def _direction(pairs: list[_Pair]) -> Direction:
    """Whether something is lost, gained, or both."""
    sides = [less_and_more(*pair) for pair in pairs]
    less, more = any(it for it, _ in sides), any(it for _, it in sides)
    return "other" if less and more else "more" if more else "less"


def _witness(facts: Mapping[str, FactValue], pair: _Pair) -> Witness:
    gained = lacking_size(pair[1], pair[0])
    if gained is not None:
        return Witness(facts=facts, size=gained, passes="after")
    return Witness(facts=facts, size=lacking_size(pair[0], pair[1]) or 0, passes="before")
