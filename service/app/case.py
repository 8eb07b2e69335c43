"""The case: everything that somebody needs who is to answer an escalation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import orjson

from service.app.budgets import BudgetReader, Question
from service.app.deskports import Likeness
from service.app.find import Finder
from service.app.inbox import is_overdue
from service.app.mandates import OBJECTIONS, Served, find_way, mandate_json, ways_to_answer
from service.app.outlook import Outlook
from service.app.pilot import Pilots
from service.app.ports import Page, Reader, Store, Vault
from service.app.principal import Principal
from service.app.pseudonym import NOBODY
from service.app.records import EscalationRecord, ResolutionRecord
from service.app.snapshot import Library, Snapshot
from service.app.tokenpeople import access_for, latest, remembered
from service.core.delegation import Delegation, Mandate, voice
from service.core.escalation import WAITING, Objection, State
from service.core.factvalue import rfc3339
from service.core.rulebook import Rulebook

HISTORY_MAX: Final = 20
SIMILAR_MAX: Final = 10
SIMILAR_DAYS: Final = 180
ANSWERERS_MAX: Final = 50
AGENT_BUDGETS_MAX: Final = 50


class CaseReader:
    """Shows an escalation to whoever may see it; the context only to whoever may answer there."""

    def __init__(
        self, store: Store, library: Library, vault: Vault, finder: Finder, budgets: BudgetReader
    ) -> None:
        """Keep what it reads with."""
        self._vault = vault
        self._store = store
        self._pilots = Pilots(store, library)
        self._finder = finder
        self._budgets = budgets

    def get(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One escalation with its case and its context, as JSON. Raises `NotFound`.

        Who only proposed it sees the case; the context is null for them.
        """
        case = self._finder.get_escalation(principal, id)
        context = orjson.dumps(self._context(principal, id))
        body = case[:-1] + b',"context":' + context + b"}"
        resolution: str = orjson.loads(case)["resolution"]
        return self._finder.named(resolution, body)

    def _context(self, principal: Principal, id_: str) -> dict[str, Any] | None:
        snapshot, pilot = self._pilots.in_force()
        with self._store.read() as reader:
            escalation = reader.find_escalation(id_)
            if escalation is None:
                return None
            if pilot is not None and pilot.began(escalation.policy_version):
                snapshot = pilot.snapshot
            resolution = reader.find_resolution(escalation.resolution)
            if resolution is None:
                return None
            looking = _Looking(reader, snapshot, self._vault, principal, escalation, resolution)
            if not looking.sees_context:
                return None
            context = looking.context()
        return {**context, "agent_budgets": self._agent_budgets(snapshot, looking)}

    def _agent_budgets(self, snapshot: Snapshot, looking: "_Looking") -> list[dict[str, Any]]:
        """What the proposer has used of the budgets that are kept per agent, at the site."""
        budgets = snapshot.rulebook.budgets
        sites = looking.sites("budget", "read")
        if not any("agent.id" in budget.per for budget in budgets):
            return []
        question = Question(
            site=looking.escalation.site, parts={"agent.id": looking.escalation.proposer}
        )
        page = self._budgets.page(question, Page(limit=AGENT_BUDGETS_MAX), sites)
        found: list[dict[str, Any]] = page["budgets"]
        return found


