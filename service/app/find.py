"""Find: what was decided, what waits, what is logged, for whoever may see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from service.app.errors import Forbidden, NotFound
from service.app.logsearch import entry_json
from service.app.mandates import ways_to_answer
from service.app.ports import Filter, Page, Reader, Store, Vault
from service.app.principal import Principal, for_caller
from service.app.pseudonym import name_people, unseal
from service.app.records import EntryRecord, EscalationRecord, ResolutionRecord
from service.app.snapshot import Library, Snapshot
from service.app.tokenpeople import snapshot_for
from service.core.delegation import Delegation, voice
from service.core.disclosure import Disclosure
from service.core.factvalue import rfc3339

HISTORY_MAX = 200


class Finder:
    """Reads what is committed. Personal values are put back for those who may see the case."""

    def __init__(self, store: Store, library: Library, vault: Vault) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._vault = vault

    def get_resolution(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One resolution: its decision, its proposal, its history; as JSON. Raises `NotFound`."""
        snapshot = self._library.in_force()
        with self._store.read() as reader:
            record = reader.find_resolution(id)
            if record is None or not _sees(snapshot, principal, "resolution", record.site):
                raise _no("resolution", id)
            return self._case(reader, record)

    def list_resolutions(self, principal: Principal, wanted: Filter, page: Page) -> bytes:
        """A page of decisions, newest first, as JSON."""
        wanted = self._seen(principal, "resolution", wanted)
        with self._store.read() as reader:
            records = reader.list_resolutions(wanted, _one_more(page))
            shown = records[: page.limit]
            names = self._names(reader, shown)
        items = [name_people(record.answer, names[record.id]) for record in shown]
        return _listed("resolutions", items, records, page)

    def find_resolution(self, principal: Principal, id: str) -> ResolutionRecord:  # noqa: A002
        """The record of one resolution that the caller may see. Raises `NotFound`."""
        snapshot = self._library.in_force()
        with self._store.read() as reader:
            record = reader.find_resolution(id)
        if record is None or not _sees(snapshot, principal, "resolution", record.site):
            raise _no("resolution", id)
        return record

    def get_escalation(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One escalation with its whole case, as JSON. Raises `NotFound`."""
        record = self.find_escalation(principal, id)
        with self._store.read() as reader:
            resolution = reader.find_resolution(record.resolution)
            if resolution is None:
                raise _no("escalation", id)
            case = self._case(reader, resolution)
        body = escalation_summary(record)
        return orjson.dumps(body)[:-1] + b',"case":' + case + b"}"

    def find_escalation(self, principal: Principal, id: str) -> EscalationRecord:  # noqa: A002
        """The record of one escalation that the caller may see. Raises `NotFound`.

        Who proposed, and who owns the agent that did, may always see what became of it; who
        acts for somebody sees what they see.
        """
        snapshot = self._library.in_force()
        with self._store.read() as reader:
            record = reader.find_escalation(id)
            if record is None:
                raise _no("escalation", id)
            now = reader.now()
            delegations = reader.delegations(now)
            snapshot = snapshot_for(snapshot, principal, reader.tokens, delegations, now)
            if not follows(snapshot, delegations, now, principal, record):
                raise _no("escalation", id)
        return record

    def list_escalations(self, principal: Principal, wanted: Filter, page: Page) -> bytes:
        """A page of escalations, newest first, as JSON."""
        wanted = self._seen(principal, "escalation", wanted)
        with self._store.read() as reader:
            records = reader.list_escalations(wanted, _one_more(page))
        items = [orjson.dumps(escalation_summary(record)) for record in records[: page.limit]]
        return _listed("escalations", items, records, page)

    def get_entry(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One entry of the log, with the bytes that were hashed, as JSON. Raises `NotFound`."""
        snapshot = self._library.in_force()
        with self._store.read() as reader:
            record = reader.find_entry(id)
        if record is None or not _may_audit(snapshot, principal, record.site):
            raise _no("entry", id)
        return orjson.dumps({**entry_json(record), "bytes": record.body.decode()})

    def named(self, resolution: str, body: bytes) -> bytes:
        """JSON that was rendered with a resolution's surrogates, with the values put back."""
        with self._store.read() as reader:
            record = reader.find_resolution(resolution)
            if record is None:
                return body
            return name_people(body, self._names(reader, [record])[record.id])

    def _seen(self, principal: Principal, thing: str, wanted: Filter) -> Filter:
        """The filter, narrowed to the sites that the caller may see."""
        sites = for_caller(self._library.in_force().access, principal).sites(
            principal.id, thing, "read"
        )
        if sites is None:
            return wanted
        asked = sites if wanted.sites is None else wanted.sites & sites
        if not sites:
            raise Forbidden(
                "not_permitted",
                f"{principal.id} may not read any {thing}",
                f"ask whoever keeps access.csv for a role with: {thing}, read",
            )
        return replace(wanted, sites=asked)

    def _case(self, reader: Reader, record: ResolutionRecord) -> bytes:
        entries = reader.list_entries(Filter(about=record.id), Page(limit=HISTORY_MAX))
        opened = self._opened(reader, [entry.id for entry in entries])
        proposal = _proposal(record, opened.get(record.entry, {}))
        case = {
            **orjson.loads(record.answer),
            "proposal": proposal,
            "proposed_by": {
                "id": record.agent,
                "kind": record.agent_kind,
                "owner": record.agent_owner,
                "roles": list(record.agent_roles),
            },
            "hold": _hold(record),
            "history": [_step(entry, opened.get(entry.id, {})) for entry in reversed(entries)],
        }
        names = _names_of(record, opened.get(record.entry, {}))
        return name_people(orjson.dumps(case), names)

    def _names(
        self, reader: Reader, records: Sequence[ResolutionRecord]
    ) -> dict[str, Mapping[str, str]]:
        opened = self._opened(reader, [record.entry for record in records])
        return {record.id: _names_of(record, opened.get(record.entry, {})) for record in records}

    def _opened(self, reader: Reader, entries: Iterable[str]) -> dict[str, dict[str, str]]:
        """The disclosed values of entries by name; an erased entry has none."""
        openings = reader.openings(list(entries))
        keys = reader.subject_keys({opening.subject for opening in openings.values()})
        found: dict[str, dict[str, str]] = {}
        for entry, opening in openings.items():
            if opening.subject in keys:
                disclosures = unseal(self._vault, keys[opening.subject], opening)
                found[entry] = _by_name(disclosures)
        return found


def escalation_summary(record: EscalationRecord) -> dict[str, Any]:
    """An escalation without its case."""
    due, answered = record.answer_by, record.answered_at
    return {
        "id": record.id,
        "state": record.state,
        "to": record.role,
        "site": record.site,
        "resolution": record.resolution,
        "proposer": record.proposer,
        "opened_at": rfc3339(record.opened_at),
        "answer_by": None if due is None else rfc3339(due),
        "approvals": list(record.approvals),
        "answered_by": record.answered_by,
        "answered_at": None if answered is None else rfc3339(answered),
        "digest": record.digest,
        "policy_version": record.policy_version,
    }


def _by_name(disclosures: Iterable[Disclosure]) -> dict[str, str]:
    return {disclosure.name: disclosure.value for disclosure in disclosures}


def _names_of(record: ResolutionRecord, opened: Mapping[str, str]) -> dict[str, str]:
    """The values behind the surrogates of a proposal, where they are not erased."""
    personal: dict[str, str] = orjson.loads(record.proposal)["personal"]
    return {surrogate: opened[path] for path, surrogate in personal.items() if path in opened}


def _proposal(record: ResolutionRecord, opened: Mapping[str, str]) -> dict[str, Any]:
    """The proposal as it was sent; what was erased is null."""
    stored = orjson.loads(record.proposal)
    body: dict[str, Any] = stored["body"]
    for path, surrogate in stored["personal"].items():
        *parents, leaf = path.split(".")
        branch = body["facts"]
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = surrogate
    if "note" in body:
        body["note"] = opened.get("note")
    for number, evidence in enumerate(body.get("evidence", ())):
        evidence["reference"] = opened.get(f"evidence/{number}")
    return body


def _hold(record: ResolutionRecord) -> dict[str, str | None] | None:
    """Until when it is held, and what happens then; nothing where it is held no more."""
    if record.state != "held" or record.hold_ends_at is None:
        return None
    return {"until": rfc3339(record.hold_ends_at), "then": record.hold_then}


def _step(entry: EntryRecord, opened: Mapping[str, str]) -> dict[str, Any]:
    """One line of a case's history."""
    body = orjson.loads(entry.body)
    return {
        "entry": {"id": entry.id, "leaf": entry.leaf.hex()},
        "kind": entry.kind,
        "at": rfc3339(entry.at),
        "by": voice(body["by"]["id"], body.get("for", ())),
        "effect": body.get("effect", body.get("outcome")),
        "text": opened.get("answer", opened.get("reason")),
    }


def _sees(snapshot: Snapshot, principal: Principal, thing: str, site: str) -> bool:
    return for_caller(snapshot.access, principal).may(principal.id, thing, "read", site)


def follows(
    snapshot: Snapshot,
    delegations: Sequence[Delegation],
    at: datetime,
    principal: Principal,
    record: EscalationRecord,
) -> bool:
    """Whether somebody may see an escalation: their own, one of the site's, or for others.

    The snapshot is as `tokenpeople.snapshot_for` has it for them.
    """
    own = principal.id in {record.proposer, record.proposer_owner}
    if own or _sees(snapshot, principal, "escalation", record.site):
        return True
    ways = ways_to_answer(snapshot, delegations, principal.id, record.site, at)
    return any(
        snapshot.access.may(way.through[-1], "escalation", "read", record.site)
        for way in ways
        if way.through
    )


def _may_audit(snapshot: Snapshot, principal: Principal, site: str | None) -> bool:
    """Whether somebody may read an entry; one of no site takes the right at every site."""
    if site is not None:
        return _sees(snapshot, principal, "log", site)
    access = for_caller(snapshot.access, principal)
    return access.sites(principal.id, "log", "read") is None


def _no(thing: str, id: str) -> NotFound:  # noqa: A002
    return NotFound(
        f"no_{thing}", f"there is no {thing} {id[:60]!r} for you", f"list them: GET /v1/{thing}s"
    )


def _one_more(page: Page) -> Page:
    return replace(page, limit=page.limit + 1)


def _listed(name: str, items: Sequence[bytes], records: Sequence[Any], page: Page) -> bytes:
    following = records[page.limit - 1].id if len(records) > page.limit else None
    listed = b"[" + b",".join(items) + b"]"
    return b'{"%s":%s,"next":%s}' % (name.encode(), listed, orjson.dumps(following))
