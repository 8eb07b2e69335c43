"""What somebody may do for this person now, resolution by resolution."""

from service.core.allowance import Allowance, allowances
from service.core.decision import Headroom
from service.core.request import Request
from tests.core.books import AT, book, request

RULES = """
grants:
  - {id: small, role: front_desk, may: [credit], up_to: 200}
  - id: larger
    role: front_desk
    may: [credit, night]
    up_to: 700
    when: severity >= 3
    needs: [note, photo]
  - {id: owed, role: front_desk, may: [refund], exactly: stay.due}
  - {id: recovery, role: duty_manager, may: any, up_to: "percent(stay.total, 100)"}
budgets: [{id: b, limit: 650, per: [guest.id], roles: [front_desk]}]
prohibitions: [{id: no-cash, may_not: [cash], because: No.}]
"""


def ask(asked: Request) -> dict[str, Allowance]:
    return {found.resolution: found for found in allowances(book(RULES), asked, {}, AT)}


def test_the_most_that_passes_and_what_it_needs() -> None:
    """The largest amount, cut to the budget, with the proofs its grant wants and who is next."""
    found = ask(request(severity=3))["credit"]
    assert (found.headroom, found.needs, found.next) == (
        Headroom(65_000),
        ("note", "photo"),
        "duty_manager",
    )


def test_a_smaller_grant_where_the_larger_does_not_hold() -> None:
    """Without a grave incident the small gesture is the most, and needs nothing."""
    found = ask(request(severity=2))["credit"]
    assert (found.headroom, found.needs) == (Headroom(20_000), ())


def test_quantities_are_whole_units() -> None:
    """Two nights at 320 fit into 650 dollars."""
    assert ask(request(severity=3))["night"].headroom == Headroom(64_000, 2)


def test_what_is_prohibited_or_granted_to_nobody_is_none() -> None:
    """Cash is nothing, and nobody is next; an upgrade is the manager's."""
    found = ask(request())
    assert (found["cash"].headroom, found["cash"].next) == (Headroom(0), None)
    assert (found["upgrade"].headroom, found["upgrade"].next) == (Headroom(0), "duty_manager")


def test_owed_sums_are_exact() -> None:
    """An entitlement says that nothing but its sum passes."""
    found = ask(request(stay__due=8_000))["refund"]
    assert (found.headroom, found.exactly) == (Headroom(8_000), True)


def test_facts_that_would_open_more_are_listed() -> None:
    """What could not be tried for want of a fact is named."""
    assert ask(request(severity=None))["credit"].missing == ("fact:severity",)
    assert ask(request(stay__due=None))["refund"].missing == ("fact:stay.due",)
    assert "fact:guest.id" in ask(request(guest__id=None))["credit"].missing
