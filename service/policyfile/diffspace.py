"""The space of all requests for one resolution: an axis for each name that some rule reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Final

from service.core.factvalue import INTEGER_MAX
from service.core.money import MINOR_MAX, format_minor
from service.core.request import QUANTITY_MAX
from service.core.rulebook import Fact, FactType, Rulebook
from service.policyfile.celvocabulary import ALWAYS_OPTIONAL
from service.policyfile.diffaxis import (
    ABSENT,
    FALSE,
    NO,
    TRUE,
    UNSAID,
    YES,
    Axis,
    Class,
    Flags,
    Ordered,
    Range,
    flags,
    spans,
    words,
)
from service.policyfile.diffterms import (
    EPOCH,
    FLAGS_MAX,
    MICROSECOND,
    Atom,
    Truth,
    atoms,
)

UNDECIDED: Final = -1
AMOUNT: Final = "request.amount"
QUANTITY: Final = "request.quantity"
_DAY: Final = timedelta(days=1) // MICROSECOND
_SECOND: Final = timedelta(seconds=1) // MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is proposed: an amount, or, where a unit has a constant ``worth``, a quantity.

    ``least`` is 0 where the worth of a unit is computed, and may come to nothing.
    """

    worth: int | None = None
    least: int = 1

    @property
    def name(self) -> str:
        """The name whose axis it is."""
        return AMOUNT if self.worth is None else QUANTITY

    def points(self, atom: Atom) -> Iterator[Ordered]:
        """The sizes at which a test on the amount or the quantity may turn over."""
        if atom.name == self.name:
            yield from atom.points
        elif atom.name == AMOUNT and self.worth:
            for point in atom.points:
                yield from (point // self.worth, point // self.worth + 1)

    def seen(self, atom: Atom, size: Ordered) -> Ordered | None:
        """What a test sees of a size; ``None`` where there is nothing to see."""
        if atom.name == self.name:
            return size
        return None if self.worth is None else size * self.worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The axes of one resolution. The one of the size comes last, where rules read it."""

    axes: tuple[Axis, ...]
    places: Mapping[str, int]
    size: Size

    @property
    def size_place(self) -> int | None:
        """Where the axis of the size stands."""
        return self.places.get(self.size.name)

    def start(self, known: Mapping[str, str | frozenset[str]]) -> list[int]:
        """A place at which only these names are decided."""
        at = [UNDECIDED] * len(self.axes)
        for name, value in known.items():
            if name in self.places:
                at[self.places[name]] = self.axes[self.places[name]].index_of(value)
        return at


class SpaceBuilder:
    """Builds the space of a resolution from what its rules read."""

    def __init__(
        self,
        books: Sequence[Rulebook],
        sizes: Sequence[Size],
        truths: Iterable[Truth],
        *,
        has_unit: bool = False,
    ) -> None:
        """``books`` are those whose rules are compared; a name may be what it is in any.

        ``sizes`` are how each measures what is given, by the same name. With a unit whose
        worth is computed, the quantity is a name like any other.
        """
        self._books = books
        self._sizes = sizes
        self._size = sizes[0]
        self._has_unit = has_unit
        self._atoms: dict[str, list[Atom]] = {}
        for truth in truths:
            for atom in atoms(truth):
                self._atoms.setdefault(atom.name, []).append(atom)
        self._split_long_lists()

    def space(self) -> Space:
        """The space: facts and built-ins in the order in which they are first read."""
        names = [name for name in self._atoms if name not in (AMOUNT, QUANTITY)]
        axes = [self._axis(name) for name in names]
        sized = [self._atoms.get(name, []) for name in (AMOUNT, QUANTITY)]
        if self._reads_size(*sized):
            axes.append(self._size_axis([atom for found in sized for atom in found]))
        elif sized[1] and self._size.name == AMOUNT and self._has_unit:
            among = Range(least=1, most=QUANTITY_MAX)
            axes.insert(0, Axis(name=QUANTITY, classes=spans(_points(sized[1]), among)))
        places = {axis.name: place for place, axis in enumerate(axes)}
        return Space(axes=tuple(axes), places=places, size=self._size)

    def _reads_size(self, of_amount: Sequence[Atom], of_quantity: Sequence[Atom]) -> bool:
        return bool(of_amount or (of_quantity and self._size.name == QUANTITY))

    def _size_axis(self, found: Sequence[Atom]) -> Axis:
        points = {point for size in self._sizes for atom in found for point in size.points(atom)}
        by_unit = self._size.name == QUANTITY
        among = Range(least=self._size.least, most=QUANTITY_MAX if by_unit else MINOR_MAX)
        shown = str if by_unit else self._money
        return Axis(name=self._size.name, classes=spans(points, among), shown=shown)

    def _split_long_lists(self) -> None:
        """Where many texts are looked for in one list, each search is an axis of its own."""
        for name, found in list(self._atoms.items()):
            texts = {text for atom in found for text in atom.texts}
            is_list = any(atom.type == "list(string)" for atom in found)
            if is_list and len(texts) > FLAGS_MAX and name != "agent.roles":
                del self._atoms[name]
                for atom in found:
                    self._atoms.setdefault(search_of(atom), []).append(atom)

    def _axis(self, name: str) -> Axis:
        found = self._atoms[name]
        facts = [book.facts[name] for book in self._books if name in book.facts]
        if any(atom.is_whole and not atom.asks_presence for atom in found) or _mixed(found):
            classes: tuple[Class, ...] = (TRUE, FALSE, UNSAID)
            return Axis(name=name, classes=classes, is_exact=False)
        if name not in {atom.name for atom in found}:  # a search in a list with many
            return Axis(name=name, classes=(TRUE, FALSE, ABSENT), is_exact=False)
        classes, shown = self._classes(name, found, facts)
        if facts or name in ALWAYS_OPTIONAL:
            classes = (*classes, ABSENT)
        return Axis(name=name, classes=classes, shown=shown)

    def _classes(
        self, name: str, found: Sequence[Atom], facts: Sequence[Fact]
    ) -> tuple[tuple[Class, ...], Callable[[Ordered], str]]:
        """The classes of a name by its type, and how its values are shown."""
        texts = [text for atom in found for text in atom.texts]
        kind = facts[0].type if facts else _BUILT_IN.get(name, FactType.TEXT)
        match kind:
            case FactType.TEXTS:
                return (_one_each(texts) if name == "agent.roles" else flags(texts)), str
            case FactType.BOOLEAN:
                return (YES, NO), str
            case FactType.TEXT | FactType.CHOICE:
                return words(texts, self._known(name, facts)), str
            case _:
                among = self._range(kind, facts)
                return spans(_points(found), among), self._shown(kind)

    def _known(self, name: str, facts: Sequence[Fact]) -> Sequence[str] | None:
        """All texts that a name can be; ``None`` where there is no end of them."""
        if name == "agent.kind":
            return ("human", "ai")
        if name == "site.id":
            every = [book.sites for book in self._books]
            declared = [site for sites in every if sites is not None for site in sites]
            return None if None in every else list(dict.fromkeys(declared))
        if name == "request.resolution":
            return list(dict.fromkeys(it for book in self._books for it in book.resolutions))
        choices = [choice for fact in facts for choice in fact.choices]
        return list(dict.fromkeys(choices)) or None

    def _range(self, kind: FactType, facts: Sequence[Fact]) -> Range:
        match kind:
            case FactType.MONEY:
                return Range(least=0, most=MINOR_MAX)
            case FactType.INTEGER:
                return Range(
                    least=min((_or(it.least, -INTEGER_MAX) for it in facts), default=None),
                    most=max((_or(it.most, INTEGER_MAX) for it in facts), default=None),
                )
            case FactType.NUMBER:
                return Range(step=None)
            case FactType.DATE:
                return Range(step=_DAY)
            case FactType.DURATION:
                return Range(least=0, step=_SECOND)
            case _:
                return Range()

    def _shown(self, kind: FactType) -> Callable[[Ordered], str]:
        return {
            FactType.MONEY: self._money,
            FactType.DATE: _day_shown,
            FactType.TIMESTAMP: _instant_shown,
            FactType.DURATION: _duration_shown,
            FactType.NUMBER: _number_shown,
        }.get(kind, str)

    def _money(self, minor: Ordered) -> str:
        book = self._books[-1]
        return f"{format_minor(int(minor), book.decimals)} {book.currency}"


_BUILT_IN: Final = {
    "now": FactType.TIMESTAMP,
    "agent.roles": FactType.TEXTS,
    QUANTITY: FactType.INTEGER,
}


def _one_each(texts: Iterable[str]) -> tuple[Flags, ...]:
    """Whoever is asked about holds one role, so a list of roles has at most one of the texts."""
    among = frozenset(texts)
    return tuple(Flags(chosen, among) for chosen in (frozenset[str](), *map(_alone, sorted(among))))


def _alone(text: str) -> frozenset[str]:
    return frozenset((text,))


def search_of(atom: Atom) -> str:
    """The axis of one search in a list, where each has its own."""
    return f'"{atom.texts[0]}" in {atom.name}' if atom.texts else atom.name


def _mixed(found: Sequence[Atom]) -> bool:
    """Whether a name has one type in one set and another in the other."""
    return len({atom.type for atom in found if not atom.asks_presence}) > 1


def _points(found: Iterable[Atom]) -> set[Ordered]:
    return {point for atom in found for point in atom.points}


def _or(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


def _day_shown(value: Ordered) -> str:
    return (EPOCH + int(value) * MICROSECOND).date().isoformat()


def _instant_shown(value: Ordered) -> str:
    return (EPOCH + int(value) * MICROSECOND).isoformat().replace("+00:00", "Z")


def _duration_shown(value: Ordered) -> str:
    seconds = int(value) // _SECOND
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0 and seconds:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _number_shown(value: Ordered) -> str:
    fraction = Fraction(value)
    return str(fraction.numerator) if fraction.denominator == 1 else f"{float(fraction):g}"
