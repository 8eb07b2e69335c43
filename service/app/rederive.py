"""Re-derive: an entry and the policy of that day give the same decision again.

The entry has everything that was decided on: what was asked, by whom, at what instant, and
every balance that was read. Personal facts are no part of it, and no condition can read
one; that one was told is all that counts, so any text stands in for it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from service.app.entry import decision_body
from service.app.propose import kept_back, uncharged
from service.app.records import BudgetRecord
from service.core.budget import EMPTY, Balance, BudgetKey
from service.core.decision import EVALUATOR, Decision, Outcome
from service.core.evaluate import evaluate
from service.core.expression import FactValue
from service.core.factvalue import FactError, parse_timestamp, read_fact
from service.core.request import Agent, Evidence, Request
from service.core.rulebook import FactType, Rulebook

RulebookOf = Callable[[str], Rulebook | None]
"""The rules of a version of the policy; ``None`` where nobody has kept it."""

HEADROOM: Final = "without_escalation_up_to_minor"
_THERE: Final = "there"
_SHOWN_CHARS_MAX: Final = 300


class Difference(NamedTuple):
    """Where a decision comes out otherwise; ``told`` and ``derived`` are JSON."""

    entry: str
    at_index: int
    field: str
    told: str
    derived: str


class Result(NamedTuple):
    """One decision that was decided again. ``why_not`` says what stood in the way, if anything."""

    entry: str
    at_index: int
    differences: tuple[Difference, ...] = ()
    why_not: str | None = None


class Rederiver:
    """Takes the entries of a log in order, and decides those again that a caller picks."""

    def __init__(self, rulebook_of: RulebookOf) -> None:
        """Nothing was seen yet."""
        self._rulebook_of = rulebook_of
        self._proposals: dict[str, Mapping[str, Any]] = {}
        self._rows: dict[tuple[str, ...], str] = {}

    def results(
        self, entries: Iterable[tuple[int, bytes]], picked: Callable[[int], bool]
    ) -> Iterator[Result]:
        """A result for each picked entry that holds a decision."""
        for index, data in entries:
            body = orjson.loads(data)
            if body["kind"] == "decision":
                decided = body
                if body["state"] == "pending":  # somebody above will answer, and asks for it
                    self._proposals[body["about"]] = body["proposal"]
            else:
                decided = body.get("decision")
            if decided is not None and picked(index):
                yield self._again(index, body, decided)

    def _again(self, index: int, body: Mapping[str, Any], decided: Mapping[str, Any]) -> Result:
        entry, version = body["id"], decided["policy"]["version"]
        if decided["evaluator"] != EVALUATOR:
            return Result(entry, index, why_not=f"decided by evaluator {decided['evaluator']}")
        rulebook = self._rulebook_of(version)
        if rulebook is None:
            return Result(entry, index, why_not=f"the policy {version} is not there")
        proposal = body.get("proposal") or self._proposals.get(body["about"])
        if proposal is None:
            return Result(entry, index, why_not="what was proposed stands before the first entry")
        try:
            request = request_of(rulebook, proposal, body)
            found = _derived(rulebook, request, body, decided)
        except (FactError, KeyError) as error:
            return Result(entry, index, why_not=f"the policy cannot read it: {error}")
        differences = [*_differences(entry, index, decided, found)]
        differences += self._strangers(entry, index, rulebook, request, decided)
        return Result(entry, index, tuple(differences))

    def _strangers(
        self,
        entry: str,
        index: int,
        rulebook: Rulebook,
        request: Request,
        decided: Mapping[str, Any],
    ) -> Iterator[Difference]:
        """Rows that are not the one that their key had before, where the key is in the open.

        A cap that is kept per house would be none if a house could begin a second row.
        """
        budgets = {budget.id: budget for budget in rulebook.budgets}
        names = {"site.id": request.site, "agent.id": request.agent.id}
        for line in decided["budgets"]:
            budget = budgets.get(line["budget"])
            if budget is None or not names.keys() >= set(budget.per):
                continue
            kind = "within" if budget.within is not None else budget.every or "ever"
            values = [f"{name}={names[name]}" for name in budget.per]
            key = (budget.id, str(line["counts"]), kind, line["from"] or "", *values)
            row = self._rows.setdefault(key, line["row"])
            if row != line["row"]:
                yield Difference(entry, index, f"row of {budget.id}", line["row"], row)


class _Balances(dict[BudgetKey, Balance]):
    """The balances that an entry states, found by their budget; and which others were asked."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        super().__init__()
        self.unstated = False
        self._stated = {
            line["budget"]: Balance(
                held=line["before"], version=line["version"] - (line["charged"] != 0)
            )
            for line in lines
        }

    def get(self, key: BudgetKey, default: Any = EMPTY) -> Any:  # noqa: ANN401 — as a mapping's
        found = self._stated.get(key.budget)
        if found is None:
            self.unstated = True
            return default
        return found

    def __missing__(self, key: BudgetKey) -> Balance:
        found: Balance = self.get(key)
        return found


