"""Which approvals are possible at all, cell by cell: how much each gives, and what caps it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.core.rulebook import Budget, Grant, MoneyLimit, Prohibition
from service.policyfile.celtree import Call, Constant, Node
from service.policyfile.diffaxis import Absent
from service.policyfile.diffgift import part_of, size_max
from service.policyfile.diffjudge import Judge, Verdict, judge_of, places_of
from service.policyfile.diffrule import Books, narrowed
from service.policyfile.diffspace import UNDECIDED, Size, Space, SpaceBuilder
from service.policyfile.diffterms import Truth

CELLS_MAX: Final = 4_000


class Possible(NamedTuple):
    """An approval that some request gets: its rung, grant and resolution.

    ``value_minor`` is the most that it gives, ``None`` without an end (what callers tell
    decides); with ``is_exact`` it gives just that. ``budgets`` are those it charges.
    ``step`` is the worth of a unit where it is given by the unit, 1 for money.
    """

    role: str
    grant: str
    resolution: str
    value_minor: int | None
    is_exact: bool
    budgets: frozenset[str]
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who proposes what where, as far as it is fixed: everything else may be anything."""

    proposer: str
    rung: str
    resolution: str
    site: str | None


class _Rule(NamedTuple):
    judge: Judge
    places: tuple[int, ...]


class _Given(NamedTuple):
    grant: Grant
    rule: _Rule
    limit: MoneyLimit | None


class _Charged(NamedTuple):
    budget: Budget
    rule: _Rule


def possible(books: Books, asked: Asked) -> tuple[set[Possible], bool]:
    """Every approval that the rung can give to what is asked; whether that is all and no more.

    Where the conditions read too much, every grant is taken to hold, no prohibition to
    apply, and no budget with a condition to count: more may seem possible then than is.
    """
    walk = _Walk(books, asked)
    found: set[Possible] = set()
    try:
        for one in walk.split(walk.start()):
            found.add(one)
    except _TooMany:
        return set(walk.everything()), False
    return found, walk.is_exact


class _TooMany(Exception):  # noqa: N818 - a bound, and no failure of anything
    """There are more cells than are looked at."""


class _Walk:
    def __init__(self, books: Books, asked: Asked) -> None:
        book = books.new
        self._books = books
        self._asked = asked
        self._size = _size(books, asked.resolution)
        grants = book.grants_for(asked.rung, asked.resolution)
        vetoes = [it for it in book.prohibitions_for(asked.resolution) if _meant(it, asked)]
        budgets = book.budgets_for(asked.rung, asked.resolution)
        truths = [narrowed(it, books.truth(it.when)) for it in grants]
        truths += [narrowed(it, books.truth(it.when)) for it in vetoes]
        truths += [books.truth(it.when) for it in budgets]
        unit = book.resolutions[asked.resolution].unit
        builder = SpaceBuilder((book,), (self._size,), truths, has_unit=unit is not None)
        self._space = builder.space()
        rules = [_rule(truth, self._space, self._size) for truth in truths]
        self._grants = [
            _Given(grant, rule, books.limit(book, _limit(grant)))
            for grant, rule in zip(grants, rules, strict=False)
        ]
        self._vetoes = rules[len(grants) : len(grants) + len(vetoes)]
        self._budgets = [
            _Charged(budget, rule)
            for budget, rule in zip(budgets, rules[len(grants) + len(vetoes) :], strict=True)
        ]
        self._seen = 0
        self.is_exact = all(axis.is_exact for axis in self._space.axes)

    def start(self) -> list[int]:
        """What is fixed."""
        asked = self._asked
        known: dict[str, str | frozenset[str]] = {
            "request.resolution": asked.resolution,
            "agent.roles": frozenset((asked.proposer,)),
        }
        if asked.site is not None:
            known["site.id"] = asked.site
        return self._space.start(known)

    def split(self, at: list[int]) -> Iterator[Possible]:
        """The approvals below a place."""
        if any(it.judge(at) in (Verdict.TRUE, Verdict.ERROR) for it in self._vetoes):
            return
        verdicts = [it.rule.judge(at) for it in self._grants]
        if all(it in (Verdict.FALSE, Verdict.ERROR) for it in verdicts):
            return
        place = self._open(at)
        if place is None:
            yield from self._leaf(at)
            return
        for number in range(len(self._space.axes[place].classes)):
            at[place] = number
            yield from self.split(at)
        at[place] = UNDECIDED

    def everything(self) -> Iterator[Possible]:
        """More than is possible, where it cannot be told."""
        for given in self._grants:
            budgets = frozenset(it.budget.id for it in self._budgets if it.budget.when is None)
            yield from self._value(given, (self._size.least, size_max(self._size)), budgets)

    def _open(self, at: Sequence[int]) -> int | None:
        """An axis that something still open reads. The size is looked at last, class by class."""
        rules = [
            *(it.rule for it in self._grants),
            *self._vetoes,
            *(it.rule for it in self._budgets),
        ]
        for rule in rules:
            if rule.judge(at) == Verdict.OPEN:
                for place in rule.places:
                    if at[place] == UNDECIDED and place != self._space.size_place:
                        return place
        return None

    def _leaf(self, at: list[int]) -> Iterator[Possible]:
        self._seen += 1
        if self._seen > CELLS_MAX:
            raise _TooMany
        place = self._space.size_place
        if place is None:
            yield from self._at(at, (self._size.least, size_max(self._size)))
            return
        for number, span in enumerate(self._space.axes[place].classes):
            at[place] = number
            low, high = getattr(span, "low", None), getattr(span, "high", None)
            ends = (self._size.least if low is None else int(low), size_max(self._size))
            yield from self._at(at, (ends[0], ends[1] if high is None else min(int(high), ends[1])))
        at[place] = UNDECIDED

    def _at(self, at: Sequence[int], span: tuple[int, int]) -> Iterator[Possible]:
        if any(it.judge(at) != Verdict.FALSE for it in self._vetoes):
            return
        budgets = self._charged(at)
        if budgets is None:
            return
        for given in self._grants:
            if given.rule.judge(at) == Verdict.TRUE:
                yield from self._value(given, span, budgets)

    def _charged(self, at: Sequence[int]) -> frozenset[str] | None:
        """The budgets that a cell charges; ``None`` where one of them cannot be read."""
        found = []
        for charged in self._budgets:
            verdict = charged.rule.judge(at)
            if verdict == Verdict.ERROR:
                return None
            if verdict == Verdict.TRUE:
                if any(self._is_absent(at, name) for name in charged.budget.per):
                    return None
                found.append(charged.budget.id)
        return frozenset(found)

    def _is_absent(self, at: Sequence[int], name: str) -> bool:
        place = self._space.places.get(name)
        if place is None or at[place] == UNDECIDED:
            return False
        return isinstance(self._space.axes[place].classes[at[place]], Absent)

    def _value(
        self, given: _Given, span: tuple[int, int], budgets: frozenset[str]
    ) -> Iterator[Possible]:
        """The approval of a grant within a span of sizes, with the most that it gives."""
        grant, limit, worth = given.grant, given.limit, self._size.worth
        exact = grant.exactly is not None
        bound = limit if limit is None or isinstance(limit, int) else bound_of(limit)
        plain = exact and isinstance(limit, int)
        part = part_of(bound, self._size, span, frozenset(), exact=plain)
        if part is None:
            return
        value: int | None = part.high * (1 if worth is None else worth)
        if part.high == size_max(self._size) and bound is None:
            value = None
        if value != 0:
            asked = self._asked
            step = worth or 1
            yield Possible(asked.rung, grant.id, asked.resolution, value, plain, budgets, step)


