"""An honest log, kept by hand: budgets as lists of what was charged, and none of our code.

Entries are plain objects until `written`, so that a test can spoil one and then hash and
sign the spoilt log as its operator could.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A budget: so much money, or so many approvals, for ever, each day, or within days."""

    name: str
    limit: int
    counts: bool = False
    daily: bool = False
    within_days: int | None = None


STAY = Cap(name="stay", limit=300_000)
HOUSE = Cap(name="house", limit=900_000, daily=True)
OFTEN = Cap(name="often", limit=100, counts=True, within_days=3)
WEEK = Cap(name="week", limit=400_000, within_days=7)
CAPS = (STAY, HOUSE, OFTEN, WEEK)


@dataclass(slots=True)
class Row:
    """One row: its version, what is held, and what was spent when."""

    name: str
    cap: Cap
    begins: datetime | None
    version: int = 0
    held: int = 0
    spends: list[tuple[datetime, int]] = field(default_factory=list)
    ever: int = 0

    def spend(self, at: datetime, amount: int) -> None:
        self.spends.append((at, amount))
        self.ever += amount

    def unspend(self, at: datetime, amount: int) -> None:
        self.spends.remove((at, amount))
        self.ever -= amount

    def used(self, at: datetime) -> int:
        if self.cap.within_days is None:
            return self.held + self.ever
        length = timedelta(days=self.cap.within_days)
        return self.held + sum(amount for spent, amount in self.spends if spent + length > at)


@dataclass(slots=True)
class Case:
    """An approval: what it has on each row, and whether it is held."""

    id: str
    charges: list[tuple[Row, int, datetime]]
    held: bool


def instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


