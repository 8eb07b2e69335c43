"""Ask: the same answers with no effect. Nothing is locked, charged or logged."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from service.app.accounts import BudgetRows, committed_balances
from service.app.deadline import expected_json
from service.app.pilot import Pilots
from service.app.ports import Clock, Ids, Store, Vault
from service.app.principal import Principal, require
from service.app.propose import read_request, with_roles
from service.app.pseudonym import (
    Pseudonymous,
    name_people,
    personal_values,
    pseudonymous,
    wanted_surrogates,
)
from service.app.snapshot import Library, Snapshot
from service.core.allowance import Allowance, allowances, asking
from service.core.answer import answer_of, headroom_json
from service.core.budget import Balance, BudgetKey
from service.core.evaluate import evaluate
from service.core.factvalue import rfc3339
from service.core.proposal import read_circumstances
from service.core.request import Agent, Request


class Asking:
    """Answers what-if questions from committed balances."""

    def __init__(
        self, store: Store, library: Library, clock: Clock, ids: Ids, vault: Vault
    ) -> None:
        """Keep the ports."""
        self._store = store
        self._pilots = Pilots(store, library)
        self._clock = clock
        self._ids = ids
        self._vault = vault

    def deciding(self, principal: Principal, body: Any) -> Snapshot:  # noqa: ANN401 — JSON
        """What decides a proposal now: the set in force, or a pilot's candidate."""
        live, pilot = self._pilots.in_force()
        if pilot is None or pilot.is_over(self._clock.now()):
            return live
        return pilot.snapshot if pilot.covers(principal, body, self._vault) else live

    def check(self, principal: Principal, body: Any) -> bytes:  # noqa: ANN401 — JSON
        """The decision that a proposal would get now, as JSON."""
        snapshot = self.deciding(principal, body)
        request = read_request(snapshot, principal, body)
        case, balances, at = self._look_up(snapshot, request, lambda hidden: [hidden])
        decision = evaluate(snapshot.rulebook, case.request, balances, at)
        escalation = expected_json(snapshot.rulebook, decision, request.site, at)
        answer = answer_of(snapshot.rulebook, decision, at, escalation=escalation)
        return name_people(orjson.dumps(answer), case.names)

    def allowance(self, principal: Principal, body: Any) -> bytes:  # noqa: ANN401 — JSON
        """What the caller may do at a site for somebody, resolution by resolution, as JSON."""
        snapshot = self.deciding(principal, body)
        rulebook = snapshot.rulebook
        agent = Agent(id=principal.id, kind=principal.kind, owner=principal.owner)
        request = read_circumstances(rulebook, body, agent)
        require(snapshot.access, principal, "allowance", "read", request.site)
        request = with_roles(snapshot, principal, request)

        def each(hidden: Request) -> Iterable[Request]:
            return [asking(rulebook, hidden, name) for name in rulebook.resolutions]

        case, balances, at = self._look_up(snapshot, request, each)
        answer = {
            "site": request.site,
            "agent": {"id": principal.id, "roles": list(request.agent.roles)},
            "allowance": [
                _allowance(snapshot, allowance)
                for allowance in allowances(rulebook, case.request, balances, at)
            ],
            "policy": {
                "name": rulebook.name,
                "version": rulebook.version,
                "rules": rulebook.rules,
            },
            "at": rfc3339(at),
        }
        return name_people(orjson.dumps(answer), case.names)

    def _look_up(
        self, snapshot: Snapshot, request: Request, each: Callable[[Request], Iterable[Request]]
    ) -> tuple[Pseudonymous, Mapping[BudgetKey, Balance], datetime]:
        """The request without people, and the balances that its variants may read."""
        rulebook = snapshot.rulebook
        values = personal_values(rulebook, request, self._vault)
        at = self._clock.now()
        with self._store.read() as reader:
            known = reader.surrogates([value.fingerprint for value in values])
            unknown = wanted_surrogates(rulebook, values, self._ids)
            case = pseudonymous(rulebook, request, values, {**unknown, **known}, self._ids)
            names: dict[BudgetKey, str] = {}
            for variant in each(case.request):
                names.update(BudgetRows(rulebook, variant, at).names)
            rows = reader.budgets(set(names.values()))
        return case, committed_balances(names, rows), at


def _allowance(snapshot: Snapshot, allowance: Allowance) -> dict[str, Any]:
    grant = allowance.grant
    return {
        "resolution": allowance.resolution,
        "unit": allowance.unit,
        "up_to": headroom_json(snapshot.rulebook, allowance.headroom),
        "exactly": allowance.exactly,
        "authority": None if grant is None else {"role": grant.role, "grant": grant.id},
        "needs": list(allowance.needs),
        "missing": list(allowance.missing),
        "next": allowance.next,
    }