def _rule(truth: Truth, space: Space, size: Size) -> _Rule:
    return _Rule(judge_of(truth, space, size), places_of(truth, space))


def _limit(grant: Grant) -> MoneyLimit | None:
    return grant.exactly if grant.up_to is None else grant.up_to


def _meant(prohibition: Prohibition, asked: Asked) -> bool:
    return prohibition.roles is None or asked.proposer in prohibition.roles


def _size(books: Books, resolution: str) -> Size:
    """By the unit where it has a constant worth, else by the value."""
    kind = books.new.resolutions[resolution]
    worth = None if kind.worth is None else books.limit(books.new, kind.worth)
    if isinstance(worth, int):
        return Size(worth=worth)
    return Size(least=1 if worth is None else 0)


# ── The most that a computed limit can come to ──


def bound_of(limit: MoneyLimit) -> int | None:
    """The largest value of a computed limit, whatever is told; ``None`` where there is none."""
    if isinstance(limit, int):
        return limit
    tree: Node | None = getattr(limit, "tree", None)
    return None if tree is None else _bound(tree)


def _bound(node: Node) -> int | None:
    match node:
        case Constant(value=int() as value):
            return value
        case Call(function="least", args=args):
            known = [bound for bound in map(_bound, args) if bound is not None]
            return min(known) if known else None
        case Call(function="greatest" | "_+_" as function, args=args):
            return _all_bound(function, args)
        case Call(function="_?_:_", args=(_, then, other)):
            return _all_bound("greatest", (then, other))
        case Call(function=function, args=(money, Constant(value=share))):
            return _scaled(function, _bound(money), share)
        case _:
            return None


def _all_bound(function: str, args: Iterable[Node]) -> int | None:
    bounds = [_bound(arg) for arg in args]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return None
    return sum(known) if function == "_+_" else max(known)


def _scaled(function: str, money: int | None, share: object) -> int | None:
    """Money less a literal, or multiplied by one, rounded up: it is a bound."""
    if function == "_-_":
        return money
    is_scale = function in ("percent", "times") and isinstance(share, int | float)
    if money is None or not is_scale or not isinstance(share, int | float):
        return None
    whole = money * share if function == "times" else money * share / 100
    return int(whole) + (whole != int(whole))
