"""All cases that some rules can tell apart, one after the other.

A case is built name by name. Rules are asked while names are still missing: an absent fact
can only make an answer undecided, never another one (cel-spec, "Logical Operators"), so
whatever is answered already holds however the case goes on, and a hopeless beginning is
not followed. The size of the proposal comes last, when all limits can be computed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from service.core.expression import Expression, FactValue
from service.core.money import MINOR_MAX
from service.core.rulebook import MoneyLimit, Resolution, Rulebook
from service.policyfile.celarithmetic import arithmetic
from service.policyfile.celtree import Call, Node
from service.policyfile.lintvalues import (
    Case,
    Uses,
    Values,
    around,
    knows_of,
    read_uses,
    values_of,
)

SIZE: Final = frozenset({"request.amount", "request.quantity"})
STEPS_MAX: Final = 4_000
"""How many beginnings of cases are looked at before a search is given up."""

OPTIONAL_BUILT_INS: Final = frozenset({"request.reason", "request.channel"})

Hopeless: TypeAlias = Callable[[Case], bool]
"""Whether nothing that is sought lies beyond a beginning of a case."""


@dataclass(slots=True)
class Space:
    """The cases of one resolution that expressions and limits can tell apart.

    ``given`` are names whose value is settled. ``absent`` are facts that may be absent, and
    ``untold`` those that are. With ``ceilings`` a proposal is tried only as large as all of
    them let it be: whoever gives them knows that no smaller one matters. ``complete`` says
    whether the cases stand for all; ``exhausted`` whether the last walk has seen all of them.
    """

    rulebook: Rulebook
    resolution: Resolution
    given: Case
    expressions: Sequence[Expression] = ()
    limits: Sequence[MoneyLimit] = ()
    absent: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()
    ceilings: Sequence[MoneyLimit] | None = None
    complete: bool = True
    exhausted: bool = False
    steps_max: int = STEPS_MAX
    _uses: Uses = field(default_factory=Uses)
    _domains: list[tuple[str, tuple[FactValue | None, ...]]] = field(default_factory=list)
    _sized_by: list[Callable[[Case], int | None]] = field(default_factory=list)
    _first: int = 0
    _steps: int = 0

    def __post_init__(self) -> None:
        expressions = [*self.expressions, *computed((*self.limits, self.resolution.worth))]
        self._uses = read_uses(expressions)
        knows = frozenset().union(*map(knows_of, expressions))
        names = frozenset().union(*(it.mentions for it in expressions)) | knows
        settled = self.given.keys() | SIZE | self.untold
        open_names = sorted(names - settled, key=lambda it: (it not in knows, it))
        self._domains = [(name, self._values(name)) for name in open_names]
        self._first = sum(name in knows for name in open_names)
        self._prepare_sizes()

    def _values(self, name: str) -> tuple[FactValue | None, ...]:
        """What to try for a name; None where it may be absent. Sets ``complete``."""
        found: Values = values_of(name, self.rulebook.facts.get(name), self._uses)
        self.complete = self.complete and found.complete
        return (*found.values, None) if name in self.absent else found.values

    def _prepare_sizes(self) -> None:
        self.complete = self.complete and SIZE.isdisjoint(self._uses.loose)
        for node in self._uses.sized_by:
            compute = _amount(node)
            if compute is None:
                self.complete = False
            else:
                self._sized_by.append(compute)

    def names(self) -> frozenset[str]:
        """What is tried with several values."""
        return frozenset(name for name, _ in self._domains)

    def cases(self, hopeless: Hopeless = lambda _: False) -> Iterator[Case]:
        """Every case, until the steps are used up: see ``exhausted``."""
        self._steps, self.exhausted = 0, False
        yield from self._extended(dict(self.given), 0, hopeless)
        self.exhausted = self._steps < self.steps_max

    def _extended(self, case: Case, depth: int, hopeless: Hopeless) -> Iterator[Case]:
        self._steps += 1
        if self._steps >= self.steps_max or (depth >= self._first and hopeless(case)):
            return
        if depth == len(self._domains):
            yield from self._sized(case)
            return
        name, values = self._domains[depth]
        for value in values:
            if value is not None:
                case[name] = value
            yield from self._extended(case, depth + 1, hopeless)
            case.pop(name, None)

    def _sized(self, case: Case) -> Iterator[Case]:
        """The case at every size that something in it could tell apart."""
        worth = self.resolution.worth
        each = 1 if worth is None else self._size(worth, case)
        if each is None:
            return
        thresholds = {found for found in (self._size(it, case) for it in self.limits) if found}
        thresholds |= {found for found in (it(case) for it in self._sized_by) if found}
        for count in self._counts(case, thresholds, each):
            self._steps += 1
            sized = {**case, "request.amount": count * each}
            if worth is not None:
                sized["request.quantity"] = count
            yield sized

    def _counts(self, case: Case, thresholds: set[int], each: int) -> list[int]:
        """How many units (or minor units, which are worth 1 each) to try, the most first."""
        if self.ceilings is not None:
            return self._most(case, self.ceilings, thresholds, each)
        cuts = {cut for cut in self._uses.of("request.quantity") if isinstance(cut, int)}
        found = {1, *around(cuts, 1, MINOR_MAX)}
        for threshold in thresholds if each else ():
            found |= {threshold // each, threshold // each + 1, (threshold - 1) // each}
        within = (one for one in found if one >= 1 and one * each <= MINOR_MAX)
        return sorted(within, reverse=True)

    def _most(
        self, case: Case, ceilings: Sequence[MoneyLimit], thresholds: set[int], each: int
    ) -> list[int]:
        """The largest number of units within the ceilings; without any, above every threshold."""
        bounds = [self._size(ceiling, case) for ceiling in ceilings]
        known = [bound for bound in bounds if bound is not None]
        if len(known) < len(bounds):
            return []
        if not each:
            return [1]
        most = min(known) // each if known else max(thresholds, default=0) // each + 1
        return [most] if most >= 1 and most * each <= MINOR_MAX else []

    def _size(self, limit: MoneyLimit, case: Case) -> int | None:
        """A limit in minor units; None where it cannot be computed."""
        return size_of(self.rulebook, limit, case)


def computed(limits: Iterable[MoneyLimit | None]) -> list[Expression]:
    """Those of the limits that are no constants."""
    return [limit for limit in limits if limit is not None and not isinstance(limit, int)]


def size_of(rulebook: Rulebook, limit: MoneyLimit, case: Case) -> int | None:
    """A constant or computed amount in minor units; None where it cannot be computed."""
    if isinstance(limit, int):
        return limit
    found = limit(rulebook.bind(case))
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _amount(node: Node) -> Callable[[Case], int | None] | None:
    """How to compute what a size is compared with; None where only the library could."""
    if isinstance(node, Call) and node.function in ("_+_", "_-_"):
        parts = [_amount(arg) for arg in node.args]
        left, right = parts if len(parts) == 2 else (None, None)  # noqa: PLR2004 - two sides
        if left is None or right is None:
            return None
        sign = 1 if node.function == "_+_" else -1
        return lambda case: _sum(left(case), right(case), sign)
    compute = arithmetic(node)
    if compute is None:
        return None
    return lambda case: _attempt(compute, case)


def _sum(left: int | None, right: int | None, sign: int) -> int | None:
    return None if left is None or right is None else left + sign * right


def _attempt(compute: Callable[[Case], object], case: Case) -> int | None:
    try:
        found = compute(case)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    return found if isinstance(found, int) else None
