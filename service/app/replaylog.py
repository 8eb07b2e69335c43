"""The log as events of a replay: decisions, answers and ends of money, as they came."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson

from service.app.ports import Filter, Page, Store
from service.app.pseudonym import NOBODY
from service.app.records import EntryRecord
from service.app.replaycase import Answered, Asked, Ended, Event, verdict_in
from service.app.replayorder import Entry, in_order
from service.core.escalation import GRANTS
from service.core.expression import FactValue
from service.core.factvalue import FactError, read_fact
from service.core.refusal import Fault, Refused
from service.core.request import Agent, Evidence, Request
from service.core.rulebook import Fact, FactType, Rulebook

PAGE_ENTRIES: Final = 500
ENDS: Final = ("settle", "release", "expire", "reverse")
_FINAL: Final = frozenset({*GRANTS, "deny", "time_out", "withdraw", "lapse"})
_KINDS: Final = frozenset({"decision", *ENDS, "answer", "timeout", "withdraw", "reroute"})
_THERE: Final = "there"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Reads entries before ``until``, from ``since`` on, a page and a short read at a time.

    ``notes`` counts what of recorded requests a rulebook could not take, by a sentence.
    ``sites`` are those to read, ``None`` every one. ``asks_people`` says that some budget
    is kept per a personal fact other than the subject, which the entry does not tell: the
    resolution is looked up then.
    """

    store: Store
    since: datetime | None
    until: datetime | None
    notes: dict[str, int]
    asks_people: bool = False
    sites: frozenset[str] | None = None
    advance: Callable[[int], object] = int

    def events(self) -> Iterator[Event]:
        """Every event, in the order in which the budgets changed."""
        for entry, body in in_order(self.entries(), is_whole=self.since is None):
            yield self._event(entry, body)

    def entries(self) -> Iterator[Entry]:
        """What events are made of, with their bodies, by their ids."""
        return ((it, _body(it)) for it in self._entries(None) if it.kind in _KINDS)

    def returning(self) -> frozenset[str]:
        """The resolutions of which money came back, or a hold ended."""
        return frozenset(entry.about for kind in ENDS for entry in self._entries(kind))

    def _entries(self, kind: str | None) -> Iterator[EntryRecord]:
        wanted = Filter(kind=kind, sites=self.sites, since=self.since, until=self.until)
        after: str | None = None
        while True:
            page = Page(after=after, limit=PAGE_ENTRIES, oldest_first=True)
            with self.store.read() as reader:
                entries = reader.list_entries(wanted, page)
            yield from entries
            if kind is None:
                self.advance(len(entries))
            if len(entries) < PAGE_ENTRIES:
                return
            after = entries[-1].id

    def _event(self, entry: EntryRecord, body: Mapping[str, Any]) -> Event:
        if entry.kind == "decision":
            return self.asked(entry, body)
        return _ended(entry, body) if entry.kind in ENDS else _answered(entry, body)

    def asked(self, entry: EntryRecord, body: Mapping[str, Any]) -> Asked:
        """The event of a decision's entry."""
        return Asked(
            id=entry.id,
            at=entry.at,
            site=body["proposal"]["site"],
            request=partial(self._request, entry, body["proposal"]),
            about=entry.about,
            recorded=verdict_in(body),
            state=body["state"],
            number=(entry.at - _EPOCH) // _MICROSECOND,
        )

    def _request(
        self, entry: EntryRecord, proposal: Mapping[str, Any], rulebook: Rulebook
    ) -> Request:
        """The recorded request under a rulebook. Raises `Refused` for what it does not know."""
        _require_known(rulebook, proposal)
        facts = {**self._facts(rulebook, proposal["facts"]), **self._personal(entry, proposal)}
        agent = proposal["agent"]
        return Request(
            site=proposal["site"],
            agent=Agent(
                id=agent["id"],
                kind=agent["kind"],
                owner=agent["owner"],
                roles=tuple(role for role in agent["roles"] if role in rulebook.roles),
            ),
            resolution=proposal["resolution"],
            amount_minor=proposal["amount_minor"],
            quantity=proposal["quantity"],
            currency=proposal["currency"],
            rate=proposal["rate"],
            reason=proposal["reason"],
            channel=proposal["channel"],
            note=_THERE if proposal["note"] else None,
            evidence=tuple(Evidence(kind=kind, reference=_THERE) for kind in proposal["evidence"]),
            unavailable=frozenset(proposal["unavailable"]),
            facts={path: value for path, value in facts.items() if path in rulebook.facts},
        )

    def _facts(self, rulebook: Rulebook, told: Mapping[str, Any]) -> dict[str, FactValue]:
        """The facts that the rulebook declares; what it does not is left out, and noted."""
        found: dict[str, FactValue] = {}
        for path, value in told.items():
            fact = rulebook.facts.get(path)
            if fact is None:
                self._note(f"{path} is not declared, and was left out")
                continue
            try:
                found[path] = _value_of(fact, value, rulebook.decimals)
            except FactError:
                self._note(f"{path} was told in a form that is not declared, and was left out")
        return found

    def _personal(self, entry: EntryRecord, proposal: Mapping[str, Any]) -> Mapping[str, FactValue]:
        """Surrogates in place of the personal facts. No rule reads what they are."""
        paths = proposal.get("personal", ())
        if self.asks_people:
            with self.store.read() as reader:
                record = reader.find_resolution(entry.about)
            if record is not None:
                stored: Mapping[str, FactValue] = orjson.loads(record.proposal)["personal"]
                return stored
        subject = entry.subject if entry.subject not in (None, NOBODY) else _THERE
        return dict.fromkeys(paths, subject or _THERE)

    def _note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1


