"""The one rule, step by step: which grant decides, what is missing, who is next, and why not."""

from dataclasses import replace

import pytest

from service.core.budget import Balance, BudgetKey
from service.core.decision import Authority, Code, Headroom, Outcome
from service.core.evaluate import evaluate
from tests.core.books import AT, book, codes, decide, parameters, request

LADDER = """
grants:
  - {id: small, role: front_desk, may: [credit], up_to: 200}
  - id: larger
    role: front_desk
    may: [credit, night]
    up_to: 500
    when: severity >= 3
    needs: [note]
  - {id: recovery, role: duty_manager, may: any, up_to: "percent(stay.total, 100)"}
  - {id: owed, role: front_desk, may: [refund], exactly: stay.due}
"""


def test_the_lowest_sufficient_grant_approves() -> None:
    """What a colleague may give by themselves is approved under their own first passing grant."""
    decision = decide(book(LADDER), request(amount=20_000))
    assert decision.outcome is Outcome.APPROVED
    assert decision.authority == Authority("front_desk", "small")
    assert codes(decision) == ["within_limits"]


def test_a_manager_uses_the_lowest_authority_too() -> None:
    """A manager's small gesture is given under the colleague's grant, not their own."""
    decision = decide(book(LADDER), request(amount=20_000, roles=("general_manager",)))
    assert decision.authority == Authority("front_desk", "small")


def test_what_lies_outside_goes_to_the_first_role_that_can() -> None:
    """An escalation names the role above that passes, and why nobody lower could."""
    decision = decide(book(LADDER), request(amount=20_001))
    assert decision.outcome is Outcome.ESCALATED
    assert decision.escalate_to == Authority("duty_manager", "recovery")
    assert decision.authority is None
    assert codes(decision) == ["over_limit", "condition_false"]
    assert parameters(decision) == {"limit": 20_000, "value": 20_001}


def test_a_role_that_cannot_give_it_is_not_bothered() -> None:
    """The escalation skips roles between that would not pass."""
    rules = """
grants:
  - {id: small, role: front_desk, may: [credit], up_to: 200}
  - {id: middle, role: duty_manager, may: [credit], up_to: 300}
  - {id: top, role: general_manager, may: [credit], up_to: 1000}
"""
    decision = decide(book(rules), request(amount=90_000))
    assert decision.escalate_to == Authority("general_manager", "top")


def test_a_lack_in_the_reach_asks_for_what_is_missing() -> None:
    """300 dollars without a note is a lack: the answer lists the note."""
    decision = decide(book(LADDER), request(amount=30_000, severity=3))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("note",)
    assert codes(decision)[0] == "missing_evidence"


def test_a_definite_failure_beats_a_lack() -> None:
    """600 dollars without a note against 500 is a failure: nobody asks for the note."""
    decision = decide(book(LADDER), request(amount=60_000, severity=3))
    assert decision.outcome is Outcome.ESCALATED
    assert "missing_evidence" not in codes(decision)


def test_missing_facts_are_listed_sorted() -> None:
    """Every absent fact that the rule mentions is asked for, in order of its name."""
    rules = """
grants:
  - {id: g, role: front_desk, may: [credit], when: 'severity >= 3 && guest.tier == "gold"'}
"""
    decision = decide(book(rules), request(severity=None, guest__tier=None))
    assert decision.missing == ("fact:guest.tier", "fact:severity")


def test_an_absent_fact_that_changes_nothing_is_not_asked_for() -> None:
    """``false && absent`` is false: a rule lacks only if its evaluation fails for it."""
    rules = """
grants:
  - {id: g, role: front_desk, may: [credit], when: 'severity >= 3 && guest.tier == "gold"'}
"""
    decision = decide(book(rules), request(severity=2, guest__tier=None))
    assert decision.outcome is Outcome.DENIED
    assert codes(decision) == ["beyond_every_remit", "condition_false"]


def test_what_cannot_be_had_becomes_a_failure() -> None:
    """A lack whose proof is unavailable fails, so that the walk goes on upwards."""
    asked = request(amount=30_000, severity=3, unavailable=frozenset({"note"}))
    decision = decide(book(LADDER), asked)
    assert decision.outcome is Outcome.ESCALATED
    assert "missing_evidence" in codes(decision)


def test_a_fact_that_cannot_be_had_becomes_a_failure() -> None:
    """An unavailable fact lets the request go upwards, too."""
    asked = request(amount=30_000, severity=None, unavailable=frozenset({"fact:severity"}))
    decision = decide(book(LADDER), asked)
    assert decision.outcome is Outcome.ESCALATED


