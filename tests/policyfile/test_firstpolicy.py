"""A first policy holds, is tested through and through, and is laid out as the house does."""

import pytest

from service.policyfile.coverage import coverage
from service.policyfile.firstpolicy import (
    ROLES_MAX,
    AnswerError,
    Answers,
    first_policy,
    read_currency,
    read_limit,
    read_name,
    read_roles,
    read_timezone,
)
from service.policyfile.layout import laid_out
from service.policyfile.lint import lint_set
from service.policyfile.load import load_set
from service.policyfile.suite import run_suites
from service.policyfile.suitecheck import check_suites
from service.policyfile.suitefile import read_suites

LADDERS = [("agent",), ("clerk", "owner"), ("a", "b", "c"), ("r1", "r2", "r3", "r4", "r5")]


@pytest.mark.parametrize("roles", LADDERS, ids=len)
@pytest.mark.parametrize(("currency", "limit"), [("USD", 5050), ("JPY", 500), ("KWD", 1)])
def test_what_is_written_holds(roles: tuple[str, ...], currency: str, limit: int) -> None:
    """It loads without a warning, its tests pass, and they cover every rule and limit."""
    answers = Answers(
        name="shop", currency=currency, timezone="UTC", roles=roles, limit_minor=limit
    )
    files = first_policy(answers)
    loaded, suites = load_set(files), read_suites(files)
    assert (loaded.warnings, check_suites(loaded.rulebook, suites)) == ((), ())
    results = run_suites(loaded.rulebook, suites)
    assert [it.passed for it in results] == [True], results
    lints = lint_set(files, loaded, results)
    assert (lints.warnings, lints.undecided) == ((), ())
    assert coverage(loaded.rulebook, results).gaps() == ()


@pytest.mark.parametrize("roles", LADDERS, ids=len)
def test_what_is_written_is_laid_out(roles: tuple[str, ...]) -> None:
    """`fmt` finds nothing to change."""
    answers = Answers(name="shop", currency="EUR", timezone="UTC", roles=roles, limit_minor=5000)
    for name, data in first_policy(answers).items():
        if name.endswith(".yaml"):
            assert laid_out(name, data.decode()) == data.decode()


def test_answers_are_read() -> None:
    """Small letters will do for a currency, and blanks between roles."""
    assert read_name("corner-shop") == "corner-shop"
    assert read_currency("eur") == "EUR"
    assert read_timezone("Europe/Vienna") == "Europe/Vienna"
    assert read_roles("agent, lead ,manager") == ("agent", "lead", "manager")
    assert read_limit("50.50", "EUR") == 5050


def test_an_answer_that_makes_no_policy_is_refused_with_a_remedy() -> None:
    """Each refusal says what is wrong and what to write instead."""
    for read, answer, says in (
        (read_name, "corner shop", "is not a name"),
        (read_currency, "DOLLAR", "is no currency"),
        (read_timezone, "Vienna", "is no timezone"),
        (read_roles, "agent,agent", "stands there twice"),
        (read_roles, ",".join("abcdefg"[: ROLES_MAX + 1]), "at most"),
        (read_roles, "agent,", "is not a name"),
        (lambda text: read_limit(text, "JPY"), "50.5", "JPY"),
        (lambda text: read_limit(text, "USD"), "0", "above zero"),
    ):
        with pytest.raises(AnswerError, match=says):
            read(answer)
