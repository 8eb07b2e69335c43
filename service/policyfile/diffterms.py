"""A condition as a tree of tests on single names, where it can be taken apart into such."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Final, NamedTuple, TypeAlias

from service.core.expression import Expression
from service.policyfile.celtree import Call, Constant, Items, Name, Node, walk
from service.policyfile.celvocabulary import KNOWN
from service.policyfile.diffaxis import Ordered, Value
from service.policyfile.difftext import written

MICROSECOND: Final = timedelta(microseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FLAGS_MAX: Final = 4
"""How many texts may be looked for in one list before the tests are left whole."""

Test: TypeAlias = Callable[[Value], bool | None]
"""What a test says of a value that is there."""


class Atom(NamedTuple):
    """A test on one name. ``points`` and ``texts`` are the literals that it names."""

    name: str
    type: str
    test: Test
    points: tuple[Ordered, ...] = ()
    texts: tuple[str, ...] = ()
    asks_presence: bool = False
    reads: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether it is a part of a condition that is not taken apart."""
        return self.type == ""


class Both(NamedTuple):
    """``&&``."""

    parts: tuple["Truth", ...]


class Either(NamedTuple):
    """``||``."""

    parts: tuple["Truth", ...]


class Not(NamedTuple):
    """``!``."""

    part: "Truth"


class If(NamedTuple):
    """``? :``."""

    test: "Truth"
    then: "Truth"
    other: "Truth"


Truth: TypeAlias = Atom | Both | Either | Not | If | bool


def truth_of(expression: Expression | None) -> Truth:
    """What a condition says; nothing says that it always holds."""
    if expression is None:
        return True
    tree: Node | None = getattr(expression, "tree", None)
    return _whole_text(expression) if tree is None else read_truth(tree)


def read_truth(node: Node) -> Truth:
    """The tests of a checked condition."""
    match node:
        case Constant(value=bool() as value):
            return value
        case Name(name=name) if name.startswith(KNOWN):
            return Atom(name.removeprefix(KNOWN), "", lambda _: True, asks_presence=True)
        case Name(name=name, type="bool"):
            return Atom(name, "bool", bool)
        case Call():
            return _read_call(node)
        case _:
            return _whole(node)


def _read_call(node: Call) -> Truth:
    function, args = node.function, node.args
    if function in ("_&&_", "_||_"):
        parts = tuple(read_truth(arg) for arg in args)
        return Both(parts) if function == "_&&_" else Either(parts)
    if function == "!_":
        return Not(read_truth(args[0]))
    if function == "_?_:_":
        return If(*(read_truth(arg) for arg in args))
    compared = _comparison(function, *args) if len(args) == 2 else None  # noqa: PLR2004 - two sides
    return _whole(node) if compared is None else compared


def atoms(truth: Truth) -> Iterator[Atom]:
    """Every test of a condition."""
    match truth:
        case Atom():
            yield truth
        case Both(parts) | Either(parts):
            for part in parts:
                yield from atoms(part)
        case Not(part):
            yield from atoms(part)
        case If(test, then, other):
            for part in (test, then, other):
                yield from atoms(part)
        case _:
            pass


_TESTS: Final[Mapping[str, Callable[[Ordered, Ordered], bool]]] = {
    "_<_": lt,
    "_<=_": le,
    "_>_": gt,
    "_>=_": ge,
    "_==_": eq,
    "_!=_": ne,
}
_FLIPPED: Final = {"_<_": "_>_", "_<=_": "_>=_", "_>_": "_<_", "_>=_": "_<=_"}


def _comparison(function: str, left: Node, right: Node) -> Atom | None:
    """A name against a literal; ``None`` where it is something else."""
    if function == "@in":
        return _membership(left, right)
    if isinstance(right, Name) and not isinstance(left, Name):
        left, right, function = right, left, _FLIPPED.get(function, function)
    if function not in _TESTS or not isinstance(left, Name) or left.name.startswith(KNOWN):
        return None
    value = literal(right)
    if isinstance(value, str | bool):
        return _sameness(function, left, value)
    if value is None or left.type in ("string", "bool", "list(string)"):
        return None
    return _ordered(left, _TESTS[function], value)


def _sameness(function: str, left: Name, value: str | bool) -> Atom | None:  # noqa: FBT001 - a literal
    if function not in ("_==_", "_!=_"):
        return None
    same = function == "_==_"
    texts = (value,) if isinstance(value, str) else ()
    return Atom(left.name, left.type, lambda it: (it == value) is same, texts=texts)


def _ordered(left: Name, test: Callable[[Ordered, Ordered], bool], point: Ordered) -> Atom:
    def against(value: Value) -> bool | None:
        return test(value, point) if isinstance(value, int | Fraction) else None

    return Atom(left.name, left.type, against, points=(point,))


def _membership(left: Node, right: Node) -> Atom | None:
    match left, right:
        case Constant(value=str() as text), Name(name=name, type="list(string)"):
            return Atom(name, right.type, lambda it: _has(it, text), texts=(text,))
        case Name(name=name, type=kind), Items(args=args):
            values = [literal(arg) for arg in args]
            texts = tuple(it for it in values if isinstance(it, str))
            if len(texts) == len(values) and kind == "string":
                return Atom(name, kind, lambda it: it in texts, texts=texts)
            points = tuple(it for it in values if isinstance(it, int | Fraction))
            is_ordered = len(points) == len(values) and kind not in ("string", "bool")
            return Atom(name, kind, lambda it: it in points, points=points) if is_ordered else None
        case _:
            return None


def _has(value: Value, text: str) -> bool | None:
    return text in value if isinstance(value, frozenset) else None


_DURATION: Final = re.compile(r"(-?)(\d+)(h|m|s|ms)")
_UNIT: Final = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}


def literal(node: Node) -> Ordered | str | bool | None:
    """The value of a literal: instants and durations in microseconds. ``None`` is no literal."""
    match node:
        case Constant(value=bool() | str() | int() as value):
            return value
        case Constant(value=float() as number):
            return Fraction(number)
        case Call(args=(Constant(value=value),)):
            reader = _LITERALS.get(node.function)
            return None if reader is None else reader(value)
        case _:
            return None


def _days(value: object) -> int | None:
    return value * 24 * _UNIT["h"] if isinstance(value, int) else None


def _duration(value: object) -> int | None:
    found = _DURATION.fullmatch(str(value))
    return None if found is None else int(found[1] + found[2]) * _UNIT[found[3]]


def _instant(value: object) -> int | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    at = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (at - EPOCH) // MICROSECOND


_LITERALS: Final[Mapping[str, Callable[[object], int | None]]] = {
    "days": _days,
    "duration": _duration,
    "date": _instant,
    "timestamp": _instant,
}


def _whole(node: Node) -> Atom:
    """A part that is left whole: it may hold, not hold, or end in an error."""
    reads = frozenset(it.name for it in walk(node) if isinstance(it, Name))
    return Atom(written(node), "", _itself, reads=reads)


def _whole_text(expression: Expression) -> Atom:
    return Atom(expression.text.strip(), "", _itself, reads=expression.mentions)


def _itself(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None