def _body(entry: EntryRecord) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(entry.body)
    return found


def asks_people(rulebooks: tuple[Rulebook, ...]) -> bool:
    """Whether a budget is kept per a personal fact other than the subject."""
    return any(
        name in book.personal and name != book.subject
        for book in rulebooks
        for budget in book.budgets
        for name in budget.per
    )


def _require_known(rulebook: Rulebook, proposal: Mapping[str, Any]) -> None:
    """Raises `Refused`: an unknown resolution, another way to measure it, an unknown site."""
    kind = rulebook.resolutions.get(proposal["resolution"])
    if kind is None:
        raise _refused("unknown_resolution", "the policy names no such resolution")
    if (kind.unit is None) is (proposal["amount_minor"] is None):
        raise _refused("wrong_type", "the policy gives this by another measure")
    if rulebook.sites is not None and proposal["site"] not in rulebook.sites:
        raise _refused("unknown_site", "the policy names no such site")


def _refused(code: str, message: str) -> Refused:
    return Refused((Fault(code=code, pointer="", message=message, remedy="declare it"),))


def _value_of(fact: Fact, value: Any, decimals: int) -> FactValue:  # noqa: ANN401 — JSON
    """A fact as an entry holds it: durations in seconds, decimals as text. Raises `FactError`."""
    if isinstance(value, str) and fact.type is FactType.DURATION and value.endswith("s"):
        return timedelta(seconds=int(value[:-1]))
    if isinstance(value, str) and fact.type is FactType.NUMBER:
        return float(value)
    return read_fact(fact, value, decimals)


def _answered(entry: EntryRecord, body: Mapping[str, Any]) -> Answered:
    """An answer. What a quorum still has to follow is none yet."""
    effect, decision, offer = body["effect"], body["decision"], body["countered"]
    approves = body["answer"] in ("approve", "counter") and effect != "concur"
    return Answered(
        about=entry.about,
        at=entry.at,
        roles=tuple(body["roles"]) if approves else (),
        recorded=None if decision is None else verdict_in(decision),
        state=body["state"],
        offer=None if offer is None else (offer["amount_minor"], offer["quantity"]),
        is_final=effect in _FINAL,
    )


def _ended(entry: EntryRecord, body: Mapping[str, Any]) -> Ended:
    left = body["value_minor"] if body["effect"] == "settled" else 0
    return Ended(entry.about, entry.at, left)
