"""Digests: what a version is, what two differ by, and what its rules are.

A version changes with every byte that could matter. The rules' digest changes only when
some decision could come out differently, so that a new colleague, a new test or a comment
does not look like a new policy.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta

from service.core.expression import Expression
from service.core.rulebook import (
    Budget,
    EscalationRule,
    Fact,
    Grant,
    MoneyLimit,
    Prohibition,
    Resolution,
    Rulebook,
    Site,
)

ACCESS_FILE = "access.csv"
MODEL_FILE = "model.conf"


def digest_version(files: Mapping[str, bytes]) -> str:
    """``sha256:`` and the hex digest of the folder.

    Of every ``*.yaml`` file (suites included), ``access.csv`` and ``model.conf``, in the
    order of their relative POSIX paths as UTF-8 bytes, one line is hashed: the path, a zero
    byte, the lower-case hex SHA-256 of the file's bytes, a line feed.
    """
    digest = hashlib.sha256()
    for path in sorted(filter(is_of_version, files), key=lambda path: path.encode()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(files[path]).hexdigest().encode())
        digest.update(b"\n")
    return f"sha256:{digest.hexdigest()}"


def is_of_version(path: str) -> bool:
    """Whether the file belongs to what a version is."""
    return path.endswith(".yaml") or path in (ACCESS_FILE, MODEL_FILE)


def digest_changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """``sha256:`` and the hex digest of what is different between two sets.

    For each file of a version that is not the same in both, by path as UTF-8, one line is
    hashed: the path, a zero byte, the hex SHA-256 of its bytes before, a zero byte, that of
    its bytes after, a line feed. A ``-`` stands where there is no such file.
    """
    digest = hashlib.sha256()
    for path in sorted(before.keys() | after.keys(), key=str.encode):
        old, new = before.get(path), after.get(path)
        if old != new and is_of_version(path):
            digest.update(b"\0".join([path.encode(), _hex(old), _hex(new)]) + b"\n")
    return f"sha256:{digest.hexdigest()}"


def _hex(data: bytes | None) -> bytes:
    return b"-" if data is None else hashlib.sha256(data).hexdigest().encode()


def digest_rules(rulebook: Rulebook) -> str:
    """``sha256:`` and the hex digest of the compiled rules.

    The bytes are JSON with sorted keys and no blanks, of everything a decision depends on:
    not of the set's name, its description, its people or its tests. Order counts where a
    decision depends on it: grants within their role, budgets, prohibitions.
    """
    data = json.dumps(
        _rulebook(rulebook), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return f"sha256:{hashlib.sha256(data.encode()).hexdigest()}"


def _rulebook(rulebook: Rulebook) -> dict[str, object]:
    sites = rulebook.sites
    calendar = rulebook.calendar
    grants = sorted(rulebook.grants, key=lambda grant: rulebook.roles[grant.role].rank)
    return {
        "remit": 1,
        "currency": rulebook.currency,
        "timezone": rulebook.timezone,
        "calendar": [
            calendar.day_starts.isoformat("minutes"),
            calendar.week_starts,
            *calendar.year_starts,
        ],
        "rates": dict(rulebook.rates),
        "sites": None if sites is None else {name: _site(site) for name, site in sites.items()},
        "roles": {name: [role.rank, role.reports_to] for name, role in rulebook.roles.items()},
        "facts": {path: _fact(fact) for path, fact in rulebook.facts.items()},
        "subject": rulebook.subject,
        "resolutions": {name: _resolution(it) for name, it in rulebook.resolutions.items()},
        "grants": [_grant(grant) for grant in grants],
        "budgets": [_budget(budget) for budget in rulebook.budgets],
        "prohibitions": [_prohibition(it) for it in rulebook.prohibitions],
        "escalation": {role: _escalation(it) for role, it in rulebook.escalation.items()},
    }


def _site(site: Site) -> dict[str, object]:
    return {"timezone": site.timezone, "hours": site.hours}


def _fact(fact: Fact) -> dict[str, object]:
    return {
        "type": fact.type.value,
        "personal": fact.personal,
        "optional": fact.optional,
        "of": fact.choices,
        "from": fact.least,
        "to": fact.most,
    }


def _resolution(resolution: Resolution) -> dict[str, object]:
    hold = resolution.hold
    return {
        "unit": resolution.unit,
        "worth": _limit(resolution.worth),
        "entitlement": resolution.entitlement,
        "hold": None if hold is None else [_seconds(hold.lasts), hold.then],
    }


def _grant(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id,
        "role": grant.role,
        "may": _names(grant.may),
        "up_to": _limit(grant.up_to),
        "exactly": _limit(grant.exactly),
        "when": _text(grant.when),
        "needs": grant.needs,
        "sites": _names(grant.sites),
        "agents": _names(grant.agents),
    }


def _budget(budget: Budget) -> dict[str, object]:
    return {
        "id": budget.id,
        "limit": budget.limit_minor,
        "count": budget.count,
        "per": budget.per,
        "every": budget.every,
        "within": _seconds(budget.within),
        "resolutions": _names(budget.resolutions),
        "roles": _names(budget.roles),
        "when": _text(budget.when),
    }


def _prohibition(prohibition: Prohibition) -> dict[str, object]:
    return {
        "id": prohibition.id,
        "may_not": _names(prohibition.may_not),
        "because": prohibition.because,
        "when": _text(prohibition.when),
        "sites": _names(prohibition.sites),
        "roles": _names(prohibition.roles),
        "agents": _names(prohibition.agents),
    }


def _escalation(rule: EscalationRule) -> dict[str, object]:
    at_most = rule.at_most
    return {
        "answer_within": _seconds(rule.answer_within),
        "on_timeout": rule.on_timeout,
        "approvals": rule.approvals,
        "around_the_clock": rule.around_the_clock,
        "at_most": None if at_most is None else [at_most[0], _seconds(at_most[1])],
    }


def _names(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _text(expression: Expression | None) -> str | None:
    return None if expression is None else expression.text.strip()


def _limit(limit: MoneyLimit | None) -> object:
    if limit is None or isinstance(limit, int):
        return limit
    return limit.text.strip()


def _seconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(seconds=1)
