"""What the entries of the log say that was approved, settled, released and reversed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from service.app.ports import Filter, Page, Reader
from service.app.records import EntryRecord
from service.core.escalation import GRANTS

PAGE_ENTRIES: Final = 500


class Sums(NamedTuple):
    """Minor units of money, or counts. What is neither settled nor released is still held."""

    approved: int = 0
    settled: int = 0
    released: int = 0
    reversed: int = 0

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(*[mine + theirs for mine, theirs in zip(self, other, strict=True)])


class RowChange(NamedTuple):
    """What one entry did to one budget row; ``charged`` is by how much more is used."""

    budget: str
    row: str
    counts: bool
    charged: int
    sums: Sums


class Change(NamedTuple):
    """What one entry did: to the resolution's own value in ``sums``, to budgets in ``rows``.

    ``role`` is the one under which it was approved.
    """

    at: datetime
    site: str
    role: str
    resolution: str
    sums: Sums
    rows: tuple[RowChange, ...]


def changes_between(
    reader: Reader, since: datetime, until: datetime, sites: frozenset[str] | None = None
) -> Iterator[Change]:
    """Every change from ``since`` on and before ``until``, newest first, a page at a time."""
    wanted, after = Filter(sites=sites, since=since, until=until), None
    while True:
        entries = reader.list_entries(wanted, Page(after=after, limit=PAGE_ENTRIES))
        for entry in entries:
            change = change_of(entry)
            if change is not None:
                yield change
        if len(entries) < PAGE_ENTRIES:
            return
        after = entries[-1].id


def change_of(entry: EntryRecord) -> Change | None:
    """What an entry changed; ``None`` where it charged nothing and ended nothing."""
    if entry.kind not in _READERS or entry.site is None or entry.resolution is None:
        return None
    found = _READERS[entry.kind](orjson.loads(entry.body))
    if found is None:
        return None
    role, sums, rows = found
    return Change(entry.at, entry.site, role, entry.resolution, sums, rows)


_Found = tuple[str, Sums, tuple[RowChange, ...]]


def _decided(body: Mapping[str, Any]) -> _Found | None:
    return _approved(body, body["state"]) if body["outcome"] == "approved" else None


def _answered(body: Mapping[str, Any]) -> _Found | None:
    """An approval that a quorum still has to follow changed nothing yet."""
    return _approved(body["decision"], body["state"]) if body["effect"] in GRANTS else None


def _approved(decision: Mapping[str, Any], state: str) -> _Found:
    def sums(amount: int) -> Sums:
        return Sums(approved=amount, settled=amount if state == "settled" else 0)

    rows = tuple(
        RowChange(
            line["budget"], line["row"], line["counts"], line["charged"], sums(line["charged"])
        )
        for line in decision["budgets"]
        if line["charged"]
    )
    return decision["authority"]["role"], sums(decision["value_minor"] or 0), rows


def _ended(body: Mapping[str, Any]) -> _Found:
    value, before = body["value_minor"], body["value_before_minor"]
    ends = {
        "settled": Sums(settled=value, released=before - value),
        "released": Sums(released=value),
        "reversed": Sums(reversed=value),
    }
    rows = tuple(_ended_row(body["effect"], line) for line in body["budgets"])
    return body["authority"]["role"], ends[body["effect"]], rows


def _ended_row(effect: str, line: Mapping[str, Any]) -> RowChange:
    held, settled = line["held"], line["settled"]
    if effect == "reversed":
        sums = Sums(reversed=-settled)
    else:
        sums = Sums(settled=settled, released=-held - settled)
    return RowChange(line["budget"], line["row"], line["counts"], line["charged"], sums)


_READERS: Final = {
    "decision": _decided,
    "answer": _answered,
    "settle": _ended,
    "release": _ended,
    "expire": _ended,
    "reverse": _ended,
}
