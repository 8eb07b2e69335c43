"""The walk over the cells of one case: where, in the space of requests, two sides differ."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from service.core.rulebook import MoneyLimit
from service.policyfile.diffaxis import Absent, Span
from service.policyfile.diffgift import Part, part_of, size_max
from service.policyfile.diffjudge import Verdict
from service.policyfile.diffrule import BOTH, NEW, OLD, Case, Placed, known_of
from service.policyfile.diffspace import UNDECIDED

CELLS_MAX: Final = 5_000
"""How many cells of one role and resolution are looked at."""


class TooManyCells(Exception):  # noqa: N818 - a bound, and no failure of anything
    """The conditions of a case read too much to be taken apart in full."""


class Cell(NamedTuple):
    """A place where the sides differ, or may: for each axis a class, or any.

    ``formulas`` are the computed limits that stand there, by their text.
    """

    at: tuple[int, ...]
    old: tuple[Part, ...]
    new: tuple[Part, ...]
    formulas: tuple[MoneyLimit, ...]


def cells(case: Case) -> Iterator[Cell]:
    """Every cell in which the parts of the two sides are not the same.

    A branch is left as soon as no rule that only one side has can make a difference in it.
    Raises `TooManyCells`.
    """
    return _Walk(case).split(case.space.start(known_of(case)))


class _Walk:
    """One walk. The size's own axis is not split: a cell has all sizes."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rules = case.rules
        self._telling = [it for it in case.rules if it.met.sides != BOTH or it.met.vetoes]
        self._seen = 0

    def split(self, at: list[int]) -> Iterator[Cell]:
        """The differing cells below a place."""
        verdicts = [rule.judge(at) for rule in self._telling]
        if self._is_settled(verdicts):
            return
        place = self._next_axis(at, verdicts)
        if place is None:
            yield from self._leaf(at)
            return
        for number in range(len(self._case.space.axes[place].classes)):
            at[place] = number
            yield from self.split(at)
        at[place] = UNDECIDED

    def _is_settled(self, verdicts: Sequence[int]) -> bool:
        """Whether nothing that is still open can make the two sides differ.

        Grants that both sides have alike are not asked: they can make none.
        """
        effects: dict[int, set[object]] = {OLD: set(), NEW: set()}
        for rule, verdict in zip(self._telling, verdicts, strict=True):
            sides = rule.met.sides
            if sides == BOTH:
                if rule.met.vetoes and verdict in (Verdict.TRUE, Verdict.ERROR):
                    return True
            elif verdict == Verdict.OPEN:
                return False
            elif _has_effect(rule, verdict):
                effects[sides].add(_effect(rule))
        return effects[OLD] == effects[NEW]

    def _next_axis(self, at: Sequence[int], verdicts: Sequence[int]) -> int | None:
        """What to decide next: what an open rule of one side reads, or else any open rule."""
        for rule, verdict in zip(self._telling, verdicts, strict=True):
            if verdict == Verdict.OPEN and rule.met.sides != BOTH:
                place = self._undecided(at, rule)
                if place is not None:
                    return place
        for rule in self._rules:
            if rule.met.sides == BOTH and rule.judge(at) == Verdict.OPEN:
                place = self._undecided(at, rule)
                if place is not None:
                    return place
        return None

    def _undecided(self, at: Sequence[int], rule: Placed) -> int | None:
        """The first axis that a rule reads and that is not decided; never that of the size."""
        size_place = self._case.space.size_place
        for place in rule.places:
            if at[place] == UNDECIDED and place != size_place:
                return place
        return None

    def _leaf(self, at: list[int]) -> Iterator[Cell]:
        self._seen += 1
        if self._seen > CELLS_MAX:
            raise TooManyCells
        limits: dict[str, MoneyLimit] = {}
        old, new = self._parts(at, OLD, limits), self._parts(at, NEW, limits)
        if set(old) != set(new):
            yield Cell(tuple(at), old, new, tuple(limits.values()))

    def _parts(self, at: list[int], side: int, limits: dict[str, MoneyLimit]) -> tuple[Part, ...]:
        """What a side gives in a cell."""
        case = self._case
        if self._lacks(at, case.worth_reads[side == NEW]):
            return ()
        place = case.space.size_place
        if place is None:
            size = case.sizes[side == NEW]
            return tuple(self._standing(at, side, (size.least, size_max(size)), limits))
        found: list[Part] = []
        for number, span in enumerate(case.space.axes[place].classes):
            at[place] = number
            found.extend(self._standing(at, side, _ends(span, case, side), limits))
        at[place] = UNDECIDED
        return tuple(found)

    def _standing(
        self, at: Sequence[int], side: int, span: tuple[int, int], limits: dict[str, MoneyLimit]
    ) -> Iterator[Part]:
        """The parts of the grants that stand, unless something is prohibited there."""
        mine = [rule for rule in self._rules if rule.met.sides & side]
        if any(rule.met.vetoes and rule.judge(at) != Verdict.FALSE for rule in mine):
            return
        size = self._case.sizes[side == NEW]
        for rule in mine:
            met = rule.met
            if met.vetoes or rule.judge(at) != Verdict.TRUE:
                continue
            if met.limit is not None and not isinstance(met.limit, int):
                if self._lacks(at, met.limit.mentions):
                    continue
                limits[met.limit.text.strip()] = met.limit
            part = part_of(met.limit, size, span, met.needs, exact=met.exact)
            if part is not None:
                yield part

    def _lacks(self, at: Sequence[int], names: frozenset[str]) -> bool:
        """Whether the cell says of one of these facts that it is absent."""
        space = self._case.space
        places = [space.places[name] for name in names if name in space.places]
        return any(
            at[place] != UNDECIDED and isinstance(space.axes[place].classes[at[place]], Absent)
            for place in places
        )


def _has_effect(rule: Placed, verdict: int) -> bool:
    if rule.met.vetoes:
        return verdict != Verdict.FALSE
    return verdict == Verdict.TRUE


def _effect(rule: Placed) -> object:
    """What a standing rule does: two rules with the same effect are as good as one."""
    met = rule.met
    if met.vetoes:
        return "veto"
    limit = met.limit if met.limit is None or isinstance(met.limit, int) else met.limit.text.strip()
    return (met.needs, limit, met.exact)


def _ends(span: object, case: Case, side: int) -> tuple[int, int]:
    """The first and the last size of a class of the size's axis."""
    size = case.sizes[side == NEW]
    most = size_max(size)
    if not isinstance(span, Span):
        return size.least, most
    low = size.least if span.low is None else int(span.low)
    return low, most if span.high is None else min(int(span.high), most)
