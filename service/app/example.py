"""A proposal that a policy can decide: for the first call, and for the documentation."""

from typing import Any, Final

from service.core.factvalue import json_of
from service.core.money import format_minor
from service.core.rulebook import Fact, FactType, Rulebook

MAJOR_UNITS: Final = 25

_VALUES: Final[dict[FactType, Any]] = {
    FactType.NUMBER: 1,
    FactType.BOOLEAN: False,
    FactType.DATE: "2026-03-01",
    FactType.TIMESTAMP: "2026-03-01T21:00:00Z",
    FactType.DURATION: "24h",
    FactType.TEXTS: ["example"],
}


def example_proposal(rulebook: Rulebook, site: str) -> dict[str, Any]:
    """A small proposal with every fact that is not optional, as JSON.

    It is well formed under the rulebook; what it gets is the policy's to say.
    """
    resolution = next(iter(rulebook.resolutions.values()))
    body: dict[str, Any] = {"site": site, "resolution": resolution.id}
    if resolution.unit is None:
        minor = MAJOR_UNITS * 10**rulebook.decimals
        body["amount"] = format_minor(minor, rulebook.decimals)
    else:
        body["quantity"] = 1
    body["note"] = "the air conditioning was out until 2 am"
    body["facts"] = _facts(rulebook)
    return body


def _facts(rulebook: Rulebook) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, fact in rulebook.facts.items():
        if fact.optional:
            continue
        *parents, leaf = path.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = _value(fact, rulebook)
    return tree


def _value(fact: Fact, rulebook: Rulebook) -> Any:  # noqa: ANN401 — JSON
    match fact.type:
        case FactType.CHOICE:
            return fact.choices[0]
        case FactType.INTEGER:
            return 1 if fact.least is None else fact.least
        case FactType.MONEY:
            return json_of(fact, 100 * 10**rulebook.decimals, rulebook.decimals)
        case FactType.TEXT:
            return f"{fact.path.split('.')[0][:1].upper()}-1001"
        case _:
            return _VALUES[fact.type]
