"""Few values that stand for all: what conditions and limits can tell apart.

A condition that reads a sum only as ``stay.total <= money("50.00")`` cannot tell 10.00 from
20.00. So each name needs a value at every constant that it is compared with, one between
each two, and one beyond the last; whoever tries those has tried all of them. Where a name
is read in any other way, its values are a sample, and ``complete`` says so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final, TypeAlias

from service.core.expression import Expression, FactValue
from service.core.money import MINOR_MAX
from service.core.rulebook import Fact, FactType
from service.policyfile import celfunctions
from service.policyfile.cel import Amount, Condition
from service.policyfile.celtree import Call, Constant, Items, Name, Node, children
from service.policyfile.duration import parse_duration

Case: TypeAlias = dict[str, FactValue]
"""A value for each name that matters. An absent fact is left out."""

WHOLE_MAX: Final = 2**53 - 1
ENUMERATED_MAX: Final = 128
"""A range of integers of at most so many is tried whole where it cannot be told in parts."""

LISTED_MAX: Final = 6
"""Of a list at most so many texts are looked for; beyond that their subsets are too many."""

EVENING: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
_BEGINNING: Final = datetime(1970, 1, 2, tzinfo=UTC)
_COMPARISONS: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"})
_TICK: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Values:
    """What a name is tried with. ``complete``: any other value behaves like one of these."""

    values: tuple[FactValue, ...]
    complete: bool = True


@dataclass(slots=True)
class Uses:
    """How expressions read names.

    ``cuts`` are the constants that a name is compared with, or looked for in a list;
    ``loose`` the names that are read in any other way.
    """

    cuts: dict[str, set[FactValue]] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    constants: set[FactValue] = field(default_factory=set)
    sized_by: list[Node] = field(default_factory=list)
    """What ``request.amount`` is compared with."""

    def of(self, name: str) -> set[FactValue]:
        """The cuts of one name."""
        return self.cuts.get(name, set())


Checked: TypeAlias = Condition | Amount
"""Expressions of policy files, which have a tree; others have none, and may read anything."""


def tree_of(expression: Expression) -> Node | None:
    """The checked tree, where there is one."""
    return _tree_of(expression) if isinstance(expression, Checked) else None


def knows_of(expression: Expression) -> frozenset[str]:
    """The names inside ``known()``."""
    return expression.knows if isinstance(expression, Checked) else frozenset()


def read_uses(expressions: Iterable[Expression]) -> Uses:
    """How the expressions read each name, all of them together."""
    together = Uses()
    for expression in expressions:
        if not isinstance(expression, Checked):
            together.loose |= expression.mentions
            continue
        uses = _uses_of(expression)
        for name, cuts in uses.cuts.items():
            together.cuts.setdefault(name, set()).update(cuts)
        together.loose |= uses.loose
        together.constants |= uses.constants
        together.sized_by += uses.sized_by
    return together


@lru_cache(maxsize=4096)
def _tree_of(expression: Checked) -> Node:
    return expression.tree


@lru_cache(maxsize=4096)
def _uses_of(expression: Checked) -> Uses:
    """How one expression reads names. Read only: it is shared."""
    uses = Uses()
    _visit(_tree_of(expression), uses)
    return uses


def constant_of(node: Node) -> FactValue | None:
    """What a node is, whatever the facts; None where that depends on them."""
    match node:
        case Constant(value=bool() | int() | float() | str() as value):
            return value
        case Call(function="date", args=(Constant(value=str(text)),)):
            return celfunctions.parse_date(text)
        case Call(function="days", args=(Constant(value=int(count)),)):
            return celfunctions.days(count)
        case Call(function="duration", args=(Constant(value=str(text)),)):
            return _parsed_duration(text)
        case _:
            return None


def _parsed_duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def _visit(node: Node, uses: Uses) -> None:
    if isinstance(node, Call) and _is_plain(node, uses):
        return
    if isinstance(node, Name):
        uses.loose.add(node.name)
    fixed = constant_of(node)
    if fixed is not None:
        uses.constants.add(fixed)
    for child in children(node):
        _visit(child, uses)


def _is_plain(node: Call, uses: Uses) -> bool:
    """Whether the call compares a name with constants; if so, they are noted."""
    if node.function in _COMPARISONS:
        return _is_compared(node.args, uses)
    if node.function != "@in":
        return False
    left, right = node.args
    if isinstance(left, Constant) and isinstance(right, Name):
        return _cut(right.name, [left], uses)
    return isinstance(left, Name) and isinstance(right, Items) and _cut(left.name, right.args, uses)


def _is_compared(args: tuple[Node, ...], uses: Uses) -> bool:
    for name, other in (args, args[::-1]):
        if isinstance(name, Name) and name.name == "request.amount":
            if _reads(other, "request.amount"):
                return False
            uses.sized_by.append(other)
            _visit(other, uses)
            return True
        if isinstance(name, Name) and _cut(name.name, [other], uses):
            return True
    return False


def _reads(node: Node, name: str) -> bool:
    return (isinstance(node, Name) and node.name == name) or any(
        _reads(child, name) for child in children(node)
    )


def _cut(name: str, others: Sequence[Node], uses: Uses) -> bool:
    found = [constant_of(other) for other in others]
    constants = [one for one in found if one is not None]
    if len(constants) < len(found):
        return False
    uses.cuts.setdefault(name, set()).update(constants)
    uses.constants.update(constants)
    return True


# ── values by type ────────────────────────────────────────────────────────────────────


def values_of(name: str, fact: Fact | None, uses: Uses) -> Values:
    """The values to try for a fact or, without one, for a built-in name."""
    if fact is not None:
        return _BY_TYPE[fact.type](fact, uses)
    return _instants(uses, name, _TICK) if name == "now" else _texts(uses, name)


def around(cuts: Iterable[int], least: int, most: int) -> list[int]:
    """Each cut and its neighbours, as far as they lie between the bounds; in order."""
    return sorted(
        {near for cut in cuts for near in (cut - 1, cut, cut + 1) if least <= near <= most}
    )


def _whole(found: Iterable[FactValue]) -> list[int]:
    return [one for one in found if isinstance(one, int) and not isinstance(one, bool)]


def _integers(fact: Fact, uses: Uses) -> Values:
    least = -WHOLE_MAX if fact.least is None else fact.least
    most = WHOLE_MAX if fact.most is None else fact.most
    cuts = _whole(uses.of(fact.path))
    if fact.path not in uses.loose:
        return Values(tuple(around(cuts, least, most)) or (least,))
    if most - least < ENUMERATED_MAX:
        return Values(tuple(range(least, most + 1)))
    sample = {*around([*cuts, 0, 1, 100], least, most), *around([least, most], least, most)}
    small = [one for one in sorted(sample) if abs(one) < 10**6]
    return Values(tuple(small or sorted(sample)), complete=False)


def _moneys(uses: Uses, name: str) -> Values:
    if name not in uses.loose:
        return Values(tuple(around(_whole(uses.of(name)), 0, MINOR_MAX)) or (0,))
    constants = sorted(one for one in _whole(uses.constants) if 0 < one < 10**11)
    doubled = {2 * one for one in constants[-1:]} | {10_000, 10**9}
    return Values(
        (*sorted({0, 1, 100, *around(constants, 0, MINOR_MAX), *doubled}),), complete=False
    )


def _texts(uses: Uses, name: str) -> Values:
    cuts = sorted(one for one in uses.of(name) if isinstance(one, str))
    other = "other"
    while other in cuts:
        other += "-"
    return Values((*cuts, other), complete=name not in uses.loose)


def _lists(uses: Uses, name: str) -> Values:
    cuts = sorted(one for one in uses.of(name) if isinstance(one, str))
    few = cuts[:LISTED_MAX]
    subsets = (list(chosen) for size in range(len(few) + 1) for chosen in combinations(few, size))
    return Values(tuple(subsets), complete=name not in uses.loose and len(few) == len(cuts))


def _numbers(uses: Uses, name: str) -> Values:
    cuts = sorted(float(one) for one in uses.of(name) if isinstance(one, int | float))
    between = [(low + high) * 0.5 for low, high in pairwise(cuts)]
    ends = [cuts[0] - 1.0, cuts[-1] + 1.0] if cuts else [0.5]
    sample = [0.0, 1.0, 12.5, 100.0] if name in uses.loose else []
    return Values(tuple(sorted({*cuts, *between, *ends, *sample})), complete=name not in uses.loose)


def _instants(uses: Uses, name: str, step: timedelta) -> Values:
    cuts = [one for one in uses.of(name) if isinstance(one, datetime)]
    if step == _DAY:
        cuts = [_midnight(cut) for cut in cuts]
    found = {near for cut in cuts for near in (cut - step, cut, cut + step)}
    if name not in uses.loose:
        return Values(tuple(sorted(found)) or (_midnight(EVENING),))
    known = [one for one in uses.constants if isinstance(one, datetime)]
    spans = [one for one in uses.constants if isinstance(one, timedelta)]
    for start in (_midnight(EVENING), *known, *([] if step == _DAY else [EVENING])):
        found |= {near for near in _spread(start, spans, step) if near >= _BEGINNING}
    return Values(tuple(sorted(found)), complete=False)


def _spread(start: datetime, spans: Iterable[timedelta], step: timedelta) -> Iterator[datetime]:
    """An instant, and instants a span away from it, each with its neighbours."""
    yield start
    for span in spans:
        whole = timedelta(days=span.days) if step == _DAY else span
        for far in (start - whole, start + whole):
            yield from (far - step, far, far + step)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _durations(uses: Uses, name: str) -> Values:
    cuts = [one for one in uses.of(name) if isinstance(one, timedelta)]
    near = {cut + step for cut in cuts for step in (-_SECOND, timedelta(), _SECOND)}
    sample = {timedelta(), timedelta(hours=1), _DAY} if name in uses.loose or not cuts else set()
    found = {one for one in (*near, *sample) if one >= timedelta()}
    return Values(tuple(sorted(found)), complete=name not in uses.loose)


_BY_TYPE: Final[Mapping[FactType, Callable[[Fact, Uses], Values]]] = {
    FactType.BOOLEAN: lambda *_: Values((True, False)),
    FactType.CHOICE: lambda fact, _: Values(fact.choices),
    FactType.INTEGER: _integers,
    FactType.MONEY: lambda fact, uses: _moneys(uses, fact.path),
    FactType.TEXT: lambda fact, uses: _texts(uses, fact.path),
    FactType.TEXTS: lambda fact, uses: _lists(uses, fact.path),
    FactType.NUMBER: lambda fact, uses: _numbers(uses, fact.path),
    FactType.DATE: lambda fact, uses: _instants(uses, fact.path, _DAY),
    FactType.TIMESTAMP: lambda fact, uses: _instants(uses, fact.path, _TICK),
    FactType.DURATION: lambda fact, uses: _durations(uses, fact.path),
}


def subsets(names: Mapping[str, object] | Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every selection of some of the names, small ones first; at least one."""
    listed = tuple(names)
    for size in range(1, len(listed) + 1):
        yield from combinations(listed, size)
