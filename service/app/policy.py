"""The policy in force, for whoever has to work under it."""

from typing import Any

import orjson

from service.app.errors import Forbidden
from service.app.principal import Principal, for_caller
from service.app.snapshot import Library
from service.core.rulebook import Fact, Resolution, Rulebook


class PolicyReader:
    """Tells what may be proposed, where, and with which facts; no limit and no person."""

    def __init__(self, library: Library) -> None:
        """Keep the library."""
        self._library = library

    def in_force(self, principal: Principal) -> bytes:
        """The policy in force as JSON. Raises `Forbidden` for who may read it at no site."""
        snapshot = self._library.in_force()
        access = for_caller(snapshot.access, principal)
        sites = access.sites(principal.id, "policy", "read")
        if sites is not None and not sites:
            raise Forbidden(
                "not_permitted",
                f"{principal.id} may not read the policy",
                "ask whoever keeps access.csv for a role with: policy, read",
            )
        return orjson.dumps(description_of(snapshot.rulebook))


def description_of(rulebook: Rulebook) -> dict[str, Any]:
    """What a policy names, as JSON. ``sites`` is null where any site will do."""
    sites = rulebook.sites
    return {
        "name": rulebook.name,
        "description": rulebook.description,
        "version": rulebook.version,
        "rules": rulebook.rules,
        "currency": rulebook.currency,
        "currencies": [rulebook.currency, *rulebook.rates],
        "timezone": rulebook.timezone,
        "subject": rulebook.subject,
        "sites": None
        if sites is None
        else [{"id": site.id, "timezone": site.timezone} for site in sites.values()],
        "roles": [
            {"id": role.id, "reports_to": role.reports_to, "rank": role.rank}
            for role in rulebook.roles.values()
        ],
        "resolutions": [_resolution(found) for found in rulebook.resolutions.values()],
        "facts": [_fact(fact) for fact in rulebook.facts.values()],
    }


def _resolution(resolution: Resolution) -> dict[str, Any]:
    return {
        "id": resolution.id,
        "unit": resolution.unit,
        "entitlement": resolution.entitlement,
        "held": resolution.hold is not None,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "path": fact.path,
        "type": fact.type,
        "personal": fact.personal,
        "optional": fact.optional,
        "choices": list(fact.choices),
        "from": fact.least,
        "to": fact.most,
    }
