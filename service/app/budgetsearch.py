"""Search for budget rows by what their keys are made of: the one way to those kept per person."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from service.app.accounts import row_key
from service.app.budgets import row_json
from service.app.burn import Days, burn_of
from service.app.ports import Ids, Reader, Store, Vault
from service.app.principal import Principal, require
from service.app.pseudonym import (
    Pseudonymous,
    name_people,
    personal_values,
    pseudonymous,
    wanted_surrogates,
)
from service.app.records import BudgetRecord
from service.app.snapshot import Library, Snapshot
from service.core.budget import BudgetKey
from service.core.rulebook import Rulebook
from service.core.search import Search, read_search
from service.core.situation import names_of, text_of

_OF_THE_PROPOSAL: Final = frozenset({"request.resolution", "agent.kind"})
"""Names of keys that a search does not know."""


class BudgetSearch:
    """Finds the rows that some facts would charge at a site, for who may read budgets there."""

    def __init__(self, store: Store, library: Library, ids: Ids, vault: Vault) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._ids = ids
        self._vault = vault

    def search(self, principal: Principal, body: Any) -> bytes:  # noqa: ANN401 — JSON
        """The rows that these facts would charge at a site, as JSON; unused ones too.

        Raises `Refused`, and `Forbidden` where the caller may not read budgets there.
        """
        snapshot = self._library.in_force()
        search = read_search(snapshot.rulebook, body)
        require(snapshot.access, principal, "budget", "read", search.request.site)
        with self._store.read() as reader:
            now = reader.now()
            case = self._hidden(snapshot, search, reader)
            names = dict(_names(snapshot.rulebook, search, case, now))
            found = reader.budgets(list(names))
            rows = [found.get(key, new) for key, new in names.items()]
            stored = list(found.values())
            burn = burn_of(reader, snapshot.rulebook, stored, now) if search.burn else {}
        days: Days | None = {} if search.burn else None
        told = [row_json(snapshot.rulebook, row, now, burn.get(row.row, days)) for row in rows]
        return name_people(orjson.dumps({"budgets": told, "next": None}), case.names)

    def _hidden(self, snapshot: Snapshot, search: Search, reader: Reader) -> Pseudonymous:
        """What is searched for without people."""
        rulebook, request = snapshot.rulebook, search.request
        values = personal_values(rulebook, request, self._vault)
        # Nobody finds by their name what an erased person was given: caps alone remember it.
        known = {
            found: replace(record, charged_as=None)
            for found, record in reader.surrogates([one.fingerprint for one in values]).items()
        }
        unknown = wanted_surrogates(rulebook, values, self._ids)
        return pseudonymous(rulebook, request, values, {**unknown, **known}, self._ids)


def _names(
    rulebook: Rulebook, search: Search, case: Pseudonymous, at: datetime
) -> Iterator[tuple[str, BudgetRecord]]:
    """The rows that are searched for by name, as they are while nothing was charged."""
    site = case.request.site
    names = {name: value for name, value in names_of(case.request).items() if value != ""}
    known = names.keys() - _OF_THE_PROPOSAL
    for budget in rulebook.budgets:
        if search.budget not in {None, budget.id} or not known.issuperset(budget.per):
            continue
        window = rulebook.window(budget, site, at)
        starts_at, ends_at = (None, None) if window is None else (window.starts_at, window.ends_at)
        per = tuple(text_of(names[name]) for name in budget.per)
        key = row_key(budget, BudgetKey(budget.id, per, starts_at))
        own = site if "site.id" in budget.per else None
        yield (
            key,
            BudgetRecord(
                key=key, row="", budget=budget.id, site=own, starts_at=starts_at, ends_at=ends_at
            ),
        )
