"""What an expression may name: the declared facts, the built-ins, and the functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from service.core.money import MoneyError, format_minor, parse_minor
from service.core.rulebook import Fact, FactType

BUILT_INS: Mapping[str, str] = {
    "request.resolution": "string",
    "request.amount": "uint",
    "request.quantity": "int",
    "request.reason": "string",
    "request.channel": "string",
    "agent.id": "string",
    "agent.kind": "string",
    "agent.roles": "list(string)",
    "site.id": "string",
    "site.timezone": "string",
    "now": "timestamp",
}
"""The variables that every request brings, with their CEL types."""

ALWAYS_OPTIONAL = frozenset({"request.reason", "request.channel"})
"""The built-ins that a request may leave out, as if they were optional facts."""

FACT_TYPES: Mapping[FactType, str] = {
    FactType.TEXT: "string",
    FactType.CHOICE: "string",
    FactType.INTEGER: "int",
    FactType.NUMBER: "double",
    FactType.BOOLEAN: "bool",
    FactType.MONEY: "uint",
    FactType.DATE: "timestamp",
    FactType.TIMESTAMP: "timestamp",
    FactType.DURATION: "duration",
    FactType.TEXTS: "list(string)",
}
"""The CEL type of each fact type. Money is a uint, which no other fact is."""

USAGE: Mapping[str, str] = {
    "money": 'money("12.50")',
    "percent": "percent(stay.total, 50), an amount of money and a number",
    "times": "times(stay.nightly_rate, 2), an amount of money and a whole number",
    "least": "least(stay.total, stay.nightly_rate), 2 to 6 amounts of money",
    "greatest": "greatest(stay.total, stay.nightly_rate), 2 to 6 amounts of money",
    "date": 'date("2026-03-01")',
    "days": "days(3), a whole number",
    "known": "known(guest.tier), the name of an optional fact",
}
"""The functions of the language, each with an example for remedies."""

ZONED = (
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
)
"""The parts of an instant; each takes a time zone."""

STANDARD_FUNCTIONS = frozenset(
    (
        *("size", "startsWith", "endsWith", "contains", "matches"),
        *("timestamp", "duration", "string", "int", "double"),
        *("exists", "all", "exists_one", "filter", "map"),
        *ZONED,
    )
)
"""The functions and macros of CEL that may be used."""

KNOWN = "known."
"""What the name of a fact gets in front inside ``known()``: a boolean of its own."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The names of one policy set, and how it writes money."""

    facts: Mapping[str, Fact]
    currency: str
    decimals: int
    built_ins: Mapping[str, str] = field(default_factory=lambda: BUILT_INS)

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The CEL type of every variable, those of ``known()`` included."""
        declared = {path: FACT_TYPES[fact.type] for path, fact in self.facts.items()}
        known = {KNOWN + name: "bool" for name in sorted(self.optional)}
        return {**self.built_ins, **declared, **known}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every variable that a manager may write."""
        return frozenset(self.built_ins) | frozenset(self.facts)

    @cached_property
    def optional(self) -> frozenset[str]:
        """What ``known()`` may ask about; personal facts are refused by a rule of their own."""
        return ALWAYS_OPTIONAL | {path for path, fact in self.facts.items() if fact.optional}

    @cached_property
    def personal(self) -> frozenset[str]:
        """The facts that erasure removes."""
        return frozenset(path for path, fact in self.facts.items() if fact.personal)

    def choices(self, name: str) -> tuple[str, ...]:
        """The only texts that a variable can be; none where it can be any."""
        if name == "agent.kind":
            return ("human", "ai")
        return self.facts[name].choices if name in self.facts else ()

    def spell(self, number: float) -> str:
        """How to write a bare number of major units as money."""
        try:
            minor = parse_minor(repr(number), self.decimals)
        except MoneyError:
            return f'money("{self.example}")'
        return f'money("{format_minor(minor, self.decimals)}")'

    @cached_property
    def example(self) -> str:
        """An amount with all the decimals that the currency has."""
        return format_minor(12 * 10**self.decimals + 5 * 10**self.decimals // 10, self.decimals)
