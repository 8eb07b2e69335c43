"""Whether two declarations say the same, field by field, expressions by their texts."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, TypeAlias

_EXPRESSED: Final = frozenset({"up_to", "exactly", "worth", "when"})
"""The fields that may hold expressions, which are the same where their texts are."""

_Getter: TypeAlias = Callable[[Any], Any]
_GETTERS: Final[dict[type[object], tuple[_Getter, tuple[_Getter, ...]]]] = {}
"""For each kind of declaration what gets all fields but those, and what gets each of those."""


class Likeness:
    """Remembers what it was asked, since sections and authority ask about the same rules."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._known: dict[tuple[int, int], bool] = {}

    def __call__(self, one: object, other: object) -> bool:
        """Whether both say the same. They have to outlive this, since it knows them by identity."""
        pair = (id(one), id(other))
        found = self._known.get(pair)
        if found is None:
            found = self._known[pair] = _alike(one, other)
        return found


def _alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - any of the core's declarations
    if type(one) is not type(other):
        return False
    if isinstance(one, str):
        return bool(one == other)
    plain, expressed = _getters(type(one))
    if plain(one) != plain(other):
        return False
    for get in expressed:
        before, after = get(one), get(other)
        if before is not after and _text(before) != _text(after):
            return False
    return True


def _getters(kind: type[Any]) -> tuple[_Getter, tuple[_Getter, ...]]:
    found = _GETTERS.get(kind)
    if found is None:
        names = [it.name for it in fields(kind)]
        plain = attrgetter(*(name for name in names if name not in _EXPRESSED))
        expressed = tuple(attrgetter(name) for name in names if name in _EXPRESSED)
        found = _GETTERS[kind] = (plain, expressed)
    return found


def _text(value: Any) -> object:  # noqa: ANN401 - a field's value
    return getattr(value, "text", value)
