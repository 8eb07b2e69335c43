"""Ending: one legal move of an approval, and everything that it writes."""

from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from service.app.batch import Batch
from service.app.charges import Moved, moved
from service.app.entry import Head, caller_body, entry_of
from service.app.principal import Principal
from service.app.pseudonym import seal
from service.app.records import EntryKind, EntryRecord, ResolutionRecord
from service.core.disclosure import Disclosure
from service.core.factvalue import rfc3339
from service.core.hold import TRANSITIONS, Move, State
from service.core.money import CURRENCY_DECIMALS, format_minor
from service.core.settlement import Value

SERVICE: Final = {"id": "remit", "kind": "service", "owner": None, "key": None}
"""Who does what nobody does: ends a hold whose time is up, as the log has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A move, who makes it, and why. ``settled`` is how much of a hold is settled.

    Without a ``principal`` it is time that ends a hold. ``roles`` are the mover's at the site.
    """

    move: Move
    principal: Principal | None = None
    roles: tuple[str, ...] = ()
    settled: Value | None = None
    reason: str | None = None

    @property
    def kind(self) -> EntryKind:
        """What the entry of the move is called."""
        return "expire" if self.principal is None else self.move.value


def value_of(record: ResolutionRecord) -> Value:
    """What an approval is worth now, as its answer tells."""
    told = orjson.loads(record.answer)["value"] or {}
    return Value(record.value_minor or 0, told.get("quantity"))


def decimals_of(record: ResolutionRecord) -> int:
    """The decimals of the currency that an approval was given in, whatever today's is."""
    found: int = CURRENCY_DECIMALS[orjson.loads(record.answer)["value"]["currency"]]
    return found


def expire(batch: Batch, record: ResolutionRecord) -> ResolutionRecord:
    """End a hold whose time is up by the move that it names; all of it."""
    return Ending(batch, record, Given(move=Move(record.hold_then or Move.RELEASE))).done()


class Ending:
    """One legal move. The caller has seen that it is one, and who may make it."""

    def __init__(self, batch: Batch, record: ResolutionRecord, given: Given) -> None:
        """Keep the resolution as it was locked."""
        self.batch = batch
        self.given = given
        self.before = record
        self.answer: dict[str, Any] = orjson.loads(record.answer)
        self.state = TRANSITIONS[State(record.state or ""), given.move]
        self.value = given.settled or value_of(record)
        self.sealed = self._sealed()

    def done(self) -> ResolutionRecord:
        """The resolution after the move; all that follows is among the batch's writes."""
        minor, given = self.value.minor, self.given
        rows = [moved(self.batch, charge, given.move, minor) for charge in self.before.charges]
        entry = self._entry(rows)
        after = replace(
            self.before,
            state=self.state.value,
            value_minor=minor,
            answer=orjson.dumps(self._answer(rows, entry)),
            charges=tuple(row.left for row in rows if row.left is not None),
        )
        if given.principal is not None and self.before.state == State.HELD.value:
            after = replace(after, hold_ends_at=None, hold_then=None)
        self._write(after, entry)
        return after

    def _sealed(self) -> tuple[str, ...]:
        """The reason as an encoded disclosure."""
        reason = self.given.reason
        if reason is None:
            return ()
        salt = self.batch.ids.salt()
        return (Disclosure(salt=salt, name="reason", value=reason).encoded(),)

    def _entry(self, rows: list[Moved]) -> EntryRecord:
        batch, before, given, answer = self.batch, self.before, self.given, self.answer
        rulebook = batch.snapshot.rulebook
        id_ = batch.ids.new("ent", batch.at)
        ends_at = before.hold_ends_at
        body: dict[str, Any] = {
            "by": SERVICE if given.principal is None else caller_body(given.principal),
            "roles": list(given.roles),
            "effect": self.state.value,
            "was": before.state,
            "site": before.site,
            "resolution": before.resolution,
            "authority": answer["authority"],
            "decided": answer["entry"]["id"],
            "hold_ends_at": None if ends_at is None else rfc3339(ends_at),
            "value_minor": self.value.minor,
            "value_before_minor": before.value_minor,
            "quantity": self.value.quantity,
            "policy": {"version": rulebook.version, "rules": rulebook.rules},
            "budgets": [row.body() for row in rows],
        }
        return entry_of(
            Head(id=id_, kind=given.kind, at=batch.at, about=before.id),
            body,
            self.sealed,
            site=before.site,
            agent=None if given.principal is None else given.principal.id,
            subject=before.subject,
            resolution=before.resolution,
            outcome=self.state.value,
            rule=answer["authority"]["grant"],
            value_minor=self.value.minor,
            policy_version=rulebook.version,
        )

    def _answer(self, rows: list[Moved], entry: EntryRecord) -> dict[str, Any]:
        """The decision as it stands now: another state, value, balances and entry."""
        decimals = decimals_of(self.before)
        value = {**self.answer["value"], "amount": format_minor(self.value.minor, decimals)}
        if self.value.quantity is not None:
            value["quantity"] = self.value.quantity
        told = zip(self.answer["budgets"], rows, strict=True)
        return {
            **self.answer,
            "state": self.state.value,
            "value": value,
            "budgets": [budget | row.shown(decimals) for budget, row in told],
            "entry": {"id": entry.id, "leaf": entry.leaf.hex()},
        }

    def _write(self, after: ResolutionRecord, entry: EntryRecord) -> None:
        batch, subject = self.batch, self.before.subject
        if self.sealed:
            wrapped = batch.subject_keys[subject]
            batch.writes.openings.append(seal(batch.vault, wrapped, entry.id, subject, self.sealed))
        batch.writes.entries.append(entry)
        batch.writes.resolution_changes.append(after)
        batch.resolutions[after.id] = after
