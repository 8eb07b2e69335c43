"""The values that one name may take, cut into classes that no condition tells apart.

A condition of a policy compares a fact with literals, so between two neighbouring literals it
says the same of every value. That makes the space of all requests finite: one axis for each
name that is read, a few classes on each, and one value that stands for its class.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

Ordered: TypeAlias = int | Fraction
Value: TypeAlias = Ordered | str | bool | frozenset[str] | None
"""A value on an axis: instants and durations are microseconds; ``None`` is absent."""


@dataclass(frozen=True, slots=True)
class Span:
    """Values from ``low`` to ``high``, both included unless ``is_open``; ``None`` is no end."""

    low: Ordered | None
    high: Ordered | None
    value: Ordered
    is_open: bool = False

    def holds(self, value: Value) -> bool:
        """Whether a value lies in it."""
        if value is None or not isinstance(value, int | Fraction):
            return False
        above = self.low is None or self.low < value or (value == self.low and not self.is_open)
        below = self.high is None or value < self.high or (value == self.high and not self.is_open)
        return above and below


@dataclass(frozen=True, slots=True)
class Word:
    """One text, or one of true and false."""

    value: str | bool

    def holds(self, value: Value) -> bool:
        """Whether it is that very value."""
        return value == self.value and type(value) is type(self.value)


@dataclass(frozen=True, slots=True)
class Others:
    """Every text but these. ``known`` are all there are; empty where there is no end of them."""

    but: frozenset[str]
    known: tuple[str, ...]
    value: str

    def holds(self, value: Value) -> bool:
        """Whether it is a text that no condition names."""
        return isinstance(value, str) and value not in self.but


@dataclass(frozen=True, slots=True)
class Flags:
    """A list of texts that has just these of all the texts that conditions look for."""

    value: frozenset[str]
    among: frozenset[str]

    def holds(self, value: Value) -> bool:
        """Whether a list has just these."""
        return isinstance(value, frozenset) and value & self.among == self.value


@dataclass(frozen=True, slots=True)
class Absent:
    """The fact was not told."""

    value: None = None

    def holds(self, value: Value) -> bool:
        """Whether there is no value."""
        return value is None


@dataclass(frozen=True, slots=True)
class Says:
    """A part of a condition that is not taken apart: true, false, or (``None``) in error."""

    value: bool | None

    def holds(self, value: Value) -> bool:  # noqa: ARG002 - nobody can say of a value alone
        """Never known from a value."""
        return True


Class: TypeAlias = Span | Word | Others | Flags | Absent | Says
ABSENT: Final = Absent()
YES, NO = Word(value=True), Word(value=False)
TRUE, FALSE, UNSAID = Says(value=True), Says(value=False), Says(value=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A name and its classes, which do not overlap and leave nothing out.

    ``shown`` writes an ordered value as people do. ``is_exact`` is false for a part of a
    condition that is not taken apart.
    """

    name: str
    classes: tuple[Class, ...]
    shown: Callable[[Ordered], str] = str
    is_exact: bool = True

    def index_of(self, value: Value) -> int:
        """The class of a value. Raises `StopIteration` where it has none."""
        return next(number for number, it in enumerate(self.classes) if it.holds(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which ordered values a name may take: from, to, and how far apart; no step is dense."""

    least: Ordered | None = None
    most: Ordered | None = None
    step: int | None = 1


def spans(points: Iterable[Ordered], among: Range) -> tuple[Span, ...]:
    """Every point that is a value of the range, and what lies between, before and after them."""
    found: list[Span] = []
    start, includes = among.least, True
    for point in sorted(set(points)):
        if _within(point, among):
            found.extend(_gap(start, point, among.step, (includes, False)))
            if among.step is None or point % among.step == 0:
                found.append(Span(point, point, point))
            start, includes = point, False
    found.extend(_gap(start, among.most, among.step, (includes, True)))
    return tuple(found)


def _within(point: Ordered, among: Range) -> bool:
    return (among.least is None or among.least <= point) and (
        among.most is None or point <= among.most
    )


def _gap(
    low: Ordered | None, high: Ordered | None, step: int | None, ends: tuple[bool, bool]
) -> Iterable[Span]:
    """The values between two points, if there are any; ``ends`` says which of the two belong."""
    if step is None:
        if low is None or high is None or low < high:
            yield Span(low, high, _between(low, high), is_open=True)
        return
    start = None if low is None else _next_multiple(low, step, itself=ends[0])
    stop = None if high is None else _last_multiple(high, step, itself=ends[1])
    if start is None or stop is None or start <= stop:
        yield Span(start, stop, start if start is not None else stop if stop is not None else 0)


def _next_multiple(point: Ordered, step: int, *, itself: bool) -> int:
    if itself and point % step == 0:
        return int(point)
    return int(point // step + 1) * step


def _last_multiple(point: Ordered, step: int, *, itself: bool) -> int:
    if point % step == 0:
        return int(point) if itself else int(point) - step
    return int(point // step) * step


def _between(low: Ordered | None, high: Ordered | None) -> Fraction:
    if low is None:
        return Fraction(0) if high is None else Fraction(high) - 1
    return Fraction(low) + 1 if high is None else (Fraction(low) + Fraction(high)) / 2


def words(named: Iterable[str], known: Sequence[str] | None) -> tuple[Word | Others, ...]:
    """The texts that conditions name, and every other; ``known`` are all that there can be."""
    named = sorted(set(named))
    if known is not None:
        left = tuple(text for text in known if text not in named)
        listed = [text for text in known if text in named]
        rest = [Others(frozenset(named), left, left[0])] if left else []
        return (*(Word(text) for text in listed), *rest)
    other = "other"
    while other in named:
        other += "_"
    return (*(Word(text) for text in named), Others(frozenset(named), (), other))


def flags(looked_for: Iterable[str]) -> tuple[Flags, ...]:
    """Every choice of the texts that conditions look for in a list."""
    among = frozenset(looked_for)
    found: list[frozenset[str]] = [frozenset()]
    for text in sorted(among):
        found += [chosen | {text} for chosen in found]
    return tuple(Flags(chosen, among) for chosen in found)


def tell(axis: Axis, chosen: frozenset[int]) -> str:
    """Some classes of an axis in words, such as ``incident.severity from 3 on``."""
    kinds = [axis.classes[number] for number in sorted(chosen)]
    told = [it for it in kinds if not isinstance(it, Absent)]
    if not told:
        return f"{axis.name} not told"
    return _told(axis, told) + (" or not told" if len(told) < len(kinds) else "")


def _told(axis: Axis, kinds: Sequence[Class]) -> str:
    match kinds[0]:
        case Says():
            said = {it.value for it in kinds}
            words_for = {True: "holds", False: "does not hold", None: "cannot be said"}
            return f"`{axis.name}` {' or '.join(words_for[it] for it in words_for if it in said)}"
        case Flags():
            return " or ".join(_flags_told(axis.name, it) for it in kinds if isinstance(it, Flags))
        case Word() | Others():
            return _words_told(axis, kinds)
        case _:
            whole = [it for it in axis.classes if not isinstance(it, Absent)]
            if len(kinds) == len(whole):
                return f"{axis.name} told"
            runs = _runs(axis, [it for it in kinds if isinstance(it, Span)])
            return f"{axis.name} {' or '.join(_run_told(axis, run) for run in runs)}"


def _flags_told(name: str, it: Flags) -> str:
    has, lacks = sorted(it.value), sorted(it.among - it.value)
    parts = [f"{name} with {', '.join(has)}"] if has else []
    parts += [f"{'without' if parts else name + ' without'} {', '.join(lacks)}"] if lacks else []
    return " ".join(parts)


def _words_told(axis: Axis, kinds: Sequence[Class]) -> str:
    """``is a or b``, or what it is not where that is all that is left out."""
    others = next((it for it in kinds if isinstance(it, Others)), None)
    named = [it.value for it in kinds if isinstance(it, Word)]
    if others is None or others.known:
        listed = [*(_word(it) for it in named), *(others.known if others else ())]
        return f"{axis.name} {' or '.join(listed)}"
    left = [_word(it) for it in sorted(others.but - {str(it) for it in named})]
    return f"{axis.name} not {' or '.join(left)}" if left else f"{axis.name} told"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _runs(axis: Axis, kinds: Sequence[Span]) -> list[tuple[Span, Span]]:
    """Neighbouring spans as one: the first and the last of each run."""
    runs: list[tuple[Span, Span]] = []
    places = {it: number for number, it in enumerate(axis.classes)}
    for it in kinds:
        if runs and places[it] == places[runs[-1][1]] + 1:
            runs[-1] = (runs[-1][0], it)
        else:
            runs.append((it, it))
    return runs


def _run_told(axis: Axis, run: tuple[Span, Span]) -> str:
    first, last = run
    if first.low is not None and first.low == last.high:
        return axis.shown(first.low)
    ordered = [it for it in axis.classes if isinstance(it, Span)]
    low = None if first is ordered[0] else first.low
    high = None if last is ordered[-1] else last.high
    if low is None and high is not None:
        return f"{'below' if last.is_open else 'up to'} {axis.shown(high)}"
    if high is None and low is not None:
        return f"above {axis.shown(low)}" if first.is_open else f"from {axis.shown(low)} on"
    if low is None or high is None:
        return "told"
    return f"{axis.shown(low)} to {axis.shown(high)}"
