"""Rows of published policies, as proposals to the sets that state those policies.

A row that expects nothing to be owed names no amount. What the customer would claim stands
in: the full sum of the tier, the band or the day.

A row of the two-thousand-dollar rule says what was spent on the guest before. Those lines
come first, by the same colleague for the same guest and stay, and are expected to pass.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.cases.lines import as_money, line
from tests.cases.material import POLICIES, Row

AIRLINE = POLICIES / "airline"
RAIL_AND_TELECOM = POLICIES / "rail_and_telecom"
HOTEL = POLICIES / "hotel"

SETS: Mapping[str, Path] = {
    "eu261": AIRLINE,
    "delay_repay15": RAIL_AND_TELECOM,
    "ofcom_auto": RAIL_AND_TELECOM,
    "ritz_carlton": HOTEL,
}
"""Which set states the policy that a row is about."""

_OFCOM = {
    "delayed_repair": ("delayed_repair", 10.34),
    "missed_appointment": ("missed_appointment", 32.31),
    "cancelled_appointment": ("missed_appointment", 32.31),
    "delayed_start": ("delayed_start", 6.46),
}
"""The resolution for each event, and the sum that a customer would claim at least."""


def to_lines(row: Row, at: datetime) -> list[Row]:
    """What was proposed before, if anything, and then the proposal of the row itself."""
    return _WRITERS[row["policy"]](row, at)


def _eu261(row: Row, at: datetime) -> list[Row]:
    told = row["facts"]
    cancelled = told.get("event") == "cancellation"
    request = {
        "site": "brussels",
        "resolution": "cancellation_compensation" if cancelled else "delay_compensation",
        "amount": as_money(row["expected"]["amount"] or _tier(told) * told["passengers"]),
        "currency": "EUR",
        "facts": {
            "passenger": {"id": row["id"]},
            "booking": {"id": row["id"], "passengers": told["passengers"]},
            "flight": _flight(row["id"], told),
            **_reroute(told),
        },
    }
    return [line(at, "clara", "claims_agent", request)]


def _tier(told: Mapping[str, Any]) -> int:
    if told["distance_km"] <= 1500:
        return 250
    return 400 if told["intra_area"] or told["distance_km"] <= 3500 else 600


def _flight(flight: str, told: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        "id": flight,
        "under_eu261": True,
        "distance_km": told["distance_km"],
        "intra_community": told["intra_area"],
        "extraordinary": told["extraordinary"],
    }
    if "arrival_delay_min" in told:
        facts["arrival_delay_minutes"] = told["arrival_delay_min"]
    if "notice_days" in told:
        facts["notice_days"] = told["notice_days"]
    return facts


def _reroute(told: Mapping[str, Any]) -> dict[str, Any]:
    if "reroute_arrival_delay_min" not in told:
        return {}
    return {"reroute": {"arrival_delay_minutes": told["reroute_arrival_delay_min"]}}


def _delay_repay(row: Row, at: datetime) -> list[Row]:
    told = row["facts"]
    request = {
        "site": "york",
        "resolution": "delay_repay",
        "amount": as_money(row["expected"]["amount"] or told["price"]),
        "currency": "GBP",
        "facts": {
            "customer": {"id": row["id"]},
            "ticket": {"id": row["id"], "kind": told["ticket"], "price": as_money(told["price"])},
            "journey": {"date": at.date().isoformat(), "delay_minutes": told["delay_min"]},
        },
    }
    return [line(at, "rhys", "rail_agent", request)]


def _ofcom(row: Row, at: datetime) -> list[Row]:
    told = row["facts"]
    resolution, claimed = _OFCOM[told["event"]]
    request = {
        "site": "leeds",
        "resolution": resolution,
        "amount": as_money(row["expected"]["amount"] or claimed),
        "currency": "GBP",
        "facts": {"customer": {"id": row["id"]}, "case": {"id": row["id"]}, **_line_of(told)},
    }
    return [line(at, "tess", "telecom_agent", request)]


def _line_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What happened to the customer's line or appointment."""
    if told["event"] == "delayed_repair":
        return {
            "repair": {
                "full_working_days": told["full_working_days_elapsed"],
                "days_owed": told["calendar_days_after_qualifying"],
            }
        }
    if told["event"] == "delayed_start":
        return {"start": {"days_late": told["calendar_days_including_missed_date"]}}
    outcome = told["event"].removesuffix("_appointment")
    return {"appointment": {"outcome": outcome, "notice_hours": told["notice_hours"]}}


def _ritz_carlton(row: Row, at: datetime) -> list[Row]:
    spent = row["facts"]["guest_spend_today"]
    amounts = [spent, row["expected"]["requested"]] if spent else [row["expected"]["requested"]]
    return [line(at, "ana", "front_desk", _spend(row["id"], amount)) for amount in amounts]


def _spend(case: str, amount: float) -> dict[str, Any]:
    return {
        "site": "new_york",
        "resolution": "spend_for_guest",
        "amount": as_money(amount),
        "currency": "USD",
        "note": "to make it right",
        "facts": {
            "guest": {"id": case, "tier": "member"},
            "stay": {"id": case, "nightly_rate": "900.00", "total": "9000.00"},
            "incident": {"severity": 1},
        },
    }


_WRITERS: Mapping[str, Callable[[Row, datetime], list[Row]]] = {
    "eu261": _eu261,
    "delay_repay15": _delay_repay,
    "ofcom_auto": _ofcom,
    "ritz_carlton": _ritz_carlton,
}
