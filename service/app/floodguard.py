"""Flood guards: a proposer who sends a role too much is slowed, and the log says so."""

from collections import ChainMap
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import orjson

from service.app.batch import Batch
from service.app.entry import Head, caller_body, entry_of
from service.app.errors import TooMany
from service.app.ports import Ids
from service.app.principal import Principal
from service.app.records import BudgetRecord
from service.app.wanted import Wanted
from service.core.budget import Balance
from service.core.floodguard import AtMost, is_told, let_through, refused, wait_of
from service.core.request import Request
from service.core.rulebook import Rulebook

BUDGET: Final = "#escalations"
"""What the rows of guards say they are: no budget of a policy has such a name.

They stand among the budgets' rows and are locked with them, in one order, so that what
a guard lets through is exact with any number of replicas. No entry names them.
"""

_SECOND: Final = timedelta(seconds=1)


class Guards:
    """The guards that one request may meet: of each role above the proposer that has one."""

    __slots__ = ("_request", "_rulebook", "_rules")

    def __init__(self, rulebook: Rulebook, request: Request) -> None:
        """Find them. Most policies have none."""
        self._rulebook = rulebook
        self._request = request
        self._rules: Mapping[str, AtMost] = {
            role: rule.at_most
            for role, rule in rulebook.escalation.items()
            if rule.at_most is not None and role in rulebook.ladder(request.agent.roles).above
        }

    def beside(self, rows: Mapping[str, BudgetRecord], ids: Ids) -> Mapping[str, BudgetRecord]:
        """The rows to lock, with those of the guards."""
        if not self._rules:
            return rows

        def new(name: str, _: None) -> BudgetRecord:
            row = ids.surrogate("bud")
            return BudgetRecord(
                key=name, row=row, budget=BUDGET, site=None, starts_at=None, ends_at=None
            )

        own = Wanted({self._name(role): None for role in self._rules}, new)
        return ChainMap(dict(own), dict(rows))

    def turn_away(self, batch: Batch, principal: Principal, role: str) -> TooMany | None:
        """Let one more escalation to a role through; why not, where it is one too many.

        Nothing is decided then, and nothing charged. What is written is a count, and now
        and then an entry with it.
        """
        at_most = self._rules.get(role)
        if at_most is None:
            return None
        name = self._name(role)
        guard = batch.balances[name]
        wait = wait_of(guard, at_most, batch.at)
        if wait is None:
            batch.balances[name] = let_through(guard, at_most, batch.at)
            return None
        batch.balances[name] = after = refused(guard)
        if is_told(after):
            self._tell(batch, principal, role, after)
        return _too_many(role, at_most, wait)

    def _name(self, role: str) -> str:
        person = self._request.agent.id
        parts = [BUDGET, "count", "within", "", f"agent.id={person}", f"role={role}"]
        return orjson.dumps(parts).decode()

    def _tell(self, batch: Batch, principal: Principal, role: str, guard: Balance) -> None:
        request, rulebook = self._request, self._rulebook
        count, within = self._rules[role]
        body = {
            "by": caller_body(principal),
            "site": request.site,
            "resolution": request.resolution,
            "to": role,
            "count": count,
            "within_seconds": within // _SECOND,
            "refused": guard.held,
            "policy": {"version": rulebook.version, "rules": rulebook.rules},
        }
        agent = request.agent.id
        head = Head(id=batch.ids.new("ent", batch.at), kind="refused", at=batch.at, about=agent)
        batch.writes.entries.append(
            entry_of(
                head,
                body,
                site=request.site,
                agent=agent,
                resolution=request.resolution,
                outcome="refused",
                reason="too_many_escalations",
                policy_version=rulebook.version,
            )
        )


def _too_many(role: str, at_most: AtMost, wait: timedelta) -> TooMany:
    count, within = at_most
    seconds = -(-wait // _SECOND)
    return TooMany(
        "too_many_escalations",
        f"one proposer may send {role} at most {count} escalations in {within // _SECOND} seconds",
        f"send it again in {seconds} seconds, or propose what needs nobody's approval",
        retry_after_seconds=seconds,
    )
