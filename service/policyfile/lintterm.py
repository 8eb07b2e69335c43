"""Functions and operators of conditions as terms for Z3: whether there is a value, and which."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

from service.policyfile.celtree import Call
from service.policyfile.lintvalues import constant_of

try:
    import z3
except ImportError:  # an optional part: what it would decide stays open
    z3 = None

__all__ = ["BUILDERS", "INT_MAX", "SORTS", "Z3", "Term", "any_number", "fixed", "z3"]

Z3: TypeAlias = Any
"""Something of the solver's, which has no types."""

INT_MAX: Final = 2**63 - 1
_UINT_MAX: Final = 2**64 - 1


class Term(NamedTuple):
    """Whether an expression has a value, and the value."""

    defined: Z3
    value: Z3


def fixed(value: Z3) -> Term:
    """A value that is always there."""
    return Term(z3.And(), value)


def any_number(name: str) -> Z3:
    """A whole number: also codes of texts, and instants in microseconds."""
    return z3.Int(name)


SORTS: Final[Mapping[str, Callable[[str], Z3]]] = {
    "bool": lambda name: z3.Bool(name),  # noqa: PLW0108 - it may not be there yet
    "double": lambda name: z3.Real(name),  # noqa: PLW0108 - it may not be there yet
}

# ── one builder for each function ──

_Builder = Callable[[list[Term], Call], Term | None]


def _and(args: list[Term], _: Call) -> Term:
    left, right = args
    value = z3.And(left.defined, left.value, right.defined, right.value)
    decided = [z3.And(side.defined, z3.Not(side.value)) for side in args]
    return Term(z3.Or(z3.And(left.defined, right.defined), *decided), value)


def _or(args: list[Term], _: Call) -> Term:
    value = z3.Or(*(z3.And(side.defined, side.value) for side in args))
    return Term(z3.Or(value, z3.And(*(side.defined for side in args))), value)


def _not(args: list[Term], _: Call) -> Term:
    return Term(args[0].defined, z3.Not(args[0].value))


def _choose(args: list[Term], _: Call) -> Term:
    test, yes, no = args
    defined = z3.And(test.defined, z3.If(test.value, yes.defined, no.defined))
    return Term(defined, z3.If(test.value, yes.value, no.value))


def _compare(relate: Callable[[Z3, Z3], Z3]) -> _Builder:
    def build(args: list[Term], node: Call) -> Term | None:
        ordered = node.function not in ("_==_", "_!=_")
        if ordered and node.args[0].type in ("string", "bool"):
            return None
        if any(arg.type.startswith(("list", "map")) for arg in node.args):
            return None
        left, right = args
        return Term(z3.And(left.defined, right.defined), relate(left.value, right.value))

    return build


def _sum(sign: int) -> _Builder:
    def build(args: list[Term], node: Call) -> Term | None:
        if node.type in ("string", "double") or node.type.startswith("list"):
            return None
        left, right = args
        value = left.value + right.value if sign > 0 else left.value - right.value
        return _in_range([left, right], value, node.type)

    return build


def _product(args: list[Term], node: Call) -> Term | None:
    left, right = args
    return _in_range(args, left.value * right.value, node.type) if node.type == "int" else None


def _in_range(args: list[Term], value: Z3, kind: str) -> Term:
    """A value where the arguments have one, and it is none that overflows."""
    least, most = (0, _UINT_MAX) if kind == "uint" else (-INT_MAX, INT_MAX)
    there = [arg.defined for arg in args]
    return Term(z3.And(*there, value >= least, value <= most), value)


def _times(args: list[Term], node: Call) -> Term:
    amount, factor = args
    found = _in_range(args, amount.value * factor.value, node.type)
    return Term(z3.And(found.defined, factor.value >= 0), found.value)


def _percent(args: list[Term], node: Call) -> Term | None:
    """Half to even of a constant or whole share."""
    amount, share = args
    exact = constant_of(node.args[1])
    if isinstance(exact, int | float) and exact >= 0:
        fraction = Fraction(repr(exact)) / 100
        numerator, denominator = amount.value * fraction.numerator, fraction.denominator
    elif share.value.sort() == z3.IntSort():
        numerator, denominator = amount.value * share.value, 100
    else:
        return None
    whole, rest = numerator / denominator, numerator % denominator
    up = z3.Or(2 * rest > denominator, z3.And(2 * rest == denominator, whole % 2 == 1))
    found = _in_range(args, whole + z3.If(up, 1, 0), node.type)
    return Term(z3.And(found.defined, numerator >= 0), found.value)


def _extreme(keep: Callable[[Z3, Z3], Z3]) -> _Builder:
    def build(args: list[Term], _: Call) -> Term:
        value = args[0].value
        for arg in args[1:]:
            value = z3.If(keep(arg.value, value), arg.value, value)
        return Term(z3.And(*(arg.defined for arg in args)), value)

    return build


BUILDERS: Final[Mapping[str, _Builder]] = {
    "_&&_": _and,
    "_||_": _or,
    "!_": _not,
    "_?_:_": _choose,
    "_==_": _compare(lambda left, right: left == right),
    "_!=_": _compare(lambda left, right: left != right),
    "_<_": _compare(lambda left, right: left < right),
    "_<=_": _compare(lambda left, right: left <= right),
    "_>_": _compare(lambda left, right: left > right),
    "_>=_": _compare(lambda left, right: left >= right),
    "_+_": _sum(1),
    "_-_": _sum(-1),
    "_*_": _product,
    "times": _times,
    "percent": _percent,
    "least": _extreme(lambda one, other: one < other),
    "greatest": _extreme(lambda one, other: one > other),
}
