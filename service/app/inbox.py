"""The inbox: what somebody may answer, themselves or for others, the most urgent first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from service.app.deskports import Place
from service.app.find import escalation_summary
from service.app.mandates import Served, find_way, mandate_json, ways_to_answer
from service.app.pilot import Pilot, Pilots
from service.app.ports import Reader, Store, Vault
from service.app.principal import Principal
from service.app.records import EscalationRecord, ResolutionRecord
from service.app.snapshot import Library, Snapshot
from service.app.tokenpeople import snapshot_for
from service.core.delegation import Mandate, voice
from service.core.escalation import State
from service.core.rulebook import Rulebook

COUNTED_MAX: Final = 1_000
"""How many are counted; where more wait the counts say that they are not complete."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACE: Final = re.compile(r"(-|[0-9]{1,17})\.([A-Za-z0-9_]{1,64})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of an inbox: of one site or role, after a place, so many."""

    site: str | None = None
    role: str | None = None
    after: Place | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class _Item:
    """Something that may be answered, and in which way."""

    record: EscalationRecord
    way: Mandate


class Inbox:
    """Everything that waits for one person's answer. Four eyes are looked at already.

    What somebody may answer only for others is in it while the delegation holds.
    """

    def __init__(self, store: Store, library: Library, vault: Vault) -> None:
        """Keep the ports."""
        self._store = store
        self._pilots = Pilots(store, library)
        self._vault = vault

    def list(self, principal: Principal, wanted: Wanted) -> bytes:
        """A page by urgency, with counts over all pages, as JSON."""
        snapshot, pilot = self._pilots.in_force()
        with self._store.read() as reader:
            now = reader.now()
            desk = _Desk(reader, snapshot, self._vault, principal, now, pilot)
            found = desk.items(wanted, wanted.limit + 1)
            counted = desk.items(Wanted(site=wanted.site, role=wanted.role), COUNTED_MAX + 1)
            shown = found[: wanted.limit]
            about = reader.desk.resolutions({item.record.resolution for item in shown})
        following = place_text(shown[-1].record) if len(found) > len(shown) else None
        body = {
            "escalations": [
                {**_item_json(principal, item, now), "about": about_json(about, item.record)}
                for item in shown
            ],
            "next": following,
            "counts": _counts(counted, now),
            "acting_for": desk.acting_for(),
        }
        return orjson.dumps(body)


@dataclass(frozen=True, slots=True)
class _Side:
    """By which rules somebody may answer, and in which ways at each site."""

    rulebook: Rulebook
    ways: Mapping[str, Sequence[Mandate]]

    def reaches(self, site: str, role: str) -> bool:
        """Whether the role that is asked is in the reach of any way."""
        return any(role in self.rulebook.ladder(way.roles).reach for way in self.ways[site])


class _Desk:
    """One person's way through one read."""

    def __init__(
        self,
        reader: Reader,
        snapshot: Snapshot,
        vault: Vault,
        principal: Principal,
        now: datetime,
        pilot: Pilot | None,
    ) -> None:
        self._reader = reader
        self._principal = principal
        self._piles = [(pile.site, pile.role) for pile in reader.desk.piles()]
        delegations = reader.delegations(now)
        snapshot = snapshot_for(snapshot, principal, reader.tokens, delegations, now)
        sites = dict.fromkeys([*_known_sites(snapshot), *[site for site, _ in self._piles]])

        def side(of: Snapshot) -> _Side:
            ways = {
                site: ways_to_answer(of, delegations, principal.id, site, now) for site in sites
            }
            return _Side(of.rulebook, ways)

        live = side(snapshot)
        self._ways, self._pilot = live.ways, pilot
        self._sides = [live]
        if pilot is not None:
            tried = snapshot_for(pilot.snapshot, principal, reader.tokens, delegations, now)
            self._sides.append(side(tried))
        ways = [way for some in self._ways.values() for way in some]
        people = {principal.id, *[one for way in ways for one in way.through]}
        self._served = Served(snapshot, vault, reader, people)

    def items(self, wanted: Wanted, limit: int) -> list[_Item]:
        """So many of those that come after a place; the database is asked until there are."""
        piles = [pile for pile in self._piles if self._is_open(pile, wanted)]
        found: list[_Item] = []
        after = wanted.after
        while len(found) < limit:
            chunk = self._reader.desk.waiting(piles, self._principal.id, after, limit)
            found += self._answerable(chunk)
            if len(chunk) < limit:
                break
            after = Place(chunk[-1].answer_by, chunk[-1].id)
        return found[:limit]

    def acting_for(self) -> list[dict[str, Any]]:
        """For whom the person acts at which site, and until when."""
        return [
            {"site": site, **mandate_json(way)}
            for site, ways in self._ways.items()
            for way in ways
            if way.through
        ]

    def _is_open(self, pile: tuple[str, str], wanted: Wanted) -> bool:
        site, role = pile
        if wanted.site not in {None, site} or wanted.role not in {None, role}:
            return False
        return any(side.reaches(site, role) for side in self._sides)

    def _answerable(self, records: Iterable[EscalationRecord]) -> Iterable[_Item]:
        for record in records:
            side, served = self._side_of(record), self._served.by(record)
            ways = side.ways[record.site]
            way = find_way(side.rulebook, ways, self._principal, record, served)
            if isinstance(way, Mandate):
                yield _Item(record, way)

    def _side_of(self, record: EscalationRecord) -> _Side:
        """The pilot's for what was begun under its candidate."""
        begun = self._pilot is not None and self._pilot.began(record.policy_version)
        return self._sides[-1] if begun else self._sides[0]


def _known_sites(snapshot: Snapshot) -> Iterable[str]:
    return snapshot.rulebook.sites or ()


def _item_json(principal: Principal, item: _Item, now: datetime) -> dict[str, Any]:
    return {
        **escalation_summary(item.record),
        "as": voice(principal.id, item.way.through),
        "overdue": is_overdue(item.record, now),
    }


def about_json(
    found: Mapping[str, ResolutionRecord], record: EscalationRecord
) -> dict[str, Any] | None:
    """What was asked, as far as a list tells: it names nobody who is served."""
    asked = found.get(record.resolution)
    if asked is None:
        return None
    return {"resolution": asked.resolution, "value": orjson.loads(asked.answer)["value"]}


def is_overdue(record: EscalationRecord, now: datetime) -> bool:
    """Whether an answer should have come by now."""
    return record.answer_by is not None and record.answer_by <= now


def _counts(items: Sequence[_Item], now: datetime) -> dict[str, Any]:
    counted = items[:COUNTED_MAX]
    asked = sum(1 for item in counted if item.record.state == State.ASKED.value)
    return {
        "open": len(counted) - asked,
        "overdue": sum(1 for item in counted if is_overdue(item.record, now)),
        "asked": asked,
        "complete": len(items) <= COUNTED_MAX,
    }


def place_text(record: EscalationRecord) -> str:
    """The cursor of an inbox: the deadline in microseconds since 1970 or ``-``, and the id."""
    if record.answer_by is None:
        return f"-.{record.id}"
    return f"{(record.answer_by - _EPOCH) // _MICROSECOND}.{record.id}"


def read_place(text: str) -> Place | None:
    """The inverse of `place_text`; ``None`` for anything else."""
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    due = None if found[1] == "-" else _EPOCH + timedelta(microseconds=int(found[1]))
    return Place(due, found[2])