class Ledger:
    """Writes entries. ``at`` is the clock, which a test moves."""

    def __init__(self, filler: Json | None = None) -> None:
        self.at = START
        self.entries: list[Json] = []
        self._count = 0
        self.cases: dict[str, Case] = {}
        self._rows: dict[tuple[str, str, datetime | None], Row] = {}
        self._filler = filler or {}

    def wait(self, **by: float) -> None:
        self.at += timedelta(**by)

    def note(self, kind: str, **body: Any) -> Json:
        """An entry that moves no budget."""
        return self._entry(kind, f"thing-{len(self.entries)}", body)

    def fits(self, value: int, key: str = "k", caps: Sequence[Cap] = CAPS) -> bool:
        rows = [self._row(cap, key) for cap in caps]
        return all(
            row.used(self.at) + (1 if row.cap.counts else value) <= row.cap.limit for row in rows
        )

    def approve(
        self,
        value: int,
        key: str | Sequence[str] = "k",
        *,
        caps: Sequence[Cap] = CAPS,
        held: bool = False,
    ) -> str:
        """A decision that approves; the id of its case. A key for all caps, or one for each."""
        id_ = self._new("res")
        self._entry("decision", id_, self._approval(id_, value, key, caps, held))
        return id_

    def deny(self, value: int, key: str = "k", caps: Sequence[Cap] = CAPS) -> Json:
        """A decision that only reads."""
        lines = [self._read(self._row(cap, key)) for cap in caps]
        body = {"outcome": "denied", "value_minor": value, "state": None, "budgets": lines}
        return self._entry("decision", self._new("res"), body)

    def escalate(self, value: int, key: str = "k") -> str:
        """A decision that goes upwards; the id of its case."""
        id_ = self._new("res")
        lines = [self._read(self._row(cap, key)) for cap in CAPS]
        body = {"outcome": "escalated", "value_minor": value, "state": "pending", "budgets": lines}
        self._entry("decision", id_, body)
        return id_

    def answer(self, case: str, value: int, key: str = "k", *, held: bool = False) -> Json:
        """Somebody above approves."""
        body = self._approval(case, value, key, CAPS, held)
        state = body.pop("state")
        return self._entry("answer", case, {"decision": body, "state": state, "effect": "approve"})

    def settle(self, case: str, value: int | None = None) -> Json:
        """All of a hold, or so much of its money."""
        found = self.cases[case]
        lines, charges = [], []
        for row, amount, _ in found.charges:
            spent = amount if row.cap.counts or value is None else value
            before = row.used(self.at)
            row.held -= amount
            row.spend(self.at, spent)
            lines.append(self._moved(row, before, -amount, spent, self.at))
            charges.append((row, spent, self.at))
        found.charges, found.held = charges, False
        return self._ended(case, "settle", "held", "settled", lines)

    def release(self, case: str, kind: str = "release") -> Json:
        found = self.cases.pop(case)
        lines = []
        for row, amount, _ in found.charges:
            before = row.used(self.at)
            row.held -= amount
            lines.append(self._moved(row, before, -amount, 0, None))
        return self._ended(case, kind, "held", "released", lines)

    def reverse(self, case: str) -> Json:
        found = self.cases.pop(case)
        lines = []
        for row, amount, spent_at in found.charges:
            before = row.used(self.at)
            within = row.cap.within_days
            if within is not None and spent_at + timedelta(days=within) <= self.at:
                lines.append(self._moved(row, before, 0, 0, spent_at))
                continue
            row.unspend(spent_at, amount)
            lines.append(self._moved(row, before, 0, -amount, spent_at))
        return self._ended(case, "reverse", "settled", "reversed", lines)

    def written(self) -> list[bytes]:
        """The bytes of every entry."""
        return written(self.entries)

    def _approval(
        self, case: str, value: int, key: str | Sequence[str], caps: Sequence[Cap], held: bool
    ) -> Json:
        lines, charges = [], []
        keys = [key] * len(caps) if isinstance(key, str) else key
        for cap, own in zip(caps, keys, strict=True):
            row = self._row(cap, own)
            amount = 1 if cap.counts else value
            before = row.used(self.at)
            if held:
                row.held += amount
            else:
                row.spend(self.at, amount)
            row.version += 1
            lines.append(self._line(row, amount, before, row.used(self.at)))
            charges.append((row, amount, self.at))
        self.cases[case] = Case(case, charges, held)
        state = "held" if held else "settled"
        return {"outcome": "approved", "value_minor": value, "state": state, "budgets": lines}

    def _row(self, cap: Cap, key: str) -> Row:
        begins = datetime.combine(self.at.date(), START.min.time(), UTC) if cap.daily else None
        place = (cap.name, key, begins)
        if place not in self._rows:
            self._rows[place] = Row(f"bud_{cap.name}_{key}_{len(self._rows)}", cap, begins)
        return self._rows[place]

    def _read(self, row: Row) -> Json:
        used = row.used(self.at)
        return self._line(row, 0, used, used)

    def _line(self, row: Row, charged: int, before: int, after: int) -> Json:
        within = row.cap.within_days
        return {
            "budget": row.cap.name,
            "row": row.name,
            "version": row.version,
            "counts": row.cap.counts,
            "limit": row.cap.limit,
            "charged": charged,
            "before": before,
            "after": after,
            "within_seconds": None if within is None else within * 86_400,
            "from": None if row.begins is None else instant(row.begins),
            "until": None if row.begins is None else instant(row.begins + DAY),
        }

    def _moved(
        self, row: Row, before: int, held: int, settled: int, spent_at: datetime | None
    ) -> Json:
        row.version += bool(held or settled)
        after = row.used(self.at)
        rolls = row.cap.within_days is not None
        told = None if spent_at is None or not rolls else instant(spent_at)
        line = self._line(row, after - before, before, after)
        return {**line, "held": held, "settled": settled, "spent_at": told}

    def _ended(self, case: str, kind: str, was: str, effect: str, lines: list[Json]) -> Json:
        return self._entry(kind, case, {"was": was, "effect": effect, "budgets": lines})

    def _entry(self, kind: str, about: str, body: Json) -> Json:
        entry = {
            **self._filler,
            "v": 1,
            "kind": kind,
            "id": self._new("ent"),
            "at": instant(self.at),
            "about": about,
            "_sd_alg": "sha-256",
            "_sd": [],
            **copy.deepcopy(body),
        }
        self.entries.append(entry)
        self._count += 1
        return entry

    def _new(self, prefix: str) -> str:
        return f"{prefix}_{self._count:06}"


def written(entries: Sequence[Json]) -> list[bytes]:
    """RFC 8785 for what these entries hold."""
    return [
        json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        for entry in entries
    ]
