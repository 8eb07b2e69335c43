"""Suites run as managers expect: budgets within a test, everything that differs named."""

import pytest

from service.app.entry import of_decision
from service.core.money import format_minor
from service.policyfile.expectation import entry_of
from service.policyfile.suite import StepResult
from service.policyfile.suitecheck import check_suites
from service.policyfile.suitefile import read_suites
from tests.policyfile.suites import case, rulebook, run, step, suite_files


def _only_step(*steps: str) -> StepResult:
    result = run(case("one", *steps))
    return result.cases[0].steps[-1]


def _differing(expect: str, propose: str = 'credit, amount: "10.00"') -> dict[str, tuple[str, ...]]:
    found = _only_step(step(propose, expect)).differences
    return {it.key: (it.expected or "null", it.got or "null") for it in found}


def test_budgets_are_carried_from_step_to_step_of_one_test() -> None:
    """The third step meets what the first two have used."""
    result = run(
        case(
            "the shift",
            step(
                'credit, amount: "50.00", note: late',
                'outcome: approved, budgets: {day: {used: "50", remaining: "10.00"}}',
            ),
            step('credit, amount: "10.00"', "outcome: approved", facts="fresh"),
            step('credit, amount: "0.01"', "outcome: escalated, to: owner", facts="fresh"),
        )
    )
    assert result.passed, result


def test_every_test_begins_with_unused_budgets() -> None:
    """What one test spends is no other test's loss."""
    spend = step('credit, amount: "50.00", note: late', "outcome: approved")
    result = run(case("first", spend), case("second", spend))
    assert [it.passed for it in result.cases] == [True, True]


def test_the_instant_of_a_step_decides_its_window() -> None:
    """A later step on the next day has a new budget; the day's balance stays behind."""
    spend = 'credit, amount: "20.00"'
    result = run(
        case(
            "two days",
            *(step(spend, "outcome: approved", facts=facts) for facts in ("loyal", "fresh")),
            step(
                f"{spend}, at: 2026-03-02T00:00:00+00:00",
                'outcome: approved, budgets: {day: {used: "20.00"}, often: {used: 2}}',
            ),
        )
    )
    assert result.passed, result


def test_a_step_that_fails_shows_expected_beside_got() -> None:
    """Every key that differs is told, and what the decision said."""
    failed = _only_step(
        step('credit, amount: "30.00"', "outcome: approved, grant: larger, role: clerk")
    )
    assert [(it.key, it.expected, it.got) for it in failed.differences] == [
        ("outcome", "approved", "incomplete"),
        ("grant", "larger", None),
        ("role", "clerk", None),
    ]
    assert failed.place == "shop_test.yaml:12:9"
    assert failed.proposal == "ana proposes credit 30.00"
    assert failed.reasons[0] == "larger needs note."


@pytest.mark.parametrize(
    ("expect", "differs"),
    [
        ("outcome: approved, grant: small, role: clerk", {}),
        ("outcome: approved, grant: larger", {"grant": ("larger", "small")}),
        ('outcome: approved, without_escalation_up_to: "20"', {}),
        (
            'outcome: approved, without_escalation_up_to: "50.00"',
            {"without_escalation_up_to": ("50.00", "20.00")},
        ),
        (
            "outcome: approved, without_escalation_up_to: null",
            {"without_escalation_up_to": ("null", "20.00")},
        ),
        ("outcome: approved, counter_offer: null", {}),
        ('outcome: approved, counter_offer: "5.00"', {"counter_offer": ("5.00", "null")}),
        ("outcome: approved, reasons: [within_limits]", {}),
        (
            "outcome: approved, reasons: [over_limit]",
            {"reasons": ("over_limit", "within_limits")},
        ),
        ('outcome: approved, budgets: {day: {used: "10.00", remaining: "50.00"}}', {}),
        (
            'outcome: approved, budgets: {often: {used: "2"}}',
            {"budgets.often.used": ("2", "1")},
        ),
        ("outcome: approved, entry: {kind: decision, outcome: approved, rule: small}", {}),
        ('outcome: approved, entry: {reason: within_limits, value: "10"}', {}),
        (
            'outcome: approved, entry: {outcome: denied, rule: null, value: "1.00"}',
            {
                "entry.outcome": ("denied", "approved"),
                "entry.rule": ("null", "small"),
                "entry.value": ("1.00", "10.00"),
            },
        ),
        ("error: unknown_site", {"error": ("unknown_site", "no refusal, but approved")}),
    ],
)
def test_each_key_is_compared(expect: str, differs: dict[str, tuple[str, str]]) -> None:
    """What an expectation names is compared as money, names or counts, and nothing else is."""
    assert _differing(expect) == differs