def request_of(rulebook: Rulebook, proposal: Mapping[str, Any], body: Mapping[str, Any]) -> Request:
    """The request that an entry's decision was about. Raises `FactError` and `KeyError`."""
    agent = proposal["agent"]
    offer = body.get("countered") or proposal
    facts: dict[str, FactValue] = dict.fromkeys(proposal["personal"], _THERE)
    for path, value in proposal["facts"].items():
        fact = rulebook.facts[path]
        number = fact.type is FactType.NUMBER and isinstance(value, str)
        facts[path] = float(value) if number else read_fact(fact, value, rulebook.decimals)
    rulebook.resolutions[proposal["resolution"]]
    return Request(
        site=proposal["site"],
        agent=Agent(
            id=agent["id"],
            kind=agent["kind"],
            roles=tuple(agent["roles"]),
            owner=agent["owner"],
        ),
        resolution=proposal["resolution"],
        amount_minor=offer["amount_minor"],
        quantity=offer["quantity"],
        currency=proposal["currency"],
        rate=proposal["rate"],
        reason=proposal["reason"],
        channel=proposal["channel"],
        note=_THERE if proposal["note"] else None,
        evidence=tuple(Evidence(kind=kind, reference=_THERE) for kind in proposal["evidence"]),
        unavailable=frozenset(proposal["unavailable"]),
        facts=facts,
        authority=None if "proposal" in body else tuple(body["roles"]),
    )


def _derived(
    rulebook: Rulebook, request: Request, body: Mapping[str, Any], decided: Mapping[str, Any]
) -> dict[str, Any]:
    """What the entry would say of the decision, had it been decided now."""
    at = parse_timestamp(body["at"])
    if at is None:
        raise KeyError("at")
    balances = _Balances(decided["budgets"])
    decision = _as_written(evaluate(rulebook, request, balances, at), body)
    rows = {line["budget"]: line["row"] for line in decided["budgets"]}
    found = decision_body(rulebook, decision, _Rows(decision, rows))
    if balances.unstated and len(found["budgets"]) == len(decided["budgets"]):
        found[HEADROOM] = decided[HEADROOM]  # it looked at rows that decided nothing
    return found


def _as_written(decision: Decision, body: Mapping[str, Any]) -> Decision:
    """As a hold where it was held; without its charges where more have to approve first."""
    if decision.outcome is Outcome.APPROVED and body["state"] == "held":
        return kept_back(decision)
    if decision.outcome is Outcome.APPROVED and body["state"] != "settled":
        return uncharged(decision)
    return decision


class _Rows(dict[str, BudgetRecord]):
    """The rows of a decision by the id of their budget, named as the entry names them."""

    def __init__(self, decision: Decision, names: Mapping[str, str]) -> None:
        super().__init__()
        for reading in decision.readings:
            self[reading.budget] = BudgetRecord(
                key="",
                row=names.get(reading.budget, "—"),
                budget=reading.budget,
                site=None,
                starts_at=reading.key.starts_at,
                ends_at=reading.ends_at,
            )


def _differences(
    entry: str, index: int, told: Mapping[str, Any], derived: Mapping[str, Any]
) -> Iterator[Difference]:
    for field, value in derived.items():
        if told.get(field) != value:
            yield Difference(entry, index, field, _short(told.get(field)), _short(value))


def _short(value: Any) -> str:  # noqa: ANN401 — JSON
    return orjson.dumps(value).decode()[:_SHOWN_CHARS_MAX]
