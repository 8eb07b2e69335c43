"""The diff on sets that a reader can hold in mind: what is told, and in which words."""

import json
from collections.abc import Mapping

import pytest

from service.core.budget import Balance, BudgetKey
from service.core.decision import Outcome
from service.core.evaluate import evaluate
from service.core.request import Agent, Evidence, Request
from service.policyfile import diffwords
from service.policyfile.diff import Difference, Side, compare
from service.policyfile.diffaxis import Range, spans
from service.policyfile.diffchange import Change
from service.policyfile.load import load_set
from tests.policyfile.differing import AT

FRAME = """\
remit: 1
name: shop
currency: USD
timezone: UTC
sites: {north: {}, south: {}}
roles: {clerk: {reports_to: chief}, chief: {}}
facts:
  guest.id: {type: text, personal: true}
  guest.tier: {type: choice, of: [new, old, gold]}
  order.total: {type: money}
  case.severity: {type: integer, from: 1, to: 5}
  case.proven: {type: boolean, optional: true}
subject: guest.id
resolutions: {credit: {}, hour: {unit: hour, worth: money("25.00")}, owed: {entitlement: true}}
"""
SMALL = "{id: small, role: clerk, may: [credit, hour], up_to: 200}"
ACCESS = "p, agent, resolution, propose\ng, clerk, agent, *\ng, ana, clerk, north\n"
NOTHING: Mapping[BudgetKey, Balance] = {}


def side(*grants: str, more: str = "", frame: str = FRAME, access: str = ACCESS) -> Side:
    rules = "grants:\n" + "".join(f"  - {grant}\n" for grant in grants)
    text = f"{frame}{rules}{more}"
    loaded = load_set({"p.yaml": text.encode(), "access.csv": access.encode()})
    return Side(rulebook=loaded.rulebook, access=loaded.access)


def lines(old: Side, new: Side) -> list[str]:
    return list(diffwords.lines(compare(old, new)))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            SMALL,
            SMALL.replace("200", "300"),
            [
                "clerk and chief",
                "  + credit: up to 300.00 USD, was up to 200.00 USD",
                "  + hour: up to 12 hours, was up to 8 hours",
            ],
        ),
        (
            SMALL,
            SMALL.replace("[credit, hour]", "[credit]"),
            ["clerk and chief", "  − hour: nothing, was up to 8 hours"],
        ),
        (
            "{id: g, role: clerk, may: [credit], up_to: 200, when: 'case.severity >= 3'}",
            "{id: g, role: clerk, may: [credit], up_to: 200, when: 'case.severity >= 2'}",
            [
                "clerk and chief",
                "  + credit: up to 200.00 USD, was nothing",
                "      where case.severity 2",
            ],
        ),
        (
            "{id: g, role: clerk, may: [credit], up_to: 200, needs: [note]}",
            "{id: g, role: clerk, may: [credit], up_to: 200}",
            ["clerk and chief", "  + credit without note: up to 200.00 USD, was nothing"],
        ),
        (
            "{id: g, role: clerk, may: [credit], up_to: 200}",
            "{id: g, role: clerk, may: [credit], up_to: 200, sites: [north]}",
            [
                "clerk and chief",
                "  − credit: nothing, was up to 200.00 USD",
                "      where site.id south",
            ],
        ),
        (
            "{id: g, role: clerk, may: [credit], up_to: 200}",
            "{id: g, role: clerk, may: [credit], up_to: 200, agents: [human]}",
            [
                "clerk and chief",
                "  − credit: nothing, was up to 200.00 USD",
                "      where agent.kind ai",
            ],
        ),
        (
            "{id: g, role: clerk, may: [owed], exactly: 50}",
            "{id: g, role: clerk, may: [owed], exactly: 60}",
            ["clerk and chief", "  ± owed: exactly 60.00 USD, was exactly 50.00 USD"],
        ),
        (
            "{id: g, role: clerk, may: [credit], up_to: 200}",
            "{id: g, role: chief, may: [credit], up_to: 200}",
            ["clerk", "  − credit: nothing, was up to 200.00 USD"],
        ),
        (
            "{id: g, role: clerk, may: [credit], when: 'request.amount <= money(\"50.00\")'}",
            "{id: g, role: clerk, may: [credit], when: 'request.amount < money(\"50.00\")'}",
            ["clerk and chief", "  − credit: up to 49.99 USD, was up to 50.00 USD"],
        ),
    ],
)
def test_a_change_is_told_as_it_is(before: str, after: str, told: list[str]) -> None:
    """Who may give how much more or less, with what, for what, to whom and where."""
    found = lines(side(before), side(after))
    assert [line for line in found if not line.startswith("      by")][: len(told)] == told
    assert "grants" in found


