"""Conditions and amounts: what they say, and when they say nothing."""

import threading
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.expression import Expression
from service.core.money import MINOR_MAX, format_minor
from service.core.rulebook import Fact, FactType
from service.policyfile.cel import Environment
from tests.policyfile.celfacts import VALUES, environment, gives, holds, without

SHARED = environment()
MONEYS = st.integers(min_value=0, max_value=MINOR_MAX)


@pytest.mark.parametrize(
    "text",
    [
        'guest.name == "Zoë 😀"',
        'guest.tier == "gold" && guest.tier != "silver"',
        'guest.tier in ["silver", "gold"]',
        "incident.severity >= 3",
        "guest.score == 12.5",
        "vip",
        "stay.total == money('960.01')",
        'stay.from == date("2026-02-27")',
        "stay.paid_at < now",
        'incident.lasted == duration("2h")',
        '"loud" in guest.tags && guest.tags.size() == 2',
        'guest.tags.exists(tag, tag == "late")',
        'request.resolution == "goodwill_credit"',
        'request.amount <= money("150.00")',
        "request.quantity == 2",
        'request.reason == "noise" && request.channel == "front_desk"',
        'agent.id == "ana" && agent.kind == "human" && "front_desk" in agent.roles',
        'site.id == "vienna" && site.timezone == "Europe/Vienna"',
        'now > timestamp("2026-03-01T00:00:00Z")',
    ],
)
def test_every_variable_has_its_declared_type(text: str) -> None:
    """A condition over a fact or a built-in of any type must load and hold."""
    assert holds(text) is True


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ('money("12.50")', 1250),
        ("money('5')", 500),
        ('money("""0.07""")', 7),
        ('money( // the limit\n "1.00" )', 100),
        ("stay.total", 96001),
        ("percent(stay.total, 100)", 96001),
        ("percent(stay.total, 50)", 48000),
        ("percent(stay.nightly_rate, 12.5)", 4000),
        ("percent(stay.total, 0)", 0),
        ('percent(money("0.50"), 1)', 0),
        ('percent(money("1.50"), 1)', 2),
        ('percent(money("2.50"), 1)', 2),
        ('percent(money("0.05"), 10.0)', 0),
        ('percent(money("10.00"), 12.1)', 121),
        ("percent(stay.total, incident.severity)", 2880),
        ("percent(stay.total, guest.score)", 12000),
        ("times(stay.nightly_rate, 3)", 96000),
        ("times(stay.nightly_rate, 0)", 0),
        ("times(stay.nightly_rate, request.quantity)", 64000),
        ("least(stay.total, stay.nightly_rate)", 32000),
        (
            'least(stay.total, stay.nightly_rate, money("1"), money("2"), money("3"), money("4"))',
            100,
        ),
        ("greatest(stay.total, stay.nightly_rate)", 96001),
        ('greatest(money("1"), money("2"), money("3"))', 300),
        ('stay.total - money("0.01")', 96000),
        ('stay.total + money("0.99")', 96100),
        ('guest.tier == "gold" ? stay.total : money("0")', 96001),
    ],
)
def test_money_functions_round_half_to_even(text: str, minor: int) -> None:
    """Each money function must give whole minor units, rounded half to even."""
    assert gives(text) == minor


@pytest.mark.parametrize(
    "text",
    [
        'money("1.00") - stay.total',
        "percent(stay.total, incident.severity - 4)",
        "percent(stay.total, guest.score - 100.0)",
        "percent(stay.total, guest.score / 0.0)",
        "percent(stay.total, (guest.score - guest.score) / 0.0)",
        "times(stay.total, incident.severity - 4)",
        "times(stay.total, 9223372036854775807)",
        'money("90071992547409.91") + money("0.01")',
        "times(stay.total, incident.severity / 0)",
        'vip ? stay.total - money("9999") : stay.total',
    ],
)
def test_an_amount_without_a_right_answer_is_none(text: str) -> None:
    """Underflow, overflow, a negative share and no number must end as no answer at all."""
    assert gives(text) is None


def test_the_largest_amount_is_still_one() -> None:
    """An amount of 2**53 - 1 minor units must come through exactly."""
    assert gives('money("90071992547409.91")') == MINOR_MAX


@pytest.mark.parametrize(
    ("decimals", "text", "minor"),
    [(0, 'money("500")', 500), (2, 'money("500")', 50000), (3, 'money("500.125")', 500125)],
)
def test_money_is_written_in_major_units(decimals: int, text: str, minor: int) -> None:
    """The currency's decimals must decide how many minor units a literal is."""
    fresh = environment("XXX", decimals)
    amount = fresh.amount(text)
    assert amount(fresh.bind({})) == minor


