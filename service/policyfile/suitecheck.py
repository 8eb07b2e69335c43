"""What suites say about their set: names that it must have, amounts that must be its money."""

from collections.abc import Collection, Iterable, Iterator

from service.core.money import MoneyError, parse_minor
from service.core.rulebook import Rulebook
from service.policyfile.place import Place
from service.policyfile.problem import Problem, in_order
from service.policyfile.suggestion import suggest
from service.policyfile.suitedocument import ExpectDocument
from service.policyfile.suitefile import SuiteFile


def check_suites(rulebook: Rulebook, suites: Iterable[SuiteFile]) -> tuple[Problem, ...]:
    """Every name that the set does not have and every amount that is none of its currency.

    What is proposed is not looked at: a step may expect that it is refused.
    """
    return in_order(problem for suite in suites for problem in _Check(rulebook).suite(suite))


class _Check:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._grants = {grant.id for grant in rulebook.grants}
        self._budgets = {budget.id: budget for budget in rulebook.budgets}
        prohibitions = {rule.id for rule in rulebook.prohibitions}
        self._rules = {*self._grants, *self._budgets, *prohibitions, *rulebook.resolutions}

    def suite(self, suite: SuiteFile) -> Iterator[Problem]:
        document, place = suite.document, suite.place
        for name, agent in document.agents.items():
            roles = place.child("agents", name, "roles")
            for index, role in enumerate(agent.roles):
                yield from _named("role", role, self._rulebook.roles, roles.child(index))
        for number, case in enumerate(document.tests):
            for index, step in enumerate(case.steps):
                expected = place.child("tests", number, "steps", index, "expect")
                yield from self._expect(step.expect, expected)

    def _expect(self, expect: ExpectDocument, place: Place) -> Iterator[Problem]:
        roles = self._rulebook.roles
        for key, name, known in (
            ("grant", expect.grant, self._grants),
            ("role", expect.role, roles),
            ("to", expect.to, roles),
        ):
            if name is not None:
                yield from _named(key if key == "grant" else "role", name, known, place.child(key))
        if expect.entry is not None:
            rule, spot = expect.entry.rule, place.child("entry")
            if rule is not None:
                yield from _named("rule", rule, self._rules, spot.child("rule"))
            yield from self._money(expect.entry.value, spot.child("value"))
        yield from self._money(expect.cap, place.child("without_escalation_up_to"))
        yield from self._money(expect.counter_offer, place.child("counter_offer"))
        for budget, balance in expect.budgets.items():
            spot = place.child("budgets", budget)
            yield from _named("budget", budget, self._budgets, spot)
            counts = budget in self._budgets and self._budgets[budget].count is not None
            for key in ("used", "remaining"):
                amount = getattr(balance, key)
                if not counts:
                    yield from self._money(amount, spot.child(key))

    def _money(self, amount: str | None, place: Place) -> Iterator[Problem]:
        if amount is None:
            return
        try:
            parse_minor(amount, self._rulebook.decimals)
        except MoneyError as error:
            remedy = f"Write an amount of {self._rulebook.currency}."
            yield place.problem(error.code, f"{error}.", remedy)


def _named(kind: str, name: str, known: Collection[str], place: Place) -> Iterator[Problem]:
    if name not in known:
        message = f"The set has no {kind} `{name}`."
        yield place.problem(f"unknown_{kind}", message, suggest(name, known))
