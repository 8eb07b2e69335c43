"""A decision as JSON, and every reason in words."""

from service.core.answer import answer_of
from service.core.decision import Code, Reason
from service.core.message import message
from tests.core.books import AT, book, decide, request

RULES = """
grants:
  - {id: small, role: front_desk, may: [credit, night], up_to: 400}
budgets:
  - {id: stay, limit: 2000, per: [guest.id, stay.id]}
  - {id: day, limit: 1500, per: [agent.id, site.id], every: day}
  - {id: times, count: 3, per: [guest.id], within: 90d}
prohibitions: [{id: no-cash, may_not: [cash], because: Cash leaves no trace.}]
"""
BOOK = book(RULES)


def test_an_approval_shows_every_budget_it_charged() -> None:
    """Money is text, counts are integers, windows have their bounds, and names are in place."""
    answer = answer_of(BOOK, decide(BOOK, request(amount=15_000)), AT, id="res_1", state="settled")
    assert answer["outcome"] == "approved"
    assert answer["value"] == {"amount": "150.00", "currency": "USD"}
    assert answer["authority"] == {"role": "front_desk", "grant": "small"}
    assert answer["without_escalation_up_to"] == {"amount": "400.00", "currency": "USD"}
    assert answer["decided_at"] == "2026-03-02T02:00:00Z"
    assert answer["budgets"] == [
        {
            "budget": "stay",
            "per": {"guest.id": "G-1", "stay.id": "S-1"},
            "limit": "2000.00",
            "charged": "150.00",
            "used": "150.00",
            "remaining": "1850.00",
            "version": 1,
            "from": None,
            "until": None,
        },
        {
            "budget": "day",
            "per": {"agent.id": "ana", "site.id": "new_york"},
            "limit": "1500.00",
            "charged": "150.00",
            "used": "150.00",
            "remaining": "1350.00",
            "version": 1,
            "from": "2026-03-01T05:00:00Z",
            "until": "2026-03-02T05:00:00Z",
        },
        {
            "budget": "times",
            "per": {"guest.id": "G-1"},
            "limit": 3,
            "charged": 1,
            "used": 1,
            "remaining": 2,
            "version": 1,
            "from": None,
            "until": None,
        },
    ]


def test_a_quantity_is_shown_beside_its_value() -> None:
    """Nights are shown as nights and as money, in the value and in the headroom."""
    answer = answer_of(BOOK, decide(BOOK, request("night", quantity=1)), AT)
    assert answer["value"] == {"amount": "320.00", "currency": "USD", "quantity": 1}
    assert answer["without_escalation_up_to"]["quantity"] == 1


def test_a_prohibition_is_told_in_the_managers_words() -> None:
    """The reason carries the sentence that stands in the policy."""
    answer = answer_of(BOOK, decide(BOOK, request("cash")), AT)
    assert answer["reasons"] == [
        {"code": "prohibited", "rule": "no-cash", "message": "Cash leaves no trace."}
    ]
    assert (answer["id"], answer["entry"], answer["state"]) == (None, None, None)


def test_every_code_has_a_sentence() -> None:
    """No reason is ever without words, and none shows a placeholder."""
    parameters = (
        ("limit", 100),
        ("value", 200),
        ("exactly", 5),
        ("used", 1),
        ("remaining", 0),
        ("missing", ("note", "fact:a.b")),
        ("site", "vienna"),
        ("kind", "ai"),
    )
    for code in Code:
        words = message(Reason(code, "rule-1", "front_desk", parameters), BOOK)
        assert words.endswith(".")
        assert "None" not in words
