"""The rules of one role and one resolution in two sets, each met once where both have it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from service.core.expression import Expression
from service.core.rulebook import Grant, MoneyLimit, Prohibition, Rulebook
from service.policyfile.diffjudge import Judge, judge_of, places_of
from service.policyfile.difflikeness import Likeness
from service.policyfile.diffspace import QUANTITY, Size, Space, SpaceBuilder
from service.policyfile.diffterms import Atom, Both, Not, Truth, truth_of

OLD: Final = 1
NEW: Final = 2
BOTH: Final = 3


class Met(NamedTuple):
    """A grant or a prohibition (``vetoes``) and the sides that have it, before it is placed."""

    ids: tuple[str, ...]
    sides: int
    truth: Truth
    needs: frozenset[str] = frozenset()
    limit: MoneyLimit | None = None
    exact: bool = False
    vetoes: bool = False
    is_own: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A rule in a space: what it says at each place. ``places`` are the axes that it reads."""

    met: Met
    judge: Judge
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that decides what a role may give of a resolution, on both sides.

    ``sizes`` are how each side measures what is given, ``worth_reads`` what it must know for
    the worth of a unit.
    """

    role: str
    resolution: str
    space: Space
    rules: tuple[Placed, ...]
    sizes: tuple[Size, Size]
    worth_reads: tuple[frozenset[str], frozenset[str]]
    is_exact: bool = True

    @property
    def differing(self) -> tuple[Placed, ...]:
        """The rules that only one side has."""
        return tuple(rule for rule in self.rules if rule.met.sides != BOTH)


@dataclass(frozen=True, slots=True)
class Books:
    """Two sets that are compared, and what is asked of them again and again."""

    old: Rulebook
    new: Rulebook
    constants: dict[int, MoneyLimit] = field(default_factory=dict)
    truths: dict[int, Truth] = field(default_factory=dict)
    alike: Likeness = field(default_factory=Likeness)

    def sides(self) -> Iterator[tuple[int, Rulebook]]:
        """Each with its mark."""
        yield OLD, self.old
        yield NEW, self.new

    def truth(self, condition: Expression | None) -> Truth:
        """What a condition says, taken apart once."""
        found = self.truths.get(id(condition))
        if found is None:
            found = self.truths[id(condition)] = truth_of(condition)
        return found

    def limit(self, book: Rulebook, limit: MoneyLimit | None) -> MoneyLimit | None:
        """A limit, computed where it reads nothing."""
        if limit is None or isinstance(limit, int) or limit.mentions:
            return limit
        found = self.constants.get(id(limit))
        if found is None:
            computed = limit(book.bind({}))
            found = computed if isinstance(computed, int) else limit
            self.constants[id(limit)] = found
        return found


def rules_met(books: Books, role: str, resolution: str) -> list[Met]:
    """Every rule of a role and a resolution; what both sides have alike is one of both."""
    sizes, _ = _sizes(books, resolution)
    return _met(books, role, resolution, told_apart=sizes[0] != sizes[1])


def case_of(books: Books, role: str, resolution: str, met: Sequence[Met]) -> Case:
    """The case of a role and a resolution, in whose rules the sides differ."""
    sizes, is_exact = _sizes(books, resolution)
    has_unit = any(
        resolution in book.resolutions and book.resolutions[resolution].unit is not None
        for _, book in books.sides()
    )
    truths = [rule.truth for rule in met]
    builder = SpaceBuilder((books.old, books.new), sizes, truths, has_unit=has_unit)
    space = builder.space()
    worth_reads = _worth_reads(books, resolution)
    is_exact = is_exact and space.places.keys().isdisjoint((*worth_reads[0], *worth_reads[1]))
    placed = tuple(
        Placed(
            met=rule,
            judge=judge_of(rule.truth, space, sizes[rule.sides == NEW]),
            places=places_of(rule.truth, space),
        )
        for rule in met
    )
    return Case(
        role=role,
        resolution=resolution,
        space=space,
        rules=placed,
        sizes=sizes,
        worth_reads=worth_reads,
        is_exact=is_exact and (sizes[0].worth is not None or QUANTITY not in space.places),
    )


def _sizes(books: Books, resolution: str) -> tuple[tuple[Size, Size], bool]:
    """How each side measures it: by the unit where both have one of constant worth."""
    kinds = [book.resolutions.get(resolution) for _, book in books.sides()]
    worths = [
        None if kind is None else books.limit(book, kind.worth)
        for (_, book), kind in zip(books.sides(), kinds, strict=True)
    ]
    known = [worth for worth, kind in zip(worths, kinds, strict=True) if kind is not None]
    if known and all(isinstance(worth, int) for worth in known):
        found = [worth if isinstance(worth, int) else None for worth in worths]
        fallback = next(worth for worth in found if worth is not None)
        old, new = (fallback if worth is None else worth for worth in found)
        return (Size(worth=old), Size(worth=new)), True
    size = Size(least=1 if all(worth is None for worth in known) else 0)
    return (size, size), all(worth is None or _is_fact(worth) for worth in known)


def _is_fact(worth: MoneyLimit) -> bool:
    """Whether the worth of a unit is what a fact says, and so can be any amount."""
    return not isinstance(worth, int) and worth.mentions == {worth.text.strip()}


def _worth_reads(books: Books, resolution: str) -> tuple[frozenset[str], frozenset[str]]:
    def reads(book: Rulebook) -> frozenset[str]:
        kind = book.resolutions.get(resolution)
        worth = None if kind is None else kind.worth
        return frozenset() if worth is None or isinstance(worth, int) else worth.mentions

    return reads(books.old), reads(books.new)


def _met(books: Books, role: str, resolution: str, *, told_apart: bool) -> list[Met]:
    """Every rule of either side; the same content on both sides is one rule of both."""
    found: dict[object, Met] = {}
    for side, book in books.sides():
        for key, rule in _rules(books, side, book, role, resolution):
            whole = (key, side) if told_apart else key
            known = found.get(whole)
            if known is None:
                found[whole] = rule
            else:
                ids = tuple(dict.fromkeys((*known.ids, *rule.ids)))
                own = known.is_own or rule.is_own
                found[whole] = known._replace(ids=ids, sides=known.sides | rule.sides, is_own=own)
    return list(found.values())


def _rules(
    books: Books, side: int, book: Rulebook, role: str, resolution: str
) -> Iterator[tuple[object, Met]]:
    if resolution not in book.resolutions or role not in book.roles:
        return
    for rung in book.ladder((role,)).reach:
        for grant in book.grants_for(rung, resolution):
            limit = books.limit(book, grant.exactly if grant.up_to is None else grant.up_to)
            truth = narrowed(grant, books.truth(grant.when))
            yield _grant(grant, limit, side, truth, own=rung == role)
    for prohibition in book.prohibitions_for(resolution):
        if prohibition.roles is None or role in prohibition.roles:
            truth = narrowed(prohibition, books.truth(prohibition.when))
            key = ("prohibition", _key(prohibition))
            yield key, Met((prohibition.id,), side, truth, vetoes=True)
    yield from _strangers(books, side, book)


def _grant(
    grant: Grant, limit: MoneyLimit | None, side: int, truth: Truth, *, own: bool
) -> tuple[object, Met]:
    exact = grant.exactly is not None
    text = limit if limit is None or isinstance(limit, int) else limit.text.strip()
    key = ("grant", _key(grant), frozenset(grant.needs), text, exact)
    return key, Met(
        (grant.id,), side, truth, frozenset(grant.needs), limit, exact, vetoes=False, is_own=own
    )


def _key(rule: Grant | Prohibition) -> tuple[object, ...]:
    """What narrows a rule."""
    return (rule.sites, rule.agents, None if rule.when is None else rule.when.text.strip())


def _strangers(books: Books, side: int, book: Rulebook) -> Iterator[tuple[object, Met]]:
    """Sites that a set does not declare are refused; said only where the sets differ in it."""
    theirs = [None if it.sites is None else frozenset(it.sites) for _, it in books.sides()]
    if theirs[0] != theirs[1] and book.sites is not None:
        outside = Not(_among("site.id", frozenset(book.sites)))
        yield ("sites", side), Met((), side, outside, vetoes=True)


def narrowed(rule: Grant | Prohibition, when: Truth) -> Truth:
    """The condition with ``sites`` and ``agents``."""
    parts: list[Truth] = []
    if rule.sites is not None:
        parts.append(_among("site.id", rule.sites))
    if rule.agents is not None:
        parts.append(_among("agent.kind", rule.agents))
    return Both((*parts, when)) if parts else when


def _among(name: str, values: Iterable[str]) -> Atom:
    texts = tuple(sorted(values))
    return Atom(name, "string", lambda value: value in texts, texts=texts)


def known_of(case: Case) -> Mapping[str, str | frozenset[str]]:
    """What is decided before the walk over the cells begins."""
    return {
        "request.resolution": case.resolution,
        "agent.roles": frozenset((case.role,)),
    }
