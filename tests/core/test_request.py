"""A request without the people in it is the same request."""

from dataclasses import fields

from service.core.request import Agent, Evidence, Request

TAKEN_OUT = {"facts", "note", "evidence"}
FULL = Request(
    site="new_york",
    agent=Agent(id="ana", roles=("front_desk",)),
    resolution="goodwill_credit",
    amount_minor=15_000,
    quantity=2,
    currency="EUR",
    rate="1.08",
    reason="noise",
    channel="phone",
    note="she wept",
    evidence=(Evidence(kind="photo", reference="case/1"),),
    unavailable=frozenset({"fact:stay.total"}),
    facts={"guest.id": "G-1"},
    authority=("duty_manager",),
)


def test_only_what_may_name_people_is_replaced() -> None:
    """Facts, note and evidence are the given ones; every other field is kept, whatever it is."""
    there = (Evidence(kind="photo", reference="there"),)
    hidden = FULL.without_people({"guest.id": "sub_1"}, "there", there)
    assert (hidden.facts, hidden.note, hidden.evidence) == ({"guest.id": "sub_1"}, "there", there)
    kept = [field.name for field in fields(Request) if field.name not in TAKEN_OUT]
    assert all(getattr(hidden, name) == getattr(FULL, name) for name in kept)
    blank = Request(site="", agent=Agent(id=""), resolution="")
    assert all(getattr(FULL, name) != getattr(blank, name) for name in kept), "FULL sets them all"