@pytest.mark.parametrize(
    ("text", "absent", "answer"),
    [
        ("incident.severity == 1", ["incident.severity"], None),
        ("incident.severity == 1 && false", ["incident.severity"], False),
        ("false && incident.severity == 1", ["incident.severity"], False),
        ("true || incident.severity == 1", ["incident.severity"], True),
        ("incident.severity == 1 || true", ["incident.severity"], True),
        ("true && incident.severity == 1", ["incident.severity"], None),
        ("!(incident.severity == 1)", ["incident.severity"], None),
        ("vip ? true : incident.severity == 1", ["incident.severity"], True),
        ('guest.tags.exists(tag, tag == "loud" || vip)', ["vip"], True),
        ("known(guest.tier)", [], True),
        ("known(guest.tier)", ["guest.tier"], False),
        ("!known(guest.tier)", ["guest.tier"], True),
        ('known(guest.tier) && guest.tier == "gold"', ["guest.tier"], False),
        ('!known(guest.tier) || guest.tier == "gold"', [], True),
        ("known(request.reason) || known(request.channel)", ["request.reason"], True),
        ("known ( guest . tier ) == known(\n  stay.refund_due\n)", [], True),
    ],
)
def test_a_missing_fact_is_an_error_only_where_it_matters(
    text: str, absent: list[str], answer: bool | None
) -> None:
    """What is false or true without the fact must stay so; anything else must be no answer."""
    assert holds(text, *absent) is answer


def test_mentions_are_what_is_read_outside_known() -> None:
    """Names inside known(), bound names and functions must not count as read."""
    condition = environment().condition(
        'known(guest.tier) && stay.total > money("1") && guest.tags.exists(tag, tag == "x")'
        ' && request.reason == "known(stay.refund_due)" && now > date("2026-01-01")'
    )
    assert condition.mentions == {"stay.total", "guest.tags", "request.reason", "now"}
    assert condition.knows == {"guest.tier"}


def test_quoted_text_and_comments_stay_as_they_are() -> None:
    """What looks like a function in a text or a comment must be left alone."""
    assert holds('"known(guest.tier)" == "known(" + "guest.tier)"') is True
    assert holds("'money(\"5\")'.size() == 10 // known(nothing) money(5)") is True
    assert holds(r'r"\known(guest.tier)".size() == 18') is True


def test_text_is_kept_as_written() -> None:
    """The text of an expression must be the manager's own, and show in its repr."""
    expression: Expression = environment().amount(' money("5") ')
    assert expression.text == ' money("5") '
    assert "money" in repr(expression)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("guest.name.size() == 5", True),
        ("size('πέντε') == 5", True),
        ("'é' == 'e\\u0301'", False),
        ("7 / 2 == 3 && -7 / 2 == -3", True),
        ("7 % 3 == 1 && -7 % 3 == -1", True),
        ("incident.severity / 0 == 1", None),
        ("9223372036854775807 + incident.severity > 0", None),
        ("7.0 / 2.0 == 3.5", True),
        ("0.1 + 0.2 == 0.3", False),
        ("'b' > 'a' && 'B' < 'a'", True),
        ("days(1) + duration('1h') == duration('25h')", True),
        ("days(1) == duration('24h') && days(-1) < days(0)", True),
        ("now - stay.paid_at == duration('3h')", True),
        ("now + days(1) > now && now - days(3) < stay.from", True),
        ("now + days(3652500) > now", None),
        ("now.getHours() == 23 && now.getHours('Europe/Vienna') == 0", True),
        ("now.getDayOfWeek() == 0 && now.getDayOfWeek(site.timezone) == 1", True),
        ("now.getDate('-02:00') == 1 && now.getMonth() == 2 && now.getFullYear() == 2026", True),
        ("now.getHours(guest.name) == 1", None),
        ("date('2026-03-02') - date('2026-03-01') == days(1)", True),
        ("date('2024-02-29').getDayOfYear() == 59", True),
        ("guest.name.matches('^Z.. .$')", True),
        ("guest.name.matches('(')", None),
        ("guest.tags[0] == 'loud'", True),
        ("guest.tags[9] == 'loud'", None),
        ("guest.tags.all(tag, tag.startsWith('l')) && !guest.tags.exists_one(t, t != '')", True),
        ("{'gold': 2}['gold'] == 2 && 'gold' in {'gold': 2}", True),
        (
            "guest.tags.map(t, t + '!') == ['loud!', 'late!'] && guest.tags.filter(t, false) == []",
            True,
        ),
    ],
)
def test_the_parts_of_cel_that_policies_rely_on(text: str, answer: bool | None) -> None:
    """Texts count code points, integers cut towards zero, zones move the day, errors are none."""
    assert holds(text) is answer


@pytest.mark.parametrize("value", ["true", 1, None, [True]])
def test_a_value_of_another_type_is_no_answer(value: object) -> None:
    """A boolean fact that arrives as anything else must not count as true."""
    fresh = environment()
    condition = fresh.condition("vip")
    assert condition(fresh.bind({**VALUES, "vip": value})) is None  # type: ignore[dict-item]


def test_an_evaluation_never_raises() -> None:
    """Whatever is handed in as a scope, an expression must answer None."""
    fresh = environment()
    for scope in (None, {}, "scope", object()):
        assert fresh.condition("vip")(scope) is None
        assert fresh.amount("stay.total")(scope) is None


