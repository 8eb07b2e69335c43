"""What conditions say at a place where some names are decided and others are not yet."""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final, TypeAlias

from service.policyfile.diffaxis import Absent, Class, Says, Span, Value
from service.policyfile.diffspace import AMOUNT, QUANTITY, Size, Space, search_of
from service.policyfile.diffterms import Atom, Both, Either, If, Not, Truth, atoms


class Verdict(IntEnum):
    """What is known of a condition where some names are not decided yet."""

    FALSE = 0
    TRUE = 1
    ERROR = 2
    OPEN = 3


Judge: TypeAlias = Callable[[Sequence[int]], int]
"""A `Verdict` at a place: for each axis the number of a class, or `diffspace.UNDECIDED`."""


def places_of(truth: Truth, space: Space) -> tuple[int, ...]:
    """The axes that a condition reads, each once, in its order."""
    found = (
        space.places.get(atom.name, space.places.get(search_of(atom))) for atom in atoms(truth)
    )
    return tuple(dict.fromkeys(place for place in found if place is not None))


def judge_of(truth: Truth, space: Space, size: Size) -> Judge:
    """What a condition says at a place of the space; ``size`` as one of the books sees it."""
    match truth:
        case bool():
            verdict = Verdict.TRUE if truth else Verdict.FALSE
            return lambda _: verdict
        case Both(parts):
            return _absorbing([judge_of(it, space, size) for it in parts], Verdict.FALSE)
        case Either(parts):
            return _absorbing([judge_of(it, space, size) for it in parts], Verdict.TRUE)
        case Not(part):
            inner = judge_of(part, space, size)
            return lambda at: _NEGATED[inner(at)]
        case If(test, then, other):
            return _choosing(*(judge_of(it, space, size) for it in (test, then, other)))
        case _:
            return _judge_atom(truth, space, size)


_NEGATED: Final = (Verdict.TRUE, Verdict.FALSE, Verdict.ERROR, Verdict.OPEN)


def _absorbing(parts: Sequence[Judge], decisive: Verdict) -> Judge:
    """``&&`` and ``||``: what is decisive on one side outweighs an error on the other.

    Where nothing is decisive, the open part outweighs the error, and that the neutral one:
    the largest verdict, as they are numbered.
    """
    neutral, error = _NEGATED[decisive], Verdict.ERROR

    def judge(at: Sequence[int]) -> int:
        found: int = neutral
        for part in parts:
            verdict = part(at)
            if verdict == decisive:
                return decisive
            if verdict >= error and verdict > found:
                found = verdict
        return found

    return judge


def _choosing(test: Judge, then: Judge, other: Judge) -> Judge:
    def judge(at: Sequence[int]) -> int:
        verdict = test(at)
        if verdict == Verdict.TRUE:
            return then(at)
        return other(at) if verdict == Verdict.FALSE else verdict

    return judge


def _judge_atom(atom: Atom, space: Space, size: Size) -> Judge:
    if atom.name in (AMOUNT, QUANTITY):
        return _judge_size(atom, space, size)
    place = space.places.get(atom.name)
    if place is None:
        place = space.places[search_of(atom)]
    return _looking_up(place, [_says(atom, it) for it in space.axes[place].classes])


def _looking_up(place: int, table: Sequence[Verdict]) -> Judge:
    """What a table says of the class at a place; what is undecided (-1) stands at its end."""
    whole = (*table, Verdict.OPEN)
    return lambda at: whole[at[place]]


def _judge_size(atom: Atom, space: Space, size: Size) -> Judge:
    """A test on what is proposed. A quantity of an amount of money is an error."""
    place = space.places.get(atom.name, space.size_place)
    if place is None or (atom.name == QUANTITY and space.axes[place].name == AMOUNT):
        return lambda _: Verdict.ERROR
    classes = space.axes[place].classes
    table = [
        _verdict(atom.test(size.seen(atom, it.value) if atom.name == AMOUNT else it.value))
        for it in classes
        if isinstance(it, Span)
    ]
    return _looking_up(place, table)


def _says(atom: Atom, it: Class) -> Verdict:
    if isinstance(it, Says):
        return _verdict(it.value)
    if atom.asks_presence:
        return Verdict.FALSE if isinstance(it, Absent) else Verdict.TRUE
    return Verdict.ERROR if isinstance(it, Absent) else _verdict(atom.test(it.value))


def _verdict(says: Value) -> Verdict:
    if says is True:
        return Verdict.TRUE
    return Verdict.FALSE if says is False else Verdict.ERROR
