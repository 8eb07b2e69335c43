"""What a database holds, read with plain statements and none of the service's code."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import psycopg

from tests.attack.history import Entry, Kept, Line, Resolution, Row

READ_AT_ONCE = 10_000


class Cursor(Protocol):
    def execute(self, statement: str, /) -> object: ...
    def fetchmany(self, size: int, /) -> list[tuple[Any, ...]]: ...


def read(url: str) -> Kept:
    """Everything, as of one instant."""
    with _cursor(url) as cursor:
        return Kept(
            entries={entry.id: entry for entry in map(_entry, _rows(cursor, ENTRIES))},
            resolutions={found.id: found for found in map(_resolution, _rows(cursor, RESOLUTIONS))},
            rows={row[0]: Row(*row) for row in _rows(cursor, BUDGETS)},
            escalations=frozenset(id_ for (id_,) in _rows(cursor, "SELECT id FROM escalations")),
            sealed=frozenset(id_ for (id_,) in _rows(cursor, "SELECT entry FROM openings")),
            answered={key: found for key, found in _rows(cursor, KEYS) if found is not None},
            unanswered=frozenset(key for key, found in _rows(cursor, KEYS) if found is None),
        )


def counts(url: str) -> dict[str, int]:
    """How many rows each table holds that a decision writes."""
    with _cursor(url) as cursor:
        return {table: next(_rows(cursor, COUNT + table))[0] for table in TABLES}


TABLES = (
    *("entries", "resolutions", "escalations", "openings", "idempotency"),
    *("budgets", "surrogates", "subject_keys"),
)
COUNT = "SELECT count(*) FROM "
ENTRIES = "SELECT id, kind, about, outcome, policy_version, leaf, body FROM entries"
RESOLUTIONS = "SELECT id, entry, outcome, escalation, answer FROM resolutions"
BUDGETS = "SELECT row, budget, held + settled, version FROM budgets"
KEYS = "SELECT key, resolution FROM idempotency"


@contextmanager
def _cursor(url: str) -> Iterator[Cursor]:
    if url.startswith("sqlite:///"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            file.execute("BEGIN")
            yield file.cursor()
        finally:
            file.close()
        return
    with psycopg.connect(url.replace("+psycopg", "", 1)) as server:
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with server.cursor() as cursor:
            yield cast("Cursor", cursor)  # which is stricter about where statements come from


def _rows(cursor: Cursor, statement: str) -> Iterator[tuple[Any, ...]]:
    cursor.execute(statement)
    while found := cursor.fetchmany(READ_AT_ONCE):
        yield from found


def _entry(row: tuple[Any, ...]) -> Entry:
    id_, kind, about, outcome, policy, leaf, body = row
    computed = hashlib.sha256(b"\x00" + body).hexdigest()
    assert computed == bytes(leaf).hex(), f"{id_}: the leaf is not the hash of the bytes"
    parsed = json.loads(body)
    return Entry(
        id=id_,
        kind=kind,
        about=about,
        outcome=outcome,
        leaf=computed,
        policy=policy,
        seals=bool(parsed["_sd"]),
        lines=tuple(_lines(id_, parsed)),
    )


def _lines(entry: str, body: dict[str, Any]) -> Iterator[Line]:
    decided = body if "budgets" in body else body.get("decision") or {}
    for line in decided.get("budgets", ()):
        yield Line(
            entry=entry,
            row=line["row"],
            budget=line["budget"],
            version=line["version"],
            limit=line.get("limit") or 0,
            charged=line["charged"],
            before=line["before"],
            after=line["after"],
            # A hold that is settled in full is another row, though as much is used as before.
            changed=any(line.get(name) for name in ("charged", "held", "settled")),
        )


def _resolution(row: tuple[Any, ...]) -> Resolution:
    id_, entry, outcome, escalation, answer = row
    return Resolution(
        id=id_,
        entry=entry,
        outcome=outcome,
        answer=json.loads(bytes(answer))["outcome"],
        escalation=escalation,
    )