def test_a_runaway_comprehension_ends() -> None:
    """A condition that would go through too long a list must end without an answer."""
    fresh = environment()
    condition = fresh.condition(
        "guest.tags.all(a, guest.tags.all(b, guest.tags.all(c, a + b + c != '')))"
    )
    assert condition(fresh.bind({"guest.tags": ["a"] * 20})) is True
    assert condition(fresh.bind({"guest.tags": ["a"] * 200})) is None


def test_a_scope_serves_many_expressions() -> None:
    """One scope must serve every expression that was compiled before it was bound."""
    fresh = environment()
    conditions = [fresh.condition(f"incident.severity >= {least}") for least in range(6)]
    scope = fresh.bind(VALUES)
    assert [each(scope) for each in conditions] == [True, True, True, True, False, False]
    assert [each(scope) for each in conditions] == [True, True, True, True, False, False]


def test_a_scope_keeps_the_values_it_was_bound_with() -> None:
    """A mapping that changes afterwards must not change an answer."""
    fresh = environment()
    condition = fresh.condition("incident.severity >= 3")
    variables = dict(VALUES)
    scope = fresh.bind(variables)
    variables["incident.severity"] = 1
    assert condition(scope) is True


def test_a_scope_may_move_to_another_thread() -> None:
    """A function must give the same in a thread that did not bind the scope."""
    fresh = environment()
    amount = fresh.amount("percent(stay.total, 50)")
    scope = fresh.bind(VALUES)
    answers: list[int | None] = []
    thread = threading.Thread(target=lambda: answers.append(amount(scope)))
    thread.start()
    thread.join()
    assert answers == [48000]
    assert amount(scope) == 48000


def test_answers_stay_right_in_four_threads() -> None:
    """Threads that share expressions and one scope must each get their own right answers."""
    fresh = environment()
    condition = fresh.condition('percent(stay.total, 50) >= money("480.00") && known(guest.tier)')
    amount = fresh.amount("least(times(stay.nightly_rate, request.quantity), stay.total)")
    shared = fresh.bind(VALUES)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for turn in range(300):
            nights = number * 300 + turn
            own = fresh.bind({**VALUES, "request.quantity": nights})
            if amount(own) != min(32000 * nights, 96001):
                wrong.append(nights)
            if condition(shared) is not True or condition(own) is not True:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_compiling_goes_on_while_others_evaluate() -> None:
    """New expressions may be compiled while threads evaluate old ones."""
    fresh = environment()
    old = fresh.condition("incident.severity >= 3")
    scope = fresh.bind(VALUES)
    answers: set[bool | None] = set()
    thread = threading.Thread(target=lambda: answers.update(old(scope) for _ in range(2000)))
    thread.start()
    new = [fresh.condition(f"request.quantity == {number}") for number in range(50)]
    thread.join()
    assert answers == {True}
    assert [each(fresh.bind(VALUES)) for each in new].count(True) == 1


def test_a_fact_may_not_look_like_known() -> None:
    """A fact whose name begins with known would be taken for the function."""
    with pytest.raises(ValueError, match="known"):
        Environment(
            facts={"known.guest": Fact(path="known.guest", type=FactType.TEXT)},
            currency="USD",
            decimals=2,
        )


def test_an_absent_fact_is_absent_only_for_its_own_scope() -> None:
    """known() must be answered by each scope for itself."""
    fresh = environment()
    condition = fresh.condition("known(stay.refund_due)")
    with_it, without_it = fresh.bind(VALUES), fresh.bind(without("stay.refund_due"))
    assert (condition(with_it), condition(without_it), condition(with_it)) == (True, False, True)


COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@settings(max_examples=150, deadline=None)
@given(left=MONEYS, right=MONEYS, sign=st.sampled_from(sorted(COMPARISONS)))
def test_money_compares_as_integers_do(left: int, right: int, sign: str) -> None:
    """A comparison of money must agree with Python's on every pair of amounts."""
    condition = SHARED.condition(f'stay.total {sign} money("{format_minor(right, 2)}")')
    assert condition(SHARED.bind({"stay.total": left})) is COMPARISONS[sign](left, right)


@settings(max_examples=150, deadline=None)
@given(amount=MONEYS, share=st.decimals(0, 100, places=2))
def test_percent_agrees_with_decimal_arithmetic(amount: int, share: object) -> None:
    """A share written as a decimal must give exactly that decimal's part, half to even."""
    exact = Context(prec=60)
    whole = exact.divide(exact.multiply(Decimal(amount), Decimal(str(share))), Decimal(100))
    expected = int(whole.quantize(Decimal(1), rounding=ROUND_HALF_EVEN, context=exact))
    found = SHARED.amount(f"percent(stay.total, {float(str(share))!r})")
    assert found(SHARED.bind({"stay.total": amount})) == expected


def test_dates_are_midnight_in_utc() -> None:
    """A date literal must be the same instant as the fact of that day."""
    fresh = environment()
    condition = fresh.condition('stay.from == date("2026-02-27")')
    assert condition(fresh.bind({"stay.from": datetime(2026, 2, 27, tzinfo=UTC)})) is True