def test_what_another_grant_gives_anyway_is_no_change() -> None:
    """A lower limit that nobody notices beside a higher one changes the rules alone."""
    higher = "{id: high, role: clerk, may: [credit], up_to: 500}"
    low = "{id: low, role: clerk, may: [credit], up_to: 100}"
    found = compare(side(low, higher), side(higher))
    assert found.authority.changes == ()
    assert [(item.section, item.kind) for item in found.items] == [("grants", "removed")]


def test_only_those_are_concerned_whom_no_other_grant_reaches() -> None:
    """A raise is no news to guests who could have had more already, with the note at least."""
    more = "{id: more, role: clerk, may: [credit], up_to: 500, needs: [note], "
    more += "when: guest.tier == 'gold'}"
    before, after = (side(SMALL.replace("200", limit), more) for limit in ("200", "300"))
    told = [it for it in lines(before, after) if "credit" in it or "where" in it]
    assert told[:3] == [
        "  + credit without note: up to 300.00 USD, was up to 200.00 USD",
        "  + credit with note: up to 300.00 USD, was up to 200.00 USD",
        "      where guest.tier new or old or not told",
    ]


def test_computed_limits_are_shown_as_they_stand_with_an_example() -> None:
    """What callers tell decides; the example is a request that passes on one side only."""
    grant = "{id: g, role: clerk, may: [credit], up_to: 'percent(order.total, 50)'}"
    found = compare(side(grant), side(grant.replace("50", "40")))
    (change,) = (it for it in found.authority.changes if it.role == "clerk")
    assert (change.direction, change.is_exact) == ("less", False)
    assert change.after.formulas == ("up to percent(order.total, 40)",)
    assert approves(found, change) == (True, False)


def test_the_same_computed_limit_in_other_words_is_said_to_be_unsure() -> None:
    """Where every sample comes to the same, nothing is claimed either way."""
    grant = "{id: g, role: clerk, may: [credit], up_to: 'percent(order.total, 100)'}"
    found = compare(side(grant), side(grant.replace("percent(order.total, 100)", "order.total")))
    assert found.authority.changes == ()
    assert {it.role for it in found.authority.unsure} == {"clerk", "chief"}
    assert "came to the same" in found.authority.unsure[0].why


def approves(found: Difference, change: Change) -> tuple[bool, bool]:
    """Whether the witness is approved before and after."""
    witness = change.witness
    facts = {
        name: value for name, value in witness.facts.items() if name in found.new.rulebook.facts
    }
    request = Request(
        site=str(witness.facts.get("site.id", "north")),
        agent=Agent(id="ana", roles=(change.role,)),
        resolution=change.resolution,
        amount_minor=None if change.by_unit else witness.size,
        quantity=witness.size if change.by_unit else None,
        note="there" if "note" in change.brought[0] else None,
        evidence=tuple(Evidence(kind=it, reference="there") for it in change.brought[0] - {"note"}),
        facts={"guest.id": "G-1", **facts},
    )
    old, new = (
        evaluate(it.rulebook, request, NOTHING, AT).outcome is Outcome.APPROVED
        for it in (found.old, found.new)
    )
    return old, new


