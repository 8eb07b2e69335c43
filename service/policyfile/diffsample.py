"""Facts that stand for a cell: examples that people can check, and where formulas are tried."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import prod
from typing import Final, TypeAlias

from service.core.expression import FactValue
from service.core.rulebook import Fact, FactType, MoneyLimit
from service.policyfile.celvocabulary import ALWAYS_OPTIONAL
from service.policyfile.diffaxis import Absent, Axis, Class, Flags, Ordered, Others, Span, Word
from service.policyfile.diffcells import Cell
from service.policyfile.diffgift import Part
from service.policyfile.diffrule import Books, Case
from service.policyfile.diffspace import UNDECIDED
from service.policyfile.diffterms import EPOCH, MICROSECOND

SAMPLES_MAX: Final = 128
"""At how many combinations of facts two formulas are compared."""

Sample: TypeAlias = Mapping[str, FactValue]


def samples(books: Books, case: Case, cell: Cell) -> Iterator[Sample]:
    """Values of everything that the cell's formulas read: the ends of classes, and round sums."""
    reads = sorted(reads_of(cell))
    amounts = _amounts(cell)
    offered = [_values(books, case, cell, name, amounts) for name in reads]
    total = prod(len(values) for values in offered)
    for number in range(min(total, SAMPLES_MAX)):
        chosen = _picked(offered, number * total // min(total, SAMPLES_MAX))
        yield {name: value for name, value in zip(reads, chosen, strict=True) if value is not None}


def reads_of(cell: Cell) -> frozenset[str]:
    """What the computed limits of a cell read."""
    return frozenset(
        name for it in cell.formulas if not isinstance(it, int) for name in it.mentions
    )


def facts_of(books: Books, case: Case, cell: Cell) -> dict[str, FactValue]:
    """A value for each name that the cell decides and that is there."""
    found: dict[str, FactValue] = {}
    for place, number in enumerate(cell.at):
        axis = case.space.axes[place]
        if number != UNDECIDED and axis.is_exact:
            value = _fact_value(books, axis.name, axis.classes[number])
            if value is not None:
                found[axis.name] = value
    return found


def computed(part: Part, limits: Mapping[str, int | None], worth: int | None) -> Part | None:
    """A part with its formula's value for a limit; ``None`` where there is none."""
    if part.formula is None:
        return part
    limit = limits[part.formula]
    if limit is None:
        return None
    size = limit if not worth else limit // worth
    if part.is_exact:
        fits = part.low <= size <= part.high and (not worth or limit % worth == 0)
        return Part(size, size, part.needs) if fits else None
    high = min(part.high, size)
    return Part(part.low, high, part.needs) if part.low <= high else None


def limits_at(
    books: Books, formulas: Iterable[MoneyLimit], sample: Sample
) -> dict[str, int | None]:
    """What each formula comes to; ``None`` where it ends in an error."""
    scope = books.new.bind({"now": EPOCH, **sample})
    found: dict[str, int | None] = {}
    for formula in formulas:
        if not isinstance(formula, int):
            value = formula(scope)
            found[formula.text.strip()] = value if type(value) is int else None
    return found


def _amounts(cell: Cell) -> list[int]:
    """Sums at which a computed limit meets a plain one."""
    plain = {part.high for part in (*cell.old, *cell.new) if part.formula is None}
    near = {amount + more for amount in plain for more in (-1, 0, 1)}
    return sorted({0, 1, 10_000, 100_000, 10_000_000} | {it for it in near if 0 <= it < 10**12})


def _picked(offered: Sequence[Sequence[FactValue | None]], number: int) -> list[FactValue | None]:
    """One of all combinations, by its number."""
    chosen = []
    for values in offered:
        number, place = divmod(number, len(values))
        chosen.append(values[place])
    return chosen


def _values(
    books: Books, case: Case, cell: Cell, name: str, amounts: Sequence[int]
) -> list[FactValue | None]:
    place = case.space.places.get(name)
    if place is not None and cell.at[place] != UNDECIDED and case.space.axes[place].is_exact:
        return list(_of_class(books, case.space.axes[place], cell.at[place]))
    fact = _fact(books, name)
    absent = [None] if fact is not None or name in ALWAYS_OPTIONAL else []
    if fact is None:
        return [*_BUILT_IN.get(name, ["any"]), *absent]
    return [*_of_type(fact, amounts), *absent]


_BUILT_IN: Final[Mapping[str, list[FactValue]]] = {
    "now": [EPOCH, EPOCH + timedelta(days=30_000)],
    "agent.roles": [["any"]],
    "agent.kind": ["human", "ai"],
}


def _of_type(fact: Fact, amounts: Sequence[int]) -> list[FactValue]:
    if fact.type is FactType.MONEY:
        return list(amounts)
    if fact.type is FactType.CHOICE:
        return list(fact.choices)
    if fact.type is FactType.INTEGER:
        ends = {it for it in (fact.least, fact.most) if it is not None}
        return sorted(ends | {it for it in (0, 1, 2, 3, 10, 100) if _inside(it, fact)})
    return list(_ROUND[fact.type])


_DAYS: Final = tuple(EPOCH + timedelta(days=days) for days in (0, 20_000, 30_000))
_ROUND: Final[Mapping[FactType, Sequence[FactValue]]] = {
    FactType.NUMBER: (0.0, 0.5, 1.0, 12.5, 50.0, 100.0),
    FactType.BOOLEAN: (True, False),
    FactType.DURATION: tuple(timedelta(hours=hours) for hours in (0, 1, 24, 720)),
    FactType.TEXTS: ([],),
    FactType.TEXT: ("any",),
    FactType.DATE: _DAYS,
    FactType.TIMESTAMP: _DAYS,
}


def _inside(value: int, fact: Fact) -> bool:
    above = fact.least is None or fact.least <= value
    return above and (fact.most is None or value <= fact.most)


def _of_class(books: Books, axis: Axis, number: int) -> Iterator[FactValue | None]:
    """Values from one class: both of its ends, and the one that stands for it."""
    kind = axis.classes[number]
    if isinstance(kind, Span) and not kind.is_open:
        ends = {it for it in (kind.low, kind.high, kind.value) if it is not None}
        for value in sorted(ends):
            yield _converted(books, axis.name, value)
    elif isinstance(kind, Absent):
        yield None
    else:
        yield _fact_value(books, axis.name, kind)


def _fact_value(books: Books, name: str, kind: Class) -> FactValue | None:
    match kind:
        case Span(value=value):
            return _converted(books, name, value)
        case Word(value=value) | Others(value=value):
            return value
        case Flags(value=value):
            return sorted(value)
        case _:
            return None


def _converted(books: Books, name: str, value: Ordered) -> FactValue:
    """A value of an axis as conditions read it."""
    fact = _fact(books, name)
    kind = FactType.TIMESTAMP if name == "now" else None if fact is None else fact.type
    match kind:
        case FactType.DATE | FactType.TIMESTAMP:
            return EPOCH + int(value) * MICROSECOND
        case FactType.DURATION:
            return int(value) * MICROSECOND
        case FactType.NUMBER:
            return float(Fraction(value))
        case _:
            return int(value)


def _fact(books: Books, name: str) -> Fact | None:
    return books.new.facts.get(name) or books.old.facts.get(name)