def test_the_entry_that_is_expected_is_the_one_that_is_logged() -> None:
    """What suites call an entry are the columns by which the log's own is found."""
    for case_step in (
        step('credit, amount: "10.00"', "outcome: approved"),
        step('credit, amount: "2000.00"', "outcome: denied"),
        step('cash, amount: "10.00"', "outcome: denied"),
    ):
        decided = _only_step(case_step).decided
        assert decided is not None
        logged = of_decision(rulebook(), decided.request, decided.decision, "C-1")
        said = entry_of(rulebook(), decided.decision)
        assert {key: said[key] for key in ("outcome", "rule", "reason")} == {
            key: logged.get(key) for key in ("outcome", "rule", "reason")
        }
        assert said["value"] == format_minor(logged.get("value_minor") or 0, 2)


def test_missing_is_compared_whole_and_in_any_order() -> None:
    """A decision that asks for more than was expected is not as expected."""
    propose = 'credit, amount: "30.00"'
    assert _differing("outcome: incomplete, missing: [note]", propose) == {}
    found = _differing('outcome: incomplete, missing: [note, "fact:order.due"]', propose)
    assert found == {"missing": ("note, fact:order.due", "note")}


def test_a_refused_proposal_is_an_error_that_can_be_expected() -> None:
    """An unknown resolution is not denied but refused, with its code."""
    expected = _only_step(step('voucher, amount: "5.00"', "error: unknown_resolution"))
    assert expected.passed
    assert expected.decided is None
    other = _only_step(step('voucher, amount: "5.00"', "error: amount_required"))
    assert [it.got for it in other.differences] == ["refused: unknown_resolution"]


def test_a_refusal_where_a_decision_was_expected_names_its_codes() -> None:
    """Who misspells a resolution reads why in the failed step."""
    found = _only_step(step('voucher, amount: "5.00"', "outcome: denied"))
    assert [(it.key, it.got) for it in found.differences] == [
        ("outcome", "refused: unknown_resolution")
    ]
    assert found.reasons == ("/resolution: the policy names no such resolution",)


def test_a_refused_step_changes_no_budget_and_stops_nothing() -> None:
    """The steps after a refusal are decided as if it had not been."""
    result = run(
        case(
            "and on",
            step('credit, amount: "0.001"', "error: too_many_decimals"),
            step('credit, amount: "20.00"', 'outcome: approved, budgets: {day: {used: "20.00"}}'),
        )
    )
    assert result.passed, result


def test_facts_are_merged_and_later_ones_win() -> None:
    """A step takes a named customer and changes one fact of theirs."""
    merged = "[loyal, {customer: {tier: new}}]"
    result = run(
        case(
            "merged",
            step('credit, amount: "30.00", note: late', "outcome: escalated", facts=merged),
            step('credit, amount: "30.00", note: late', "outcome: approved"),
        )
    )
    assert result.passed, result


def test_roles_of_a_suite_are_ordered_by_rank() -> None:
    """An owner who is also a clerk uses the clerk's authority first."""
    head = step('credit, amount: "10.00"', "outcome: approved, role: clerk", by="olga")
    assert _only_step(head).passed


@pytest.mark.parametrize(
    ("expect", "code", "path"),
    [
        ("outcome: approved, grant: smal", "unknown_grant", "expect.grant"),
        ("outcome: escalated, to: boss", "unknown_role", "expect.to"),
        ("outcome: approved, role: boss", "unknown_role", "expect.role"),
        ("outcome: approved, budgets: {week: {used: 1}}", "unknown_budget", "expect.budgets.week"),
        (
            'outcome: approved, budgets: {day: {used: "1.001"}}',
            "too_many_decimals",
            "expect.budgets.day.used",
        ),
        ('outcome: approved, counter_offer: "x"', "not_money", "expect.counter_offer"),
        ("outcome: approved, entry: {rule: smal}", "unknown_rule", "expect.entry.rule"),
        ('outcome: approved, entry: {value: "x"}', "not_money", "expect.entry.value"),
    ],
)
def test_what_a_suite_names_must_be_there(expect: str, code: str, path: str) -> None:
    """A misspelt grant is a problem with its place, not a test that fails."""
    suites = read_suites(suite_files(case("one", step('credit, amount: "1.00"', expect))))
    found = [(it.code, it.path) for it in check_suites(rulebook(), suites)]
    assert found == [(code, f"tests[0].steps[0].{path}")]


def test_agents_of_a_suite_hold_roles_of_the_set() -> None:
    """A role that the set does not have would hold nothing, silently."""
    files = suite_files(case("one", step('credit, amount: "1.00"', "outcome: approved")))
    files["shop_test.yaml"] = files["shop_test.yaml"].replace(b"roles: [owner]", b"roles: [boss]")
    found = check_suites(rulebook(), read_suites(files))
    assert [(it.code, it.path) for it in found] == [("unknown_role", "agents.olga.roles[0]")]
