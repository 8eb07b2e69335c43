"""What may I do for this person, now? The same walk, asked of every resolution."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.core.budget import Balance, BudgetKey
from service.core.decision import Headroom
from service.core.headroom import best_grant
from service.core.request import Evidence, Request
from service.core.rulebook import Grant, Rulebook
from service.core.situation import Absent, Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What passes unasked for one resolution.

    ``headroom`` assumes that what the grant ``needs`` is brought. ``exactly`` says that
    nothing but that very amount passes. ``missing`` are facts (``fact:…``) without which
    a grant could not be tried. ``next`` is the lowest role above that could give more.
    """

    resolution: str
    unit: str | None
    headroom: Headroom
    grant: Grant | None
    exactly: bool
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    next: str | None


def allowances(
    rulebook: Rulebook, request: Request, balances: Mapping[BudgetKey, Balance], at: datetime
) -> Iterator[Allowance]:
    """One allowance for each resolution, in file order.

    ``request`` carries the site, the agent and the facts; its resolution and value are
    ignored. ``balances`` as for `evaluate`, over every resolution's keys.
    """
    for resolution in rulebook.resolutions:
        yield _allowance(rulebook, asking(rulebook, request, resolution), balances, at)


def asking(rulebook: Rulebook, request: Request, resolution: str) -> Request:
    """The request for one resolution, with every proof that any grant could need."""
    unit = rulebook.resolutions[resolution].unit
    needs = {need for grant in rulebook.grants for need in grant.needs}
    return replace(
        request,
        resolution=resolution,
        amount_minor=None,
        quantity=None if unit is None else 1,
        note="note",
        evidence=tuple(Evidence(kind=need, reference=need) for need in sorted(needs)),
    )


def _allowance(
    rulebook: Rulebook, request: Request, balances: Mapping[BudgetKey, Balance], at: datetime
) -> Allowance:
    situation = Situation(rulebook, request, at, {})
    missing = _missing(situation)
    ladder = rulebook.ladder(request.agent.roles)
    grant, most = (None, Headroom(0, situation.quantity and 0))
    if not _without_subject(situation):
        grant, most = best_grant(situation, ladder.reach, balances)
    return Allowance(
        resolution=request.resolution,
        unit=rulebook.resolutions[request.resolution].unit,
        headroom=most,
        grant=grant,
        exactly=grant is not None and grant.exactly is not None,
        needs=() if grant is None else grant.needs,
        missing=missing,
        next=_next(situation, ladder.above, most, balances),
    )


def _next(
    situation: Situation,
    above: tuple[str, ...],
    most: Headroom,
    balances: Mapping[BudgetKey, Balance],
) -> str | None:
    if most.amount_minor is None or _without_subject(situation):
        return None
    for role in above:
        _, offer = best_grant(situation, (role,), balances)
        if offer.amount_minor is None or offer.amount_minor > most.amount_minor:
            return role
    return None


def _without_subject(situation: Situation) -> bool:
    rulebook = situation.rulebook
    subject = rulebook.subject
    return (
        subject is not None and bool(rulebook.personal) and subject not in situation.request.facts
    )


def _missing(situation: Situation) -> tuple[str, ...]:
    """The subject, and the facts that the worth, conditions and limits of the reach want."""
    rulebook, request = situation.rulebook, situation.request
    wanted: set[str] = set()
    if _without_subject(situation) and rulebook.subject is not None:
        wanted.add(rulebook.subject)
    limits = [rulebook.resolutions[request.resolution].worth]
    conditions = []
    for role in rulebook.ladder(request.agent.roles).reach:
        for grant in rulebook.grants_for(role, request.resolution):
            limits += [grant.up_to, grant.exactly]
            conditions.append(grant.when)
        for budget in rulebook.budgets_for(role, request.resolution):
            conditions.append(budget.when)
            wanted.update(name for name in budget.per if "." in name and name in rulebook.facts)
    wanted -= request.facts.keys()
    for limit in limits:
        says: object = None if limit is None else situation.amount(limit)
        wanted.update(says.facts if isinstance(says, Absent) else ())
    for condition in conditions:
        says = None if condition is None else situation.says(condition)
        wanted.update(says.facts if isinstance(says, Absent) else ())
    return tuple(f"fact:{fact}" for fact in sorted(wanted))