def test_a_prohibition_takes_from_everybody() -> None:
    """What is prohibited nobody may give, up to the top."""
    veto = "prohibitions:\n  - {id: never, may_not: [credit], because: It is not done., "
    veto += "when: case.severity == 1}\n"
    found = lines(side(SMALL), side(SMALL, more=veto))
    assert found[:3] == [
        "clerk and chief",
        "  − credit: nothing, was up to 200.00 USD",
        "      where case.severity 1 or not told",
    ]


def test_everything_else_is_told_field_by_field() -> None:
    """Budgets with their direction, escalation, facts, access, and a rule that was renamed."""
    budget = "budgets: [{id: cap, limit: 500, per: [guest.id]}]\n"
    other = budget.replace("500", "400") + "escalation: {chief: {answer_within: 15m}}\n"
    after = side(
        SMALL.replace("id: small", "id: little"),
        more=other,
        access=f"{ACCESS}g, ben, clerk, south\n",
    )
    assert lines(side(SMALL, more=budget), after) == [
        "No role may give more or less by itself.",
        "grants",
        "  ~ little, was small: nothing else differs",
        "budgets",
        "  ~ cap: limit 400.00 USD, was 500.00 USD (tighter)",
        "escalation",
        "  + chief: role chief, answer_within 15m, approvals 1",
        "access",
        "  + g, ben, clerk, south",
    ]


def test_a_new_site_is_authority_for_everybody_there() -> None:
    """Requests from a site that was not declared were refused."""
    frame = FRAME.replace("south: {}", "south: {}, east: {}")
    found = lines(side(SMALL), side(SMALL, frame=frame))
    assert found[:3] == [
        "clerk and chief",
        "  + credit: up to 200.00 USD, was nothing",
        "      where site.id east",
    ]


def test_the_same_set_differs_in_nothing() -> None:
    """The same files, and the same rules in another order of files, are no difference."""
    found = compare(side(SMALL), side(SMALL))
    assert found.is_same
    assert list(diffwords.lines(found)) == [
        "Nothing differs that a decision or a person's access hangs on."
    ]


def test_markdown_cannot_be_broken_out_of() -> None:
    """A condition with a pipe stays in its cell, and angle brackets are no markup."""
    grant = (
        "{id: g, role: clerk, may: [credit], up_to: 1, when: 'case.severity < 2 || case.proven'}"
    )
    text = diffwords.markdown(compare(side(SMALL), side(SMALL, grant)), "old|<b>", "new")
    assert "old\\|\\<b>" in text
    assert "case.severity \\< 2 \\|\\| case.proven" in text


def test_json_has_it_all() -> None:
    """Programs get sizes as text or quantities, conditions, rules, and the example."""
    found = compare(side(SMALL), side(SMALL.replace("200", "300")))
    told = json.loads(json.dumps(diffwords.as_json(found)))
    hours = next(it for it in told["authority"] if it["resolution"] == "hour")
    assert (hours["before"]["sizes"], hours["after"]["sizes"]) == (
        [{"from": 1, "to": 8}],
        [{"from": 1, "to": 12}],
    )
    assert hours["example"] == {"facts": {}, "size": 12, "passes": "after"}
    assert (hours["with"], hours["exact"], hours["own"]) == ([[]], True, True)


def test_points_and_gaps_leave_nothing_out() -> None:
    """Every value of a range lies in exactly one span, and no span is empty."""
    found = spans((3, 7, 8, 10, 99), Range(least=1, most=10))
    assert [(it.low, it.high) for it in found] == [
        (1, 2),
        (3, 3),
        (4, 6),
        (7, 7),
        (8, 8),
        (9, 9),
        (10, 10),
    ]
    for value in range(1, 11):
        assert [it.holds(value) for it in found].count(True) == 1
    assert all(it.holds(it.value) for it in found)
