"""Amounts that are nothing but our functions over facts and literals, without the library.

Most computed limits are of this kind: ``percent(stay.total, 80)``. The functions are
ours either way, so computing them here changes no answer, and it spares a call into the
library and back, which costs ten times the arithmetic and, in the release we use, some
memory for each call that is never given back.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from service.core.expression import FactValue
from service.policyfile import celfunctions
from service.policyfile.celtree import Call, Constant, Name, Node

Compute: TypeAlias = Callable[[Mapping[str, FactValue]], Any]
"""The value in a scope. Raises where there is none: an absent fact, a negative share."""

_UINT_MAX: Final = 2**64 - 1
_FUNCTIONS: Final[Mapping[str, Callable[..., int]]] = {
    "times": celfunctions.times,
    "least": min,
    "greatest": max,
}
_NUMBERS: Final = frozenset({"uint", "int", "double"})


def arithmetic(node: Node) -> Compute | None:
    """How to compute an amount; ``None`` where the library has to."""
    if isinstance(node, Constant) and node.type in _NUMBERS:
        value = node.value
        return lambda _: value
    if isinstance(node, Name) and node.type in _NUMBERS:
        name = node.name
        return lambda scope: scope[name]
    return _call(node) if isinstance(node, Call) else None


def _call(node: Call) -> Compute | None:
    function = _function(node)
    args = [arithmetic(arg) for arg in node.args]
    if function is None or None in args:
        return None
    known = [arg for arg in args if arg is not None]
    return lambda scope: _unsigned(function(*[arg(scope) for arg in known]))


def _unsigned(amount: int) -> int:
    """The amount, as long as the library could hold it. Raises `OverflowError`."""
    if amount > _UINT_MAX:
        raise OverflowError("no unsigned integer is that large")
    return amount


def _function(node: Call) -> Callable[..., int] | None:
    if node.function == "percent":
        of_number = node.args[1].type == "double"
        return celfunctions.percent_of_number if of_number else celfunctions.percent_of_whole
    return _FUNCTIONS.get(node.function)
