"""Conditions and computed limits as small trees, evaluated plainly and printed as CEL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import prod
from typing import Protocol, TypeAlias

Value: TypeAlias = str | int | bool | float | datetime | timedelta | list[str]
"""Money is whole minor units, a date is midnight UTC."""


@dataclass(frozen=True)
class Lack:
    """No value: the evaluation ended in an error. ``absent`` are the facts that it misses.

    With none absent the error is the rule's own fault.
    """

    absent: frozenset[str]


View: TypeAlias = Mapping[str, Value | Lack]
"""What a rule can see, by name. A name that is not there is an absent fact."""


class Undefined(Exception):  # noqa: N818 - CEL's word for it, and no failure of the test
    """A term has no value."""


class Term(Protocol):
    """A node of a tree."""

    def value(self, view: View) -> Value:
        """Raises `Undefined` as CEL would end in an error."""

    def reads(self) -> frozenset[str]:
        """Every name outside ``known()``."""

    def cel(self, decimals: int) -> str:
        """The text a manager would write, in a currency of so many decimals."""


def judge(term: Term, view: View) -> Value | Lack:
    """The value, or what is missing for one."""
    try:
        return term.value(view)
    except Undefined:
        return Lack(frozenset().union(*(_absent(name, view) for name in term.reads())))


def _absent(name: str, view: View) -> frozenset[str]:
    seen = view.get(name)
    if isinstance(seen, Lack):
        return seen.absent
    return frozenset() if name in view else frozenset({name})


@dataclass(frozen=True)
class Name:
    """A fact or a built-in."""

    name: str

    def value(self, view: View) -> Value:
        """What the request says."""
        seen = view.get(self.name)
        if seen is None or isinstance(seen, Lack):
            raise Undefined
        return seen

    def reads(self) -> frozenset[str]:
        """Itself."""
        return frozenset({self.name})

    def cel(self, decimals: int) -> str:
        """Itself."""
        del decimals
        return self.name


@dataclass(frozen=True)
class Known:
    """Whether a fact is there."""

    name: str

    def value(self, view: View) -> bool:
        """Never undefined."""
        return self.name in view

    def reads(self) -> frozenset[str]:
        """Nothing: asking is not reading."""
        return frozenset()

    def cel(self, decimals: int) -> str:
        """A call."""
        del decimals
        return f"known({self.name})"


@dataclass(frozen=True)
class Money:
    """A constant amount."""

    minor: int

    def value(self, view: View) -> int:
        """Minor units."""
        del view
        return self.minor

    def reads(self) -> frozenset[str]:
        """Nothing."""
        return frozenset()

    def cel(self, decimals: int) -> str:
        """A call with a text."""
        return f'money("{major(self.minor, decimals)}")'


@dataclass(frozen=True)
class Constant:
    """Any other constant, with the CEL text that stands for it."""

    constant: Value
    text: str

    def value(self, view: View) -> Value:
        """The constant."""
        del view
        return self.constant

    def reads(self) -> frozenset[str]:
        """Nothing."""
        return frozenset()

    def cel(self, decimals: int) -> str:
        """The text."""
        del decimals
        return self.text


@dataclass(frozen=True)
class Apply:
    """An operator or a function over terms: ``&&``, ``<=``, ``percent`` and so on."""

    op: str
    args: tuple[Term, ...]

    def value(self, view: View) -> Value:
        """Strict in every argument but for ``&&``, ``||`` and ``?:``."""
        if self.op in {"&&", "||"}:
            return self._either_side_decides(view, decisive=self.op == "||")
        if self.op == "?:":
            test, yes, no = self.args
            return yes.value(view) if test.value(view) else no.value(view)
        return _strict(self.op, [arg.value(view) for arg in self.args])

    def _either_side_decides(self, view: View, *, decisive: bool) -> bool:
        """``false && error`` is false and so is ``error && false``; ``||`` is its mirror."""
        sides = [judge(arg, view) for arg in self.args]
        if decisive in [side for side in sides if isinstance(side, bool)]:
            return decisive
        if any(isinstance(side, Lack) for side in sides):
            raise Undefined
        return not decisive

    def reads(self) -> frozenset[str]:
        """What the arguments read."""
        return frozenset().union(*(arg.reads() for arg in self.args))

    def cel(self, decimals: int) -> str:
        """Bracketed throughout."""
        texts = [arg.cel(decimals) for arg in self.args]
        if self.op == "!":
            return f"!({texts[0]})"
        if self.op == "?:":
            return f"({texts[0]} ? {texts[1]} : {texts[2]})"
        if self.op.isalpha() and self.op != "in":
            return f"{self.op}({', '.join(texts)})"
        return f"({texts[0]} {self.op} {texts[1]})"


def _strict(op: str, args: list[Value]) -> Value:
    match op, args:
        case "!", [bool(a)]:
            return not a
        case "==", [a, b]:
            return a == b
        case "!=", [a, b]:
            return a != b
        case "in", [a, list(b)]:
            return a in b
        case (("<" | "<="), [a, b]):
            return _order(a, b) < (op == "<=")  # -1, 0 or 1 is less than 0, or than 1
        case _:
            return _reckoned(op, args)


def _reckoned(op: str, args: list[Value]) -> Value:
    match op, args:
        case "-", [datetime() as a, datetime() as b]:
            return a - b
        case "-", [int(a), int(b)]:
            if a < b:
                raise Undefined  # money has no sign
            return a - b
        case "percent", [int(a), int(b) | float(b)]:
            return round(Fraction(a) * Fraction(b) / 100)  # half to even
        case _:
            return _FOLDS[op]([arg for arg in args if isinstance(arg, int)])


_FOLDS: dict[str, Callable[[list[int]], int]] = {
    "+": sum,
    "times": prod,
    "least": min,
    "greatest": max,
}


def _order(a: Value, b: Value) -> int:
    """-1, 0 or 1 as ``a`` is less than, equal to or more than ``b``."""
    match a, b:
        case ((int() | float()), (int() | float())):
            return (a > b) - (a < b)
        case datetime(), datetime():
            return (a > b) - (a < b)
        case timedelta(), timedelta():
            return (a > b) - (a < b)
        case _:
            raise AssertionError((a, b))


def major(minor: int, decimals: int) -> str:
    """The amount as a manager writes it: ``20050`` is ``"200.50"`` in dollars."""
    whole, part = divmod(minor, 10**decimals)
    return f"{whole}.{part:0{decimals}d}" if decimals else str(whole)
