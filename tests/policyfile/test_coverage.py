"""Coverage says which rules and limits no case reaches, and does not ask for the impossible."""

from service.policyfile.coverage import Coverage, coverage
from tests.policyfile.suites import case, rulebook, run, step


def _coverage(*steps: str) -> Coverage:
    return coverage(rulebook(), [run(case("one", *steps))])


def _gaps(covered: Coverage) -> dict[tuple[str, bool], tuple[str, ...]]:
    return {(one.rule, one.boundary): one.gaps() for one in covered.gaps()}


CREDIT = "credit, note: late, amount: "


def test_without_a_case_everything_is_a_gap() -> None:
    """Every rule is listed, and every limit."""
    covered = coverage(rulebook(), [])
    assert [one.rule for one in covered.rules] == [
        *("small", "larger", "owed", "all", "day", "often"),
        "no-cash",
    ]
    assert [one.rule for one in covered.boundaries] == [
        *("small", "larger", "owed", "all"),
        *("day", "often"),
    ]
    assert set(covered.gaps()) == {*covered.rules, *covered.boundaries}


def test_a_rule_is_covered_when_it_is_satisfied_and_refused() -> None:
    """One approval is half of what shows that a grant holds."""
    satisfied = _coverage(step(f'{CREDIT}"20.00"', "outcome: approved"))
    assert _gaps(satisfied)["small", False] == ("no case is refused by it",)
    both = _coverage(
        step(f'{CREDIT}"20.00"', "outcome: approved"),
        step(f'{CREDIT}"20.01"', "outcome: approved"),
    )
    assert ("small", False) not in _gaps(both)


def test_a_limit_is_covered_at_it_and_one_minor_unit_above() -> None:
    """Two cents above the limit would not show where the limit lies."""
    far = _coverage(step(f'{CREDIT}"20.02"', "outcome: approved"))
    assert _gaps(far)["small", True] == (
        "no case lies at its limit",
        "no case lies just above its limit",
    )
    near = _coverage(
        step(f'{CREDIT}"20.00"', "outcome: approved"),
        step(f'{CREDIT}"20.01"', "outcome: approved"),
    )
    assert ("small", True) not in _gaps(near)


def test_a_limit_of_a_quantity_is_passed_by_one_unit() -> None:
    """Five gifts of 5.00 are the first above 20.00."""
    covered = _coverage(
        step("gift, quantity: 4", "outcome: approved"),
        step("gift, quantity: 5", "outcome: escalated"),
    )
    assert ("small", True) not in _gaps(covered)


def test_a_budget_of_money_is_covered_at_its_limit_and_above() -> None:
    """60.00 a day: 50 and 10 fill it, a cent more is refused by it."""
    covered = _coverage(
        step(f'{CREDIT}"50.00"', "outcome: approved"),
        step(f'{CREDIT}"10.00"', "outcome: approved", facts="fresh"),
        step(f'{CREDIT}"0.01"', "outcome: escalated", facts="fresh"),
    )
    gaps = _gaps(covered)
    assert ("day", False) not in gaps
    assert ("day", True) not in gaps


def test_a_count_is_covered_by_the_last_one_and_one_more() -> None:
    """Two approvals are let through, the third is refused."""
    two = [step(f'{CREDIT}"1.00"', "outcome: approved")] * 2
    third = step(f'{CREDIT}"1.00"', "outcome: escalated")
    assert ("often", True) not in _gaps(_coverage(*two, third))
    assert _gaps(_coverage(*two))["often", True] == ("no case lies just above its limit",)


def test_an_exact_grant_is_covered_at_what_is_owed_and_a_cent_above() -> None:
    """The limit of an owed sum is the sum."""
    owed = '[loyal, {order: {due: "7.00"}}]'
    covered = _coverage(
        step('refund, amount: "7.00"', "outcome: approved", facts=owed),
        step('refund, amount: "7.01"', "outcome: denied", facts=owed),
    )
    gaps = _gaps(covered)
    assert ("owed", False) not in gaps
    assert ("owed", True) not in gaps


def test_a_prohibition_without_conditions_needs_only_to_prohibit() -> None:
    """Nothing that it names could ever be let through."""
    covered = _coverage(step('cash, amount: "1.00"', "outcome: denied"))
    assert ("no-cash", False) not in _gaps(covered)


def test_a_refused_proposal_covers_nothing() -> None:
    """What was not decided was judged by no rule."""
    covered = _coverage(step('credit, amount: "0.001"', "error: too_many_decimals"))
    assert set(covered.gaps()) == {*covered.rules, *covered.boundaries}