def test_a_role_above_that_lacks_is_asked_for() -> None:
    """When only a role above could pass and it lacks a fact, the answer asks for the fact."""
    decision = decide(book(LADDER), request(amount=60_000, stay__total=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("fact:stay.total",)


def test_beyond_everybody_is_denied_with_every_reason() -> None:
    """Above every remit the answer is no, and each rule says why."""
    decision = decide(book(LADDER), request(amount=96_001))
    assert decision.outcome is Outcome.DENIED
    assert codes(decision) == ["beyond_every_remit", "over_limit", "condition_false", "over_limit"]


def test_what_no_rule_names_is_not_granted() -> None:
    """A resolution that no rung names is denied as such."""
    rules = "grants: [{id: g, role: front_desk, may: [credit]}]"
    decision = decide(book(rules), request("upgrade"))
    assert codes(decision) == ["not_granted"]


def test_any_does_not_include_entitlements() -> None:
    """Entitlements are always named: ``may: any`` leaves them out."""
    rules = "grants: [{id: g, role: front_desk, may: any}]"
    assert codes(decide(book(rules), request("refund"))) == ["not_granted"]


def test_somebody_without_a_role_gets_nothing() -> None:
    """No role held at the site: no reach, nobody above, denied."""
    decision = decide(book(LADDER), request(roles=()))
    assert decision.outcome is Outcome.DENIED
    assert codes(decision) == ["not_granted"]


def test_a_prohibition_comes_first() -> None:
    """What is prohibited is denied whatever the grants say, by name."""
    rules = f"{LADDER}\nprohibitions: [{{id: never, may_not: [credit], because: No.}}]"
    decision = decide(book(rules), request(amount=100))
    assert decision.outcome is Outcome.DENIED
    assert [(r.code, r.rule) for r in decision.reasons] == [(Code.PROHIBITED, "never")]


@pytest.mark.parametrize(
    ("narrowing", "applies"),
    [
        ("sites: [new_york]", True),
        ("sites: [vienna]", False),
        ("agents: [human]", True),
        ("agents: [ai]", False),
        ("roles: [front_desk]", True),
        ("roles: [duty_manager]", False),
        ("when: severity == 2", True),
        ("when: severity == 3", False),
    ],
)
def test_a_prohibition_may_be_narrowed(narrowing: str, applies: bool) -> None:
    """A prohibition concerns only the sites, agents, roles and cases it names."""
    rules = f"""{LADDER}
prohibitions: [{{id: never, may_not: [credit], because: No., {narrowing}}}]"""
    denied = decide(book(rules), request(amount=100)).outcome is Outcome.DENIED
    assert denied is applies


def test_a_prohibition_that_wants_a_fact_asks_for_it() -> None:
    """Nothing is approved while it is open whether it is prohibited."""
    prohibited = "{id: p, may_not: [credit], because: No., when: severity > 3}"
    rules = f"{LADDER}\nprohibitions: [{prohibited}]"
    decision = decide(book(rules), request(amount=100, severity=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("fact:severity",)


def test_a_prohibition_that_cannot_be_computed_denies() -> None:
    """A run-time error in a prohibition fails closed."""
    rules = f"""{LADDER}
prohibitions:
  - {{id: p, may_not: [credit], because: No., when: 'stay.rate - stay.total > money("1")'}}
"""
    decision = decide(book(rules), request(amount=100))
    assert [(r.code, r.rule) for r in decision.reasons] == [(Code.RULE_ERROR, "p")]
    assert decision.outcome is Outcome.DENIED


def test_a_grant_that_cannot_be_computed_fails() -> None:
    """A run-time error in a grant never approves."""
    rules = "grants: [{id: g, role: front_desk, may: [credit], up_to: stay.rate - stay.total}]"
    assert codes(decide(book(rules), request())) == ["beyond_every_remit", "rule_error"]


def test_limits_are_not_computed_where_the_condition_fails() -> None:
    """A false condition is the one reason; the broken limit behind it is never asked."""
    rules = """
grants:
  - {id: g, role: front_desk, may: [credit], when: severity > 4, up_to: stay.rate - stay.total}"""
    assert codes(decide(book(rules), request())) == ["beyond_every_remit", "condition_false"]


def test_a_grant_narrowed_to_other_sites_fails() -> None:
    """A grant of another site gives nothing here."""
    rules = "grants: [{id: g, role: front_desk, may: [credit], sites: [vienna]}]"
    assert codes(decide(book(rules), request()))[1] == "wrong_site"
    assert decide(book(rules), request(site="vienna")).outcome is Outcome.APPROVED


def test_a_grant_for_people_does_not_hold_for_ai_agents() -> None:
    """``agents: [human]`` is about the proposer, on every rung."""
    rules = "grants: [{id: g, role: duty_manager, may: [credit], agents: [human]}]"
    assert codes(decide(book(rules), request(kind="ai")))[1] == "wrong_kind_of_agent"
    assert decide(book(rules), request()).outcome is Outcome.ESCALATED


def test_an_exact_sum_passes_and_is_offered() -> None:
    """What is owed passes to the cent; anything else is refused with the sum as counter offer."""
    rulebook = book(LADDER)
    exact = decide(rulebook, request("refund", 8_000, stay__due=8_000))
    other = decide(rulebook, request("refund", 8_001, stay__due=8_000))
    assert exact.outcome is Outcome.APPROVED
    assert codes(other) == ["beyond_every_remit", "not_exact"]
    assert other.counter_offer_minor == 8_000


def test_nothing_owed_is_never_paid() -> None:
    """``exactly`` 0 never passes, and is no offer either."""
    decision = decide(book(LADDER), request("refund", 1, stay__due=0))
    assert decision.outcome is Outcome.DENIED
    assert decision.counter_offer_minor is None


def test_a_quantity_is_valued_by_its_worth() -> None:
    """Three nights at 320 are worth 960."""
    decision = decide(book(LADDER), request("night", quantity=3, roles=("duty_manager",)))
    assert decision.value_minor == 96_000
    assert decision.authority == Authority("duty_manager", "recovery")


def test_a_worth_without_its_facts_is_asked_for() -> None:
    """A night whose rate nobody told cannot be decided."""
    decision = decide(book(LADDER), request("night", quantity=1, stay__rate=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("fact:stay.rate",)
    assert decision.value_minor is None


def test_a_worth_beyond_every_amount_is_refused() -> None:
    """A value that no integer of the log could carry is an error, not an approval."""
    rate = 2**53 - 1
    decision = decide(book(LADDER), request("night", quantity=2, stay__rate=rate))
    assert [(r.code, r.rule) for r in decision.reasons] == [(Code.RULE_ERROR, "night")]


def test_a_request_without_its_subject_is_incomplete() -> None:
    """A set with personal facts has to know who is served."""
    decision = decide(book(LADDER), request(guest__id=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("fact:guest.id",)
    assert decision.without_escalation_up_to == Headroom(0)


BUDGETS = """
grants:
  - {id: g, role: front_desk, may: [credit, night]}
  - {id: m, role: duty_manager, may: any}
budgets:
  - {id: stay, limit: 500, per: [guest.id, stay.id], roles: [front_desk]}
  - {id: times, count: 2, per: [guest.id], within: 90d, roles: [front_desk]}
  - {id: house, limit: 1000, per: [site.id], every: month}
"""


def test_an_approval_charges_every_budget_of_its_authority() -> None:
    """The decision carries each balance before and after."""
    decision = decide(book(BUDGETS), request(amount=30_000))
    charged = {r.budget: (r.charged, r.used_after, r.after.version) for r in decision.readings}
    assert charged == {
        "stay": (30_000, 30_000, 1),
        "times": (1, 1, 1),
        "house": (30_000, 30_000, 1),
    }


def test_every_exhausted_budget_is_named_and_the_walk_goes_on() -> None:
    """Both exhausted budgets of the front desk are named; the manager's role has neither."""
    rulebook = book(BUDGETS)
    spent = decide(rulebook, request(amount=50_000))
    balances = {reading.key: reading.after for reading in spent.readings}
    twice = next(key for key in balances if key.budget == "times")
    balances[twice] = Balance(settled=2, version=2, spends=((AT, 2),))
    decision = evaluate(rulebook, request(amount=1), balances, AT)
    assert decision.outcome is Outcome.ESCALATED
    assert codes(decision) == ["budget_exhausted", "count_exhausted"]
    assert parameters(decision) == {"limit": 50_000, "used": 50_000, "remaining": 0}


def test_a_budget_without_roles_fails_every_rung() -> None:
    """The house's month is everybody's limit."""
    decision = decide(book(BUDGETS), request(amount=100_001))
    assert decision.outcome is Outcome.DENIED
    assert codes(decision) == ["beyond_every_remit", "budget_exhausted", "budget_exhausted"]
    assert {r.rule for r in decision.reasons[1:]} == {"stay", "house"}


def test_an_absent_fact_of_a_key_lacks() -> None:
    """A budget per stay cannot be checked without the stay."""
    decision = decide(book(BUDGETS), request(amount=100, stay__id=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.missing == ("fact:stay.id",)


def test_entitlements_touch_only_budgets_that_name_them() -> None:
    """What is owed is paid whatever the goodwill budgets say."""
    rules = """
grants: [{id: owed, role: front_desk, may: [refund]}]
budgets:
  - {id: house, limit: 1, per: [site.id]}
  - {id: refunds, limit: 1000, per: [site.id], resolutions: [refund]}
"""
    decision = decide(book(rules), request("refund", 50_000))
    assert decision.outcome is Outcome.APPROVED
    assert [r.budget for r in decision.readings] == ["refunds"]


def test_a_budget_with_a_condition_applies_only_where_it_holds() -> None:
    """``when`` on a budget says for whom it counts."""
    rules = """
grants: [{id: g, role: front_desk, may: [credit]}]
budgets: [{id: gold, limit: 1, per: [guest.id], when: guest.tier == "gold"}]
"""
    assert decide(book(rules), request()).outcome is Outcome.APPROVED
    assert decide(book(rules), request(guest__tier="gold")).outcome is Outcome.DENIED


def test_the_headroom_is_what_caps_and_budgets_leave() -> None:
    """``without_escalation_up_to`` is the largest amount that would pass, before this charge."""
    rules = f"""{LADDER}
budgets: [{{id: b, limit: 450, per: [guest.id]}}]"""
    rulebook = book(rules)
    decision = decide(rulebook, request(amount=100, severity=3, note="water"))
    assert decision.without_escalation_up_to == Headroom(45_000)
    assert decide(rulebook, request(amount=45_000, severity=3, note="water")).authority is not None
    plain = decide(rulebook, request(amount=100))
    assert plain.without_escalation_up_to == Headroom(20_000)


def test_the_headroom_of_a_quantity_is_whole_units() -> None:
    """500 dollars are one night at 320."""
    asked = request("night", quantity=2, severity=3, note="water")
    assert decide(book(LADDER), asked).without_escalation_up_to == Headroom(32_000, 1)


def test_without_any_cap_the_headroom_is_unbounded() -> None:
    """No cap and no budget: null, which says so."""
    rules = "grants: [{id: g, role: front_desk, may: [credit]}]"
    assert decide(book(rules), request()).without_escalation_up_to == Headroom(None)


def test_a_prohibition_leaves_no_headroom() -> None:
    """What is prohibited at any amount could not be passed at any amount."""
    rules = f"{LADDER}\nprohibitions: [{{id: never, may_not: [credit], because: No.}}]"
    assert decide(book(rules), request()).without_escalation_up_to == Headroom(0)


def test_somebody_else_may_decide_for_the_proposer() -> None:
    """An answer is decided with the approver's reach; the agent stays the proposer."""
    rules = """
grants:
  - {id: d, role: duty_manager, may: [credit], when: agent.id == "ana"}
"""
    decision = decide(book(rules), request(authority=("general_manager",)))
    assert decision.authority == Authority("duty_manager", "d")


def test_the_same_four_give_the_same_decision() -> None:
    """Deciding twice gives equal values, and changes nothing that was handed in."""
    rulebook, asked = book(BUDGETS), request(amount=30_000)
    balances: dict[BudgetKey, Balance] = {}
    first = evaluate(rulebook, asked, balances, AT)
    assert first == evaluate(rulebook, replace(asked), balances, AT)
    assert balances == {}


def test_a_rule_that_wants_two_facts_says_so_once() -> None:
    """A condition and a limit of one grant that both lack are one reason with both facts."""
    rules = """
grants:
  - {id: g, role: front_desk, may: [credit], when: severity > 1, up_to: stay.rate}
"""
    decision = decide(book(rules), request(severity=None, stay__rate=None))
    assert codes(decision) == ["missing_fact"]
    assert parameters(decision) == {"missing": ("fact:severity", "fact:stay.rate")}


def test_a_budget_that_reads_the_amount_is_asked_at_the_amount_tried() -> None:
    """The headroom is not lost where a budget cannot be read at the amount that was asked."""
    rules = """
grants: [{id: g, role: front_desk, may: [credit], up_to: 5000}]
budgets:
  - {id: b, count: 1, per: [guest.tier], when: 'request.amount < times(stay.total, 2)'}
"""
    decision = decide(book(rules), request(amount=100, guest__tier=None))
    assert decision.outcome is Outcome.INCOMPLETE
    assert decision.without_escalation_up_to == Headroom(500_000)