class _Looking:
    """One person's look at one escalation."""

    def __init__(
        self,
        reader: Reader,
        snapshot: Snapshot,
        vault: Vault,
        principal: Principal,
        escalation: EscalationRecord,
        resolution: ResolutionRecord,
    ) -> None:
        self.escalation = escalation
        self._reader = reader
        self._rulebook: Rulebook = snapshot.rulebook
        self._principal = principal
        self._resolution = resolution
        self._at = reader.now()
        self._delegations: Sequence[Delegation] = reader.delegations(self._at)
        delegators = {one.delegator for one in self._delegations}
        self._tokens = {
            **latest(reader.tokens, self._at),
            **remembered(reader.tokens, delegators, self._at),
        }
        access = access_for(snapshot.access, principal, self._tokens.values())
        self._snapshot = snapshot = replace(snapshot, access=access)
        self._ways = self._ways_of(principal.id)
        people = {principal.id, *snapshot.access.people()}
        self._served = Served(snapshot, vault, reader, people).by(escalation)

    @property
    def sees_context(self) -> bool:
        """Whether the person may see escalations of the site, for themselves or for others."""
        site = self.escalation.site
        return any(
            self._snapshot.access.may(person, "escalation", "read", site)
            for person in self._people()
        )

    def sites(self, thing: str, action: str) -> frozenset[str] | None:
        """Where the person may do something, for themselves or for others; ``None`` everywhere."""
        found: frozenset[str] = frozenset()
        for person in self._people():
            sites = self._snapshot.access.sites(person, thing, action)
            if sites is None:
                return None
            found |= sites
        return found

    def context(self) -> dict[str, Any]:
        """All of it but the budgets of the proposer."""
        outlook = Outlook(self._reader, self._snapshot, self.escalation, self._resolution, self._at)
        return {
            "at": rfc3339(self._at),
            "you": self._you(outlook),
            "unasked_today": outlook.unasked(),
            "deadline": self._deadline(),
            "subject_history": self._history(),
            "similar": self._similar(),
            "answerers": self._answerers(),
        }

    def _people(self) -> list[str]:
        """The person, and everybody whose authority the person may use here."""
        return [self._principal.id, *[way.through[-1] for way in self._ways if way.through]]

    def _ways_of(self, person: str) -> tuple[Mandate, ...]:
        site = self.escalation.site
        return ways_to_answer(self._snapshot, self._delegations, person, site, self._at)

    def _find_way(self, ways: Sequence[Mandate], principal: Principal) -> Mandate | Objection:
        return find_way(self._rulebook, ways, principal, self.escalation, self._served)

    def _is_waiting(self) -> bool:
        return State(self.escalation.state) in WAITING

    def _you(self, outlook: Outlook) -> dict[str, Any]:
        """As whom the reader would answer, what it would do, or what stands against it."""
        mandates = [mandate_json(way) for way in self._ways if way.through]
        told: dict[str, Any] = {"as": None, "objection": None, "answers": None}
        if self._is_waiting():
            way = self._find_way(self._ways, self._principal)
            if isinstance(way, Mandate):
                told["as"] = voice(self._principal.id, way.through)
                told["answers"] = outlook.answers(way)
            else:
                what, instead = OBJECTIONS[way]
                told["objection"] = {"code": way.value, "message": what, "remedy": instead}
        return {**told, "acting_for": mandates}

    def _deadline(self) -> dict[str, Any]:
        escalation = self.escalation
        due, remind = escalation.answer_by, escalation.remind_at
        follows = self._rulebook.roles.get(escalation.role)
        then = escalation.on_timeout
        return {
            "answer_by": None if due is None else rfc3339(due),
            "remind_at": None if remind is None else rfc3339(remind),
            "overdue": self._is_waiting() and is_overdue(escalation, self._at),
            "on_timeout": then,
            "next": follows.reports_to if follows is not None and then == "next" else None,
        }

    def _history(self) -> dict[str, Any] | None:
        """What was decided for the same subject, wherever the reader may look."""
        subject = self.escalation.subject
        if subject == NOBODY:
            return None
        sites = self.sites("resolution", "read")
        desk = self._reader.desk
        # The case itself is one of them, and is shown already.
        found = [
            record
            for record in desk.resolutions_of(subject, sites, HISTORY_MAX + 1)
            if record.id != self._resolution.id
        ]
        others = desk.count_resolutions_of(subject, sites) - 1
        return {
            "total": max(others, len(found[:HISTORY_MAX])),
            "resolutions": [_brief(record) for record in found[:HISTORY_MAX]],
        }

    def _similar(self) -> list[dict[str, Any]]:
        """How cases like this one were answered: same resolution and reason, about as much."""
        entry = self._reader.find_entry(self._resolution.entry)
        value = None if entry is None else entry.value_minor
        if entry is None or value is None:
            return []
        like = Likeness(
            escalation=self.escalation.id,
            resolution=self._resolution.resolution,
            reason=entry.reason,
            value_from_minor=value // 2,
            value_to_minor=value * 2,
            sites=self.sites("escalation", "read"),
            since=self._at - timedelta(days=SIMILAR_DAYS),
        )
        found = self._reader.desk.similar(like, SIMILAR_MAX)
        return [_precedent(record, about) for record, about in found]

    def _answerers(self) -> dict[str, Any]:
        """Everybody who could answer now, and for whom."""
        if not self._is_waiting():
            return {"total": 0, "people": []}
        machines = self._reader.desk.machines()
        kinds = {person: one.kind for person, one in self._tokens.items()}
        people = [
            person
            for person in self._snapshot.access.people()
            if kinds.get(person, "ai" if person in machines else "human") == "human"
        ]
        found = [one for person in people if (one := self._find_answerer(person)) is not None]
        return {"total": len(found), "people": found[:ANSWERERS_MAX]}

    def _find_answerer(self, person: str) -> Mapping[str, Any] | None:
        asked = Principal(id=person, kind="human", owner=None, key="")
        way = self._find_way(self._ways_of(person), asked)
        if not isinstance(way, Mandate):
            return None
        return {
            "id": person,
            "as": voice(person, way.through),
            "until": None if way.until is None else rfc3339(way.until),
        }


def _brief(record: ResolutionRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "site": record.site,
        "resolution": record.resolution,
        "outcome": record.outcome,
        "state": record.state,
        "value": orjson.loads(record.answer)["value"],
        "proposer": record.agent,
        "decided_at": rfc3339(record.decided_at),
    }


def _precedent(record: EscalationRecord, about: ResolutionRecord) -> dict[str, Any]:
    answered = record.answered_at
    return {
        "id": record.id,
        "site": record.site,
        "state": record.state,
        "value": orjson.loads(about.answer)["value"],
        "answered_by": record.answered_by,
        "answered_at": None if answered is None else rfc3339(answered),
    }
