"""A request at one value: the variables that rules read, and what each rule's text says of them.

An evaluation asks the same conditions more than once, for the value that was proposed
and for the values that would pass. Results that do not depend on the value are shared.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from service.core.expression import Expression, FactValue, Scope
from service.core.request import Request
from service.core.rulebook import MoneyLimit, Rulebook

OF_THE_VALUE: Final = frozenset({"request.amount", "request.quantity"})
"""What a rule reads that cannot hold at every value."""


class Absent(NamedTuple):
    """An evaluation that ended in an error for want of these facts (qualified names, sorted)."""

    facts: tuple[str, ...]


class Broken(NamedTuple):
    """An evaluation that ended in an error although every fact was there."""


BROKEN: Final = Broken()

Result = bool | int | Absent | Broken
"""What a text says: a truth, an amount, or why there is neither."""


class Situation:
    """A request, an instant and a value; answers what expressions say of them.

    ``value_read`` tells whether anything that was asked so far reads the value. Where
    nothing does, what was found holds for every other value too.
    """

    __slots__ = (
        "_own",
        "_scope",
        "_shared",
        "at",
        "names",
        "quantity",
        "request",
        "rulebook",
        "value",
        "value_read",
    )

    def __init__(
        self,
        rulebook: Rulebook,
        request: Request,
        at: datetime,
        shared: dict[int, Result],
        names: Mapping[str, FactValue] | None = None,
    ) -> None:
        """A situation without a value yet; see `valued`."""
        self.rulebook = rulebook
        self.request = request
        self.at = at
        self.value: int | None = request.amount_minor
        self.quantity: int | None = request.quantity
        self.value_read = False
        self._shared = shared
        self._own: dict[int, Result] = {}
        self._scope: Scope | None = None
        self.names = names_of(request) if names is None else names

    def take_value(self, value: int) -> None:
        """Give the situation its value, once, where it had to be computed from a quantity."""
        self.value = value
        self._scope = None  # made for the worth, when there was no value yet

    def valued(self, value: int, quantity: int | None) -> "Situation":
        """The same request at another value."""
        other = Situation(self.rulebook, self.request, self.at, self._shared, self.names)
        other.value = value
        other.quantity = quantity
        return other

    def says(self, expression: Expression) -> Result:
        """The truth or amount of an expression, or why there is none."""
        known = self._shared
        if not OF_THE_VALUE.isdisjoint(expression.mentions):
            self.value_read = True
            known = self._own
        key = id(expression)
        result = known.get(key)
        if result is None:
            result = known[key] = self._evaluate(expression)
        return result

    def amount(self, limit: MoneyLimit) -> int | Absent | Broken:
        """A constant or computed amount of money in minor units."""
        if isinstance(limit, int):
            return limit
        result = self.says(limit)
        return BROKEN if result is True or result is False else result

    def _evaluate(self, expression: Expression) -> Result:
        if self._scope is None:
            self._scope = self.rulebook.bind(self._variables())
        result = expression(self._scope)
        if result is not None:
            return result
        absent = self._wanted(expression)
        return Absent(absent) if absent else BROKEN

    def _wanted(self, expression: Expression) -> tuple[str, ...]:
        """The absent facts of an expression. A value is absent only for want of its worth's."""
        there = self._variables().keys()
        absent = set(expression.mentions - there)
        if not absent.isdisjoint(OF_THE_VALUE):
            absent -= OF_THE_VALUE
            worth = self.rulebook.resolutions[self.request.resolution].worth
            if worth is not None and not isinstance(worth, int):
                absent |= worth.mentions - there
        return tuple(sorted(absent))

    def _variables(self) -> Mapping[str, FactValue]:
        variables = variables_of(self.rulebook, self.request, self.at)
        if self.value is not None:
            variables["request.amount"] = self.value
        if self.quantity is not None:
            variables["request.quantity"] = self.quantity
        return variables


def variables_of(rulebook: Rulebook, request: Request, at: datetime) -> dict[str, FactValue]:
    """Everything that a rule may read, but the value: facts and built-ins by name."""
    variables = names_of(request)
    variables["agent.roles"] = list(request.agent.roles)
    variables["site.timezone"] = rulebook.site(request.site).timezone
    variables["now"] = at
    return variables


def names_of(request: Request) -> dict[str, FactValue]:
    """The facts and the built-ins of a request that may stand in a budget's key, by name."""
    agent = request.agent
    names: dict[str, FactValue] = {
        **request.facts,
        "request.resolution": request.resolution,
        "agent.id": agent.id,
        "agent.kind": agent.kind,
        "site.id": request.site,
    }
    if request.reason is not None:
        names["request.reason"] = request.reason
    if request.channel is not None:
        names["request.channel"] = request.channel
    return names


def text_of(value: FactValue) -> str:
    """A value as part of a budget's key: one text for each value, for ever."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)}us"
    if isinstance(value, list):
        return "\x1f".join(value)
    return repr(value)
