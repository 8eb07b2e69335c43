"""A plan: everything about one reach and one resolution that no request can change.

A rulebook is asked the same few questions all day: may somebody who holds these roles
give this? What the answer takes from the rulebook alone is laid out once, flat and in
walk order, so that deciding touches only what the request brings.
"""

from typing import NamedTuple

from service.core.expression import Expression
from service.core.rulebook import Budget, Grant, MoneyLimit, Prohibition, Rulebook
from service.core.situation import OF_THE_VALUE


class Step(NamedTuple):
    """A grant of a rung. ``limit`` is ``up_to`` or ``exactly``, as ``is_exact`` says.

    ``is_narrow`` says that it does not hold at every site, or not for every kind of agent.
    """

    grant: Grant
    id: str
    role: str
    when: Expression | None
    limit: MoneyLimit | None
    is_exact: bool
    needs: tuple[str, ...]
    is_narrow: bool
    rung: int


class Plan(NamedTuple):
    """What a reach may give of one resolution.

    ``steps`` are its grants in walk order and ``budgets`` what each rung charges, by
    `Step.rung`. ``worth`` is that of one unit. ``is_plain`` says that no rule reads the
    value that is asked for, so that what a rule says holds at every value. ``touched`` are
    the budgets of the reach and of the roles above it, each once.
    """

    steps: tuple[Step, ...]
    budgets: tuple[tuple[Budget, ...], ...]
    prohibitions: tuple[Prohibition, ...]
    worth: MoneyLimit | None
    subject: str | None
    is_plain: bool
    touched: tuple[Budget, ...]


def plan_for(rulebook: Rulebook, held: tuple[str, ...], resolution: str) -> Plan:
    """The plan of whoever holds ``held``; laid out when it is first asked for."""
    plans: dict[tuple[tuple[str, ...], str], Plan] = rulebook.plans
    found = plans.get((held, resolution))
    if found is None:
        found = plans.setdefault((held, resolution), _laid_out(rulebook, held, resolution))
    return found


def _laid_out(rulebook: Rulebook, held: tuple[str, ...], resolution: str) -> Plan:
    ladder = rulebook.ladder(held)
    reach = ladder.reach
    steps = tuple(
        _step(grant, rung)
        for rung, role in enumerate(reach)
        for grant in rulebook.grants_for(role, resolution)
    )
    prohibitions = rulebook.prohibitions_for(resolution)
    budgets = tuple([rulebook.budgets_for(role, resolution) for role in reach])
    above = [rulebook.budgets_for(role, resolution) for role in ladder.above]
    asked = [
        *(text for step in steps for text in (step.when, step.limit)),
        *(budget.when for group in budgets for budget in group),
        *(prohibition.when for prohibition in prohibitions),
    ]
    return Plan(
        steps,
        budgets,
        prohibitions,
        rulebook.resolutions[resolution].worth,
        rulebook.subject if rulebook.personal else None,
        not any(_reads_the_value(text) for text in asked),
        tuple({budget.id: budget for group in (*budgets, *above) for budget in group}.values()),
    )


def _step(grant: Grant, rung: int) -> Step:
    exact = grant.exactly is not None
    return Step(
        grant,
        grant.id,
        grant.role,
        grant.when,
        grant.exactly if exact else grant.up_to,
        exact,
        grant.needs,
        grant.sites is not None or grant.agents is not None,
        rung,
    )


def _reads_the_value(text: MoneyLimit | None) -> bool:
    return not (text is None or isinstance(text, int) or OF_THE_VALUE.isdisjoint(text.mentions))
