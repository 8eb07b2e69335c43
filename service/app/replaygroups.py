"""Which sites a replay may take apart: those that no row of a budget holds together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.app.ports import Store
from service.app.replaycase import Asked
from service.app.replaylog import Log
from service.app.replayorder import rows_of
from service.core.charging import texts_of
from service.core.refusal import Refused
from service.core.request import Request
from service.core.rulebook import Budget, Rulebook
from service.core.situation import names_of
from service.policyfile.load import load_rulebook

KEYS_MAX: Final = 2_000_000
"""How many keys of budgets are looked at; beyond, all sites are taken to be held together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """The sites of each process, and in words on how many it is and why on no more."""

    parts: tuple[frozenset[str], ...]
    how: str


class Bonds:
    """Sites that belong together, as one learns of it key by key."""

    def __init__(self, sites: Iterable[str], keys_max: int = KEYS_MAX) -> None:
        """Each by itself."""
        self._keys_max = keys_max
        self._above = {site: site for site in sites}
        self._holders: dict[int, str] = {}
        self._left = len(self._above)

    @property
    def is_one(self) -> bool:
        """Whether every site belongs to every other one, so that nothing is left to learn."""
        return self._left <= 1

    def hold(self, key: object, site: str) -> None:
        """A site uses a key of a budget: it belongs with every other that uses it.

        Two keys with one hash are taken for one, which holds together more, and never less.
        """
        other = self._holders.setdefault(hash(key), site)
        if other != site:
            self._join(site, other)
        if len(self._holders) > self._keys_max:
            for each in self._above:
                self._join(each, site)

    def groups(self) -> list[frozenset[str]]:
        """The sites that belong together."""
        found: dict[str, set[str]] = {}
        for site in self._above:
            found.setdefault(self._top(site), set()).add(site)
        return [frozenset(group) for group in found.values()]

    def _join(self, one: str, other: str) -> None:
        first, second = self._top(one), self._top(other)
        if first != second:
            self._above[second] = first
            self._left -= 1

    def _top(self, site: str) -> str:
        self._above.setdefault(site, site)
        while (above := self._above[site]) != site:
            self._above[site] = self._above[above]
            site = above
        return site


def divide(
    log: Log, books: Sequence[Rulebook], processes: int, sizes: Mapping[str, int]
) -> Division:
    """Split a log among so many processes at most, about as much for each.

    ``sizes`` says how many entries each site has. Where a budget of either set, or one
    under which the log was written, is not kept per site, the log is read once to see
    which sites shared a row of it: those stay together.
    """
    shared = _shared(log.store, books) if processes > 1 and len(sizes) > 1 else []
    groups = [frozenset((site,)) for site in sizes]
    if shared:
        groups = _bound(log, books, sizes)
    if processes == 1 or len(groups) < 2:  # noqa: PLR2004 - one group is nothing to split
        return Division(parts=(frozenset(sizes),), how=_why_one(shared, sizes))
    parts = _balanced(groups, sizes, processes)
    return Division(parts=parts, how=_how(len(parts), shared, groups))


def _shared(store: Store, books: Sequence[Rulebook]) -> list[str]:
    """The budgets that are not per site, of the sets that are compared and of those in the log."""
    with store.read() as reader:
        records = [reader.find_policy(version) for version in reader.list_policies()]
    logged = [load_rulebook(it.files) for it in records if it is not None]
    named = [it.id for book in (*books, *logged) for it in book.budgets if _is_shared(it)]
    return list(dict.fromkeys(named))


def _is_shared(budget: Budget) -> bool:
    return "site.id" not in budget.per


def _bound(log: Log, books: Sequence[Rulebook], sizes: Mapping[str, int]) -> list[frozenset[str]]:
    """The groups of sites that share rows, of the log's own budgets or of those to come."""
    bonds = Bonds(sizes)
    budgets = [(book, [it for it in book.budgets if _is_shared(it)]) for book in books]
    for entry, body in log.entries():
        if bonds.is_one:
            break
        site = entry.site or ""
        for row, _, _ in rows_of(entry, body):
            bonds.hold(row, site)
        if entry.kind == "decision":
            for key in _keys(log.asked(entry, body), budgets):
                bonds.hold(key, site)
    return bonds.groups()


def _keys(
    asked: Asked, budgets: Sequence[tuple[Rulebook, Sequence[Budget]]]
) -> Iterator[tuple[object, ...]]:
    """What a request may charge, whoever gives it and in whatever window."""
    for number, (book, shared) in enumerate(budgets):
        if not shared:
            continue
        try:
            request = asked.request(book)
        except Refused:
            continue
        for budget, per in _per(request, shared):
            yield number, budget.id, per


def _per(request: Request, budgets: Sequence[Budget]) -> Iterator[tuple[Budget, tuple[str, ...]]]:
    names = names_of(request)
    for budget in budgets:
        if budget.resolutions is not None and request.resolution not in budget.resolutions:
            continue
        try:
            yield budget, texts_of(budget.pick(names))
        except KeyError:  # without its key it is not read at all
            continue


def _balanced(
    groups: Sequence[frozenset[str]], sizes: Mapping[str, int], processes: int
) -> tuple[frozenset[str], ...]:
    """The largest group to whoever has least, again and again."""
    loads: list[tuple[int, set[str]]] = [(0, set()) for _ in range(min(processes, len(groups)))]
    weights = [(sum(sizes.get(site, 0) for site in group), sorted(group)) for group in groups]
    for weight, group in sorted(weights, reverse=True):
        place = min(range(len(loads)), key=lambda at: loads[at][0])
        load, sites = loads[place]
        loads[place] = (load + weight, sites | set(group))
    return tuple(frozenset(sites) for _, sites in loads)


def _why_one(shared: Sequence[str], sizes: Mapping[str, int]) -> str:
    if shared and len(sizes) > 1:
        return f"one process, since sites share budgets: {', '.join(shared)}"
    return "one process"


def _how(parts: int, shared: Sequence[str], groups: Sequence[frozenset[str]]) -> str:
    split = f"{parts} processes, split by site"
    together = sum(len(group) > 1 for group in groups)
    if not shared:
        return split
    if not together:
        return f"{split}, since no two of them shared a row of: {', '.join(shared)}"
    held = sum(len(group) for group in groups if len(group) > 1)
    return f"{split}; {held} sites stay together, since they share budgets: {', '.join(shared)}"
