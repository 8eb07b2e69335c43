"""Rows of airline refunds and certificates, as proposals to the airline's policy set.

How the facts of a proposal follow from a row:

* What the record says is a fact: membership, cabin, passengers, insurance, what was paid,
  the status of each segment. What the customer claims (``claimed_…``) is none and is dropped.
* ``booking.created_at`` is as long before the decision as the booking was before ``as_of``,
  so that a case means the same whenever it is decided. Rows write it without an offset; it
  is local to ``as_of``.
* ``cancellation.reason`` is the ground a customer states, sorted into the words of the
  insurance: health, or other. No row states the weather. It is told for cancellations only.
* ``claim.asked``: who is behind a proposal for a certificate asked for it, unless the row says
  otherwise. ``claim.changes_booking`` is left out where the row is silent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.cases.lines import as_money, line
from tests.cases.material import POLICIES, Row

SET = POLICIES / "airline"

_RESOLUTIONS = {
    ("refund", "cancellation_refund"): "cancellation_refund",
    ("refund", "partial_refund"): "partial_refund",
    ("refund", "insurance_refund"): "insurance_refund",
    ("refund", "fare_difference"): "fare_difference_refund",
    ("voucher", "travel_certificate"): "travel_certificate",
    ("fee_waiver", "fare_difference"): "fare_difference_waiver",
    ("other", "reroute_to_new_destination"): "destination_change",
}

_HEALTH = frozenset(
    {"sick (health)", "unwell (health)", "health problem", "sick; claims to have insurance"}
)
"""The stated reasons that are about health. Others mention it to say that it is good."""

_COMPLAINTS = {"cancelled": "cancelled_flight", "delay": "delayed_flight"}

SMALLEST = "0.01"
"""Stands for an amount that a row leaves open: what is refused at a cent is refused at all."""


def to_line(row: Row, at: datetime) -> Row:
    """The row as a proposal of a customer service colleague, decided at ``at``."""
    return line(at, "carla", "customer_service", _request(row, at))


def _request(row: Row, at: datetime) -> dict[str, Any]:
    proposal = row["proposal"]
    resolution = _resolution(row)
    request = {"site": "denver", "resolution": resolution, "facts": _facts(row, resolution, at)}
    if resolution == "destination_change":
        return {**request, "quantity": 1}
    amount = SMALLEST if proposal["amount"] is None else as_money(proposal["amount"])
    return {**request, "amount": amount, "currency": proposal["currency"]}


def _resolution(row: Row) -> str:
    """Two rows have no subtype: one wants its fare back, the other the price of insurance."""
    premium = "insurance premium" in row["why"]
    unsaid = "insurance_refund" if premium else "cancellation_refund"
    proposal = row["proposal"]
    return _RESOLUTIONS[proposal["type"], proposal.get("subtype", unsaid)]


def _facts(row: Row, resolution: str, at: datetime) -> dict[str, Any]:
    told = row["facts"]
    facts: dict[str, Any] = {
        "passenger": {"id": told["customer_id"], "membership": told["membership"]},
        "claim": _claim(told),
        "booking": _booking(told, at),
    }
    if resolution == "cancellation_refund":
        stated = told.get("stated_reason")
        facts["cancellation"] = {"reason": "health" if stated in _HEALTH else "other"}
    if "new_fare" in told:
        facts["change"] = {
            "cabin": told["new_cabin"],
            "old_fare": as_money(told["old_fare"]),
            "new_fare": as_money(told["new_fare"]),
        }
    return facts


def _claim(told: Mapping[str, Any]) -> dict[str, Any]:
    claim: dict[str, Any] = {}
    if "complaint" in told:
        claim["asked"] = told.get("customer_asked_for_compensation", True)
        claim["complaint"] = _COMPLAINTS.get(told["complaint"], "other")
    if "customer_changes_or_cancels" in told:
        claim["changes_booking"] = told["customer_changes_or_cancels"]
    return claim


def _booking(told: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "id": told["reservation_id"],
        "cabin": told["cabin"],
        "passengers": told["passengers"],
        "insured": told["travel_insurance"],
        "created_at": _created_at(told, at).isoformat(),
        "total_paid": as_money(told["total_paid"]),
        "segment_statuses": [segment["status"] for segment in told["segments"]],
    }


def _created_at(told: Mapping[str, Any], at: datetime) -> datetime:
    as_of = datetime.fromisoformat(told["as_of"])
    booked = datetime.fromisoformat(told["created_at"]).replace(tzinfo=as_of.tzinfo)
    return at - (as_of - booked)
