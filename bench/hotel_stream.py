"""A stream of proposals out of real hotel bookings, the same in every run.

The data are the bookings of two hotels from 2015 to 2017 (Antonio, Almeida and Nunes, Data in
Brief 22, 2019; CC BY 4.0), as a CSV, gzipped or not; they are not part of this project. A stay
becomes a complaint where something may have gone wrong: another room was given than the one
reserved, the guest stood on a waiting list, or asked for special things. What the guest says,
how bad it is and what the colleague proposes is drawn with a fixed seed, for the data do not
tell; room rates, nights, dates and hotels are those of the booking.

    python -m bench.hotel_stream bookings.csv.gz > stream.jsonl

Without an argument the path is taken from HOTEL_BOOKINGS.
"""

import argparse
import csv
import gzip
import io
import json
import os
import random
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SEED = 20_150_701
SITES = {"Resort Hotel": "vienna", "City Hotel": "new_york"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
AGENTS_PER_SITE = 14
NOTES = {
    "room": "another room than the one reserved",
    "wait": "waited for the room to be confirmed",
    "wish": "a special request was not met",
}
Row = Mapping[str, str]


def bookings(path: Path) -> Iterator[Row]:
    """The rows of the file."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    yield from csv.DictReader(io.StringIO(text))


def stream(path: Path) -> list[tuple[datetime, dict[str, Any]]]:
    """All proposals with their instants, in the order of time."""
    draw = random.Random(SEED)
    found: list[tuple[datetime, dict[str, Any]]] = []
    for number, row in enumerate(bookings(path)):
        found.extend(_proposals(draw, number, row))
    return sorted(found, key=lambda it: (it[0], it[1]["request"]["facts"]["stay"]["id"]))


def _proposals(
    draw: random.Random, number: int, row: Row
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """None, one or two proposals for one stay that took place."""
    if row["reservation_status"] != "Check-Out":
        return
    troubles = list(_troubles(row))
    if not troubles:
        return
    at = _arrival(row) + timedelta(seconds=draw.randrange(8 * 3_600, 30 * 3_600))
    trouble = troubles[0]
    severity = min(5, len(troubles) + draw.choice((0, 0, 0, 1, 1, 2)))
    case = _Case(draw, number, row, severity)
    yield at, case.line(at, trouble)
    if draw.random() < 0.12:  # it was not made good by that
        at += timedelta(seconds=draw.randrange(3_600, 40 * 3_600))
        yield at, case.line(at, trouble)


def _troubles(row: Row) -> Iterator[str]:
    if row["reserved_room_type"] != row["assigned_room_type"]:
        yield "room"
    if int(row["days_in_waiting_list"]) > 0:
        yield "wait"
    if int(row["total_of_special_requests"]) > 0:
        yield "wish"


def _arrival(row: Row) -> datetime:
    month = MONTHS.index(row["arrival_date_month"]) + 1
    day = int(row["arrival_date_day_of_month"])
    return datetime(int(row["arrival_date_year"]), month, day, tzinfo=UTC)


class _Case:
    """One stay: who serves, who is served, and what is proposed."""

    def __init__(self, draw: random.Random, number: int, row: Row, severity: int) -> None:
        self._draw = draw
        self._site = SITES[row["hotel"]]
        nights = int(row["stays_in_weekend_nights"]) + int(row["stays_in_week_nights"])
        self._rate = max(20.0, float(row["adr"]))
        self._total = self._rate * max(1, nights)
        self._severity = severity
        repeated = row["is_repeated_guest"] == "1"
        self._facts = {
            "guest": {"id": f"G-{number}", "tier": _tier(draw, repeated=repeated)},
            "stay": {
                "id": f"S-{number}",
                "nightly_rate": f"{self._rate:.2f}",
                "total": f"{self._total:.2f}",
            },
            "incident": {"severity": severity},
            "tonight": {"sold_out": draw.random() < 0.18, "suite_free": draw.random() < 0.4},
        }

    def line(self, at: datetime, trouble: str) -> dict[str, Any]:
        """The proposal as `remit decide` reads it."""
        draw = self._draw
        senior = draw.random() < 0.08
        agent = {
            "id": f"{self._site}-{draw.randrange(AGENTS_PER_SITE)}",
            "kind": "human",
            "roles": ["duty_manager" if senior else "front_desk"],
        }
        request = {
            "site": self._site,
            **self._proposed(),
            "reason": trouble,
            "facts": self._facts,
        }
        if draw.random() < 0.85:
            request["note"] = NOTES[trouble]
        return {"at": at.isoformat().replace("+00:00", "Z"), "agent": agent, "request": request}

    def _proposed(self) -> dict[str, Any]:
        """A credit as large as the trouble and the stay; a night, an hour, or a suite."""
        draw, severity = self._draw, self._severity
        kinds = (
            "goodwill_credit",
            "comp_night",
            "late_checkout",
            "suite_upgrade",
            "spend_for_guest",
        )
        (kind,) = draw.choices(kinds, (62, 9, 16, 6, 7))
        if kind == "comp_night":
            return {"resolution": kind, "quantity": 1 + (severity > 4)}
        if kind == "late_checkout":
            return {"resolution": kind, "quantity": draw.randint(1, 4)}
        if kind == "suite_upgrade":
            return {"resolution": kind, "quantity": draw.randint(1, 3)}
        share = draw.lognormvariate(-2.4, 0.7) * (0.6 + 0.25 * severity)
        amount = max(10, 5 * round(self._total * min(share, 1.2) / 5))
        return {"resolution": kind, "amount": f"{amount}.00"}


def _tier(draw: random.Random, *, repeated: bool) -> str:
    weights = (30, 45, 25) if repeated else (80, 15, 5)
    return draw.choices(("member", "silver", "gold"), weights)[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bookings", nargs="?", default=os.environ.get("HOTEL_BOOKINGS"))
    path = parser.parse_args().bookings
    if path is None:
        print("Name the file of the bookings.", file=sys.stderr)
        return 2
    for _, line in stream(Path(path)):
        print(json.dumps(line, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
