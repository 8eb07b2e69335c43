"""A policy of the oracle as the text of policy files.

Each rule is written in flow style with every text quoted, so that nothing depends on how
YAML would read a bare word.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TypeAlias

from tests.oracle.policy import Budget, Grant, Policy, Prohibition, Resolution
from tests.oracle.terms import Money, Term, major

Written: TypeAlias = dict[str, object]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def policy_files(policy: Policy) -> dict[str, bytes]:
    """The set as one file."""
    return {"policy.yaml": "\n".join([_frame(policy), _rules(policy)]).encode()}


def policy_files_by_rule(policy: Policy) -> dict[str, bytes]:
    """The set with each rule in a file of its own, after one with everything else."""
    files = {"a.yaml": _frame(policy).encode()}
    rules = [
        *(("grants", grant_written(grant, policy.decimals)) for grant in policy.grants),
        *(("budgets", budget_written(budget, policy.decimals)) for budget in policy.budgets),
        *(
            ("prohibitions", prohibition_written(rule, policy.decimals))
            for rule in policy.prohibitions
        ),
    ]
    for number, (kind, rule) in enumerate(rules):
        text = f"remit: 1\n{_listed(kind, [rule])}"
        files[f"rules/{number:02}.yaml"] = text.encode()
    return files


def _frame(policy: Policy) -> str:
    lines = [
        "remit: 1",
        "name: random",
        f"currency: {policy.currency}",
        f"timezone: {policy.timezone}",
        _calendar(policy),
        _named("roles", {role: _some(reports_to=up) for role, up in policy.roles.items()}),
        _named("facts", policy.facts),
        _named(
            "resolutions",
            {
                name: resolution_written(resolution, policy.decimals)
                for name, resolution in policy.resolutions.items()
            },
        ),
    ]
    if policy.sites is not None:
        lines.append(
            _named("sites", {site: _some(timezone=zone) for site, zone in policy.sites.items()})
        )
    if policy.subject is not None:
        lines.append(f"subject: {policy.subject}")
    return "\n".join(lines) + "\n"


def _rules(policy: Policy) -> str:
    decimals = policy.decimals
    return "\n".join(
        (
            _listed("grants", (grant_written(grant, decimals) for grant in policy.grants)),
            _listed("budgets", (budget_written(budget, decimals) for budget in policy.budgets)),
            _listed(
                "prohibitions",
                (prohibition_written(rule, decimals) for rule in policy.prohibitions),
            ),
        )
    )


def _calendar(policy: Policy) -> str:
    month, day = policy.calendar.year_starts
    calendar = {
        "day_starts": f"{policy.calendar.day_starts:%H:%M}",
        "week_starts": _WEEKDAYS[policy.calendar.week_starts],
        "year_starts": f"{month:02}-{day:02}",
    }
    return f"calendar: {json.dumps(calendar)}"


def _named(key: str, entries: Mapping[str, object]) -> str:
    return "\n".join([f"{key}:", *(f"  {name}: {json.dumps(e)}" for name, e in entries.items())])


def _listed(key: str, rules: Iterable[Written]) -> str:
    lines = [f"  - {json.dumps(rule)}" for rule in rules]
    return "\n".join([f"{key}:", *lines]) if lines else ""


def _some(**entries: object) -> Written:
    return {key: value for key, value in entries.items() if value is not None}


def resolution_written(resolution: Resolution, decimals: int) -> Written:
    """As one entry of ``resolutions``."""
    return _some(
        unit=resolution.unit,
        worth=_amount(resolution.worth, decimals),
        entitlement=True if resolution.entitlement else None,
    )


def grant_written(grant: Grant, decimals: int) -> Written:
    """As one entry of ``grants``."""
    return _some(
        id=grant.id,
        role=grant.role,
        may="any" if grant.may is None else grant.may,
        up_to=_amount(grant.up_to, decimals),
        exactly=_amount(grant.exactly, decimals),
        when=_condition(grant.when, decimals),
        needs=grant.needs or None,
        sites=grant.sites,
        agents=grant.agents,
    )


def budget_written(budget: Budget, decimals: int) -> Written:
    """As one entry of ``budgets``."""
    return _some(
        id=budget.id,
        limit=None if budget.limit is None else _plain(budget.limit, decimals),
        count=budget.count,
        per=budget.per,
        every=budget.every,
        within=None if budget.within is None else _lasting(budget.within),
        resolutions=budget.resolutions,
        roles=budget.roles,
        when=_condition(budget.when, decimals),
    )


def prohibition_written(rule: Prohibition, decimals: int) -> Written:
    """As one entry of ``prohibitions``."""
    return _some(
        id=rule.id,
        may_not=rule.may_not,
        because="It is not done.",
        when=_condition(rule.when, decimals),
        sites=rule.sites,
        roles=rule.roles,
        agents=rule.agents,
    )


def _condition(term: Term | None, decimals: int) -> str | None:
    return None if term is None else term.cel(decimals)


def _amount(term: Term | None, decimals: int) -> str | int | None:
    if isinstance(term, Money):
        return _plain(term.minor, decimals)
    return _condition(term, decimals)


def _plain(minor: int, decimals: int) -> str | int:
    """A bare number where it is whole, else a quoted decimal."""
    whole, part = divmod(minor, 10**decimals)
    return major(minor, decimals) if part else whole


def _lasting(time: timedelta) -> str:
    hours = time // timedelta(hours=1)
    return f"{hours}h" if hours % 24 else f"{hours // 24}d"
