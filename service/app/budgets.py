"""Budgets as managers see them: what is used, held and left, under the limits in force."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from service.app.burn import Days, burn_json, burn_of
from service.app.errors import Forbidden
from service.app.ports import Page, Reader, RowFilter, Store
from service.app.principal import Principal, for_caller
from service.app.records import BudgetRecord
from service.app.rowname import RowName, limit_of, part_of, prefix_of
from service.app.snapshot import Library
from service.core.budget import used
from service.core.factvalue import rfc3339
from service.core.money import format_minor
from service.core.refusal import Fault, Refused
from service.core.rulebook import Budget, Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which rows to list: of one budget, of one site, with these values in their keys.

    The windows are those that held the instant ``at``, or hold now.
    """

    budget: str | None = None
    site: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    burn: bool = False


class BudgetReader:
    """Lists budget rows for whoever may. What is kept per person is searched for instead.

    Rows of a site are for those who may read budgets there, rows of no site for those who
    may everywhere.
    """

    def __init__(self, store: Store, library: Library) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library

    def list(self, principal: Principal, question: Question, page: Page) -> bytes:
        """A page of rows as JSON. Raises `Forbidden`, and `Refused` for a personal name."""
        sites = for_caller(self._library.in_force().access, principal).sites(
            principal.id, "budget", "read"
        )
        if sites is not None and not sites:
            raise Forbidden(
                "not_permitted",
                f"{principal.id} may not read any budget",
                "ask whoever keeps access.csv for a role with: budget, read",
            )
        return orjson.dumps(self.page(question, page, sites))

    def page(
        self, question: Question, page: Page, sites: frozenset[str] | None = None
    ) -> dict[str, Any]:
        """A page of rows at some sites; ``None`` is every row. Raises `Refused`."""
        rulebook = self._library.in_force().rulebook
        if question.site is not None:
            asked = frozenset({question.site})
            sites = asked if sites is None else asked & sites
        with self._store.read() as reader:
            now = reader.now()
            wanted = RowFilter(
                prefixes=_prefixes(rulebook, question, question.at or now),
                sites=sites,
                parts=[part_of(name, value) for name, value in question.parts.items()],
            )
            found = _kept(reader, rulebook, wanted, question, page)
            rows = found[: page.limit]
            burn = burn_of(reader, rulebook, rows, now) if question.burn else {}
        return {
            "budgets": [row_json(rulebook, row, now, burn.get(row.row)) for row in rows],
            "next": rows[-1].row if len(found) > len(rows) else None,
        }


def _prefixes(rulebook: Rulebook, question: Question, at: datetime) -> Sequence[str]:
    """How the rows are named that may be listed. Raises `Refused` for what is kept per person."""
    _check_parts(rulebook, question)
    found: dict[str, None] = {}
    for budget in rulebook.budgets:
        if question.budget not in {None, budget.id}:
            continue
        personal = rulebook.personal.intersection(budget.per)
        if personal and question.budget is not None:
            raise _per_person("budget", min(personal))
        if not personal and set(question.parts) <= set(budget.per):
            for starts_at in _starts(rulebook, budget, question, at):
                found[prefix_of(budget, starts_at)] = None
    return list(found)


def _check_parts(rulebook: Rulebook, question: Question) -> None:
    for name in question.parts:
        if name in rulebook.personal:
            raise _per_person(f"per.{name}", name)
        if not any(name in budget.per for budget in rulebook.budgets):
            raise _unknown(name)


def _starts(
    rulebook: Rulebook, budget: Budget, question: Question, at: datetime
) -> Iterator[datetime | None]:
    """When the windows of a budget began that hold an instant: one for each zone."""
    for site in rulebook.sites or ("",):
        if question.site is None or site in {question.site, ""}:
            window = rulebook.window(budget, site, at)
            yield None if window is None else window.starts_at


def _kept(
    reader: Reader, rulebook: Rulebook, wanted: RowFilter, question: Question, page: Page
) -> Sequence[BudgetRecord]:
    """Rows that a budget still keeps, one more than the page takes if there are more.

    The database compares pieces of names without regard to case, or finds those of a key
    that an earlier policy kept; so it is looked at again here.
    """
    found: list[BudgetRecord] = []
    chunk = replace(page, limit=page.limit + 1)
    while True:
        rows = reader.list_budgets(wanted, chunk)
        found += [row for row in rows if _fits(rulebook, row, question)]
        if len(found) > page.limit or len(rows) < chunk.limit:
            return found[: page.limit + 1]
        chunk = replace(chunk, after=rows[-1].row)


def _fits(rulebook: Rulebook, row: BudgetRecord, question: Question) -> bool:
    name = RowName.parse(row.key)
    return set(question.parts.items()) <= set(name.per) and name.find_budget(rulebook) is not None


def row_json(
    rulebook: Rulebook, row: BudgetRecord, at: datetime, burn: Days | None
) -> dict[str, Any]:
    """A row under the limit in force, as JSON. What aged out of a rolling window is no more."""
    name = RowName.parse(row.key)
    budget = name.find_budget(rulebook)
    if budget is None:
        raise LookupError(row.key)  # rows that no budget keeps are left out before

    def show(quantity: int) -> str | int:
        return quantity if name.counts else format_minor(quantity, rulebook.decimals)

    spent, limit = used(row.balance, budget.within, at), limit_of(budget)
    return {
        "budget": row.budget,
        "row": row.row or None,
        "site": row.site,
        "per": dict(name.per),
        "currency": None if name.counts else rulebook.currency,
        "limit": show(limit),
        "used": show(spent),
        "held": show(row.balance.held),
        "settled": show(spent - row.balance.held),
        "remaining": show(max(0, limit - spent)),
        "version": row.balance.version,
        "from": None if row.starts_at is None else rfc3339(row.starts_at),
        "until": None if row.ends_at is None else rfc3339(row.ends_at),
        "burn": None if burn is None else burn_json(burn, show),
    }


def _unknown(name: str) -> Refused:
    fault = Fault(
        code="unknown_parameter",
        pointer=f"per.{name[:60]}",
        message="no budget is kept per this name",
        remedy="use a name that stands under per: in a budget",
    )
    return Refused((fault,))


def _per_person(where: str, name: str) -> Refused:
    fault = Fault(
        code="kept_per_person",
        pointer=where,
        message=f"a budget that is kept per {name} is not listed, and no person stands in a URL",
        remedy="search for it: POST /v1/budgets/search with the site and the facts",
    )
    return Refused((fault,))
