"""What expressions may not say: each refusal has a code, a place and a remedy."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policyfile.cel import EXPRESSION_CHARS_MAX, CelCode, CelError, CelProblem
from tests.policyfile.celfacts import FACTS, environment, problems, spotted

SHARED = environment()

REFUSED = [
    # money and bare numbers
    ("request.amount <= 500", [("money_and_number", "500")]),
    ("request.amount <= 500.5", [("money_and_number", "500.5")]),
    ("500 >= request.amount", [("money_and_number", "500")]),
    ("request.amount == -5", [("money_and_number", "-5")]),
    ("request.amount - 5 > 3", [("money_and_number", "5")]),
    ("request.amount in [5, 6]", [("money_and_number", "5"), ("money_and_number", "6")]),
    ('request.amount in [money("5"), 6]', [("money_and_number", "6")]),
    ('[request.amount, 500][0] <= money("500")', [("money_and_number", "500")]),
    ("(vip ? stay.total : 5) > stay.total", [("money_and_number", "5")]),
    ("percent(500, 5) < stay.total", [("money_and_number", "500")]),
    ("least(stay.total, 5) < stay.total", [("money_and_number", "5")]),
    ("request.amount <= incident.severity", [("money_and_number", "<=")]),
    ("stay.total > guest.score", [("money_and_number", ">")]),
    # around the type
    ("request.amount <= 500u", [("uint_literal", "500u")]),
    ("request.amount <= 0x1FU", [("uint_literal", "0x1FU")]),
    ("uint(5) == stay.total", [("money_conversion", "uint")]),
    ("stay.total == uint (guest.score)", [("money_conversion", "uint")]),
    ("int(stay.total) == 5", [("money_conversion", "int")]),
    ("double(stay.total) == 5.0", [("money_conversion", "double")]),
    ('string(stay.total) == "5"', [("money_conversion", "string")]),
    ("[stay.total].exists(m, int(m) == 5)", [("money_conversion", "int")]),
    ("dyn(stay.total) == 5", [("dyn_refused", "dyn")]),
    ("stay.total == dyn(5)", [("dyn_refused", "dyn")]),
    ("[guest.name, vip].size() == 2", [("mixed_types", "[")]),
    ("{'a': stay.total, 'b': vip}.size() == 2", [("mixed_types", "{")]),
    ("[[stay.total], [5]][0][0] == 5", [("mixed_types", "[")]),
    ("type(stay.total) == uint", [("types_refused", "type"), ("types_refused", "uint")]),
    ("google.protobuf.UInt64Value{} == stay.total", [("messages_refused", "google")]),
    ("has(guest.tier)", [("has_refused", "has")]),
    ("vip && has ( stay.total )", [("has_refused", "has")]),
    ("stay.total / stay.total == stay.total", [("money_division", "/")]),
    ("stay.total / 2 > stay.total", [("money_division", "/")]),
    ("stay.total % stay.total == stay.total", [("money_division", "%")]),
    ("stay.total * stay.total > stay.total", [("money_product", "*")]),
    ("stay.total * 2 > stay.total", [("money_product", "*")]),
    ("2 * stay.total > stay.total", [("money_product", "*")]),
    # literals of the functions
    ("money(5) < stay.total", [("money_needs_a_literal", "5")]),
    ("money(guest.name) < stay.total", [("money_needs_a_literal", "guest.name")]),
    ('money("5" + "0") < stay.total', [("money_needs_a_literal", '"5" + "0"')]),
    ("money() < stay.total", [("money_needs_a_literal", "money()")]),
    (r'money("\x35") < stay.total', [("money_needs_a_literal", r'"\x35"')]),
    ('money("5.001") < stay.total', [("too_many_decimals", '"5.001"')]),
    ('money("-5") < stay.total', [("not_money", '"-5"')]),
    ('money("1e3") < stay.total', [("not_money", '"1e3"')]),
    ('money("99999999999999999") < stay.total', [("not_money", '"99999999999999999"')]),
    ('money("9999999999999999") < stay.total', [("amount_too_large", '"9999999999999999"')]),
    ("date(guest.name) < now", [("date_needs_a_literal", "guest.name")]),
    ('date("2026-3-1") < now', [("not_a_date", '"2026-3-1"')]),
    ('date("2026-02-30") < now', [("not_a_date", '"2026-02-30"')]),
    ('date("20260301") < now', [("not_a_date", '"20260301"')]),
    ("percent(stay.total, -5) < stay.total", [("negative_share", "-5")]),
    ("percent(stay.total, -0.5) < stay.total", [("negative_share", "-0.5")]),
    ("percent(stay.total, 1.0e999) < stay.total", [("negative_share", "1.0e999")]),
    ("times(stay.total, -1) < stay.total", [("negative_factor", "-1")]),
    ("now - days(3652501) < now", [("too_many_days", "3652501")]),
    ("now.getHours('Europe/Vena') == 3", [("unknown_zone", "'Europe/Vena'")]),
    # choices
    ('guest.tier == "glod"', [("impossible_choice", '"glod"')]),
    ('"Gold" != guest.tier', [("impossible_choice", '"Gold"')]),
    ('guest.tier in ["gold", "slver"]', [("impossible_choice", '"slver"')]),
    ('guest.tier in {"glod": true}', [("impossible_choice", '"glod"')]),
    ('agent.kind == "robot"', [("impossible_choice", '"robot"')]),
    # names
    ('guest.teir == "gold"', [("undeclared_name", "guest.teir")]),
    ("guest.tier == gold", [("undeclared_name", "gold")]),
    ('guest . teir == "gold"', [("undeclared_name", "guest . teir")]),
    ('a.b.c.d == "gold"', [("undeclared_name", "a.b.c.d")]),
    ("refund(stay.total) > stay.total", [("undeclared_function", "refund")]),
    ("guest.name.upper() == 'A'", [("undeclared_function", "upper")]),
    ("percent(stay.total) > stay.total", [("wrong_arguments", "percent")]),
    ("times(stay.total, 1.5) > stay.total", [("wrong_arguments", "times")]),
    ("least(stay.total) == stay.total", [("wrong_arguments", "least")]),
    ("days('3') == incident.lasted", [("wrong_arguments", "days")]),
    ("guest.name.size(1) == 1", [("wrong_arguments", "size")]),
    ("guest.tier.level == 'a'", [("no_such_field", ".")]),
    ("[1].exists(now, now == 1)", [("name_taken", "exists")]),
    ('guest.id == "G-1"', [("personal_fact", "guest.id")]),
    ("known(guest.id)", [("personal_fact", "guest.id")]),
    # what may be asked to be known
    ("known(stay.total)", [("known_not_optional", "stay.total")]),
    ("known(guest.teir)", [("known_needs_a_fact", "guest.teir")]),
    ("known(request.amount)", [("known_needs_a_fact", "request.amount")]),
    ('known("guest.tier")', [("known_needs_a_fact", '"guest.tier"')]),
    ("known(guest)", [("known_needs_a_fact", "guest")]),
    ("known(guest).tier == 'a'", [("known_needs_a_fact", "guest"), ("no_such_field", ".")]),
    ("known()", [("known_needs_a_fact", "known()")]),
    ("known", [("known_needs_a_fact", "known")]),
    ("known.guest.tier", [("known_needs_a_fact", "known.guest.tier")]),
    ("vip.known(guest.tier)", [("known_needs_a_fact", "known")]),
    ("known(money('5'))", [("known_needs_a_fact", "money('5')")]),
    # kinds
    ("incident.severity", [("not_a_condition", "incident.severity")]),
    ("stay.total", [("not_a_condition", "stay.total")]),
    ("guest.score > 5", [("wrong_types", ">")]),
    ("stay.from > '2026-03-01'", [("wrong_types", ">")]),
    ("now - 3 < now", [("wrong_types", "-")]),
    ("incident.lasted > 3", [("wrong_types", ">")]),
    ("guest.name > 5", [("wrong_types", ">")]),
    ("!guest.name", [("wrong_types", "!")]),
    ("vip && guest.name", [("wrong_types", "&&")]),
    ("guest.name.exists(x, true)", [("wrong_types", ".")]),
    # syntax
    ("", [("empty", "")]),
    (" \n", [("empty", " \n")]),
    ("vip &&", [("syntax_error", "")]),
    ("(vip", [("syntax_error", "")]),
    ("vip)", [("syntax_error", ")")]),
    ("guest.tier = 'gold'", [("syntax_error", "=")]),
    ("vip & vip", [("syntax_error", "&")]),
    ("vip and vip", [("syntax_error", "and")]),
    ("guest.name == 'abc", [("syntax_error", "'")]),
    ("if", [("syntax_error", "if")]),
    ("incident.severity < 99999999999999999999", [("number_too_large", "99999999999999999999")]),
    ("[1].exists(1, true)", [("syntax_error", "1")]),
    ("(" * 40 + "vip" + ")" * 40, [("too_deep", "(" * 40 + "vip" + ")" * 40)]),
    ("vip\ud800", [("not_text", "vip\ud800")]),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_a_refusal_points_at_its_characters(text: str, expected: list[tuple[str, str]]) -> None:
    """Each refused text must be refused with its code, at exactly the characters to mend."""
    assert spotted(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in REFUSED])
def test_a_refusal_speaks_to_managers(text: str) -> None:
    """Messages and remedies must be there, and none may speak the checker's language."""
    for problem in problems(text):
        spoken = f"{problem.message} {problem.remedy}"
        assert problem.message.endswith((".", "?"))
        assert problem.remedy.endswith((".", "?"))
        assert not re.search(r"INVALID|_[<>=&|!*/%+?-]|overload|<input>|EOF|uint64|@in", spoken)


def test_every_code_is_reached() -> None:
    """Each kind of problem must be shown by a text of the table or a test beside it."""
    shown = {code for _, expected in REFUSED for code, _ in expected}
    beside = {"too_long", "runs_too_long", "forbidden_variable", "not_an_amount", "not_valid"}
    assert shown | beside == {str(code) for code in CelCode}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("request.amount <= 500", 'Write money("500.00").'),
        ("request.amount <= 500.5", 'Write money("500.50").'),
        ("request.amount <= 500.123", 'Write money("12.50").'),
        ("request.amount <= 500u", 'Write money("500.00").'),
        ('guest.teir == "gold"', "Did you mean `guest.tier`?"),
        ("guest.tier == gold", 'Write the text in quotes: "gold".'),
        ('guest.tier == "glod"', "Did you mean `gold`?"),
        ("known.guest.tier", "Write known(guest.tier)."),
        ("guest.tier = 'gold'", "Write == to compare."),
        ("vip and vip", "Write && for and."),
        ("now - 3 < now", "Add or subtract days: now - days(3)."),
    ],
)
def test_a_remedy_says_what_to_write(text: str, remedy: str) -> None:
    """Where the text shows what was meant, the remedy must be that."""
    (problem,) = problems(text)
    assert problem.remedy == remedy


def test_all_problems_are_told_at_once_and_in_order() -> None:
    """One text must give all its problems, by offset, whatever found them."""
    text = (
        'guest.teir == "gold" && known(stay.total) && has(guest.tier)\n'
        '  && request.amount <= 500 && money("1.001") < stay.total\n'
        '  && guest.id == "G" && guest.tier == "glod" && zoo(7u)'
    )
    assert spotted(text) == [
        ("undeclared_name", "guest.teir"),
        ("known_not_optional", "stay.total"),
        ("has_refused", "has"),
        ("money_and_number", "500"),
        ("too_many_decimals", '"1.001"'),
        ("personal_fact", "guest.id"),
        ("impossible_choice", '"glod"'),
        ("undeclared_function", "zoo"),
        ("uint_literal", "7u"),
    ]


@pytest.mark.parametrize("before", ["", "'é😀' != '' &&\n\n", "// ünder 😀\n", "\t\r\n "])
def test_offsets_count_characters(before: str) -> None:
    """Characters outside ASCII, tabs and line breaks must not move a problem."""
    text = f"{before} guest.teir == 'é'"
    assert spotted(text) == [("undeclared_name", "guest.teir")]


def test_a_text_has_a_longest_length() -> None:
    """The longest text must load, and one more character must not."""
    longest = "vip".ljust(EXPRESSION_CHARS_MAX)
    assert problems(longest) == ()
    assert [problem.code for problem in problems(longest + " ")] == ["too_long"]


def test_a_text_that_can_only_run_too_long_is_refused() -> None:
    """A condition that no facts could make answerable must not load."""
    many = "[" + ",".join("1" * 190) + "]"
    nested = f"{many}.all(a, {many}.all(b, {many}.all(c, a + b + c > 0)))"
    assert [problem.code for problem in problems(nested)] == ["runs_too_long"]


@pytest.mark.parametrize(
    "text", ["500", "12.5", "vip", "guest.name", "incident.severity", "[stay.total]"]
)
def test_an_amount_is_money(text: str) -> None:
    """Whatever is not money must not pass for a limit."""
    with pytest.raises(CelError) as caught:
        environment().amount(text)
    (problem,) = caught.value.problems
    assert (problem.code, problem.offset, problem.length) == ("not_an_amount", 0, len(text))


def test_a_forbidden_variable_is_refused_with_its_reason() -> None:
    """What a caller forbids must not load, bare or inside known(), and the reason is the remedy."""
    text = "known(request.reason) ? percent(request.amount, 50) : stay.total"
    forbid = {"request.amount": "Name a fact instead.", "request.reason": "Not here."}
    with pytest.raises(CelError) as caught:
        environment().amount(text, forbid=forbid)
    found = [
        (problem.code, text[problem.offset :][: problem.length], problem.remedy)
        for problem in caught.value.problems
    ]
    assert found == [
        ("forbidden_variable", "request.reason", "Not here."),
        ("forbidden_variable", "request.amount", "Name a fact instead."),
    ]


def test_the_error_lists_its_problems() -> None:
    """An error that nobody catches must still say what is wrong."""
    with pytest.raises(CelError, match=r"bare number.*neither a fact"):
        environment().condition("request.amount <= 5 && nobody")


NAMES = (*FACTS, "request.amount", "agent.roles", "now", "true", "null", "in")
CALLS = ("known(", "money(", "has(", "dyn(", "percent(", "date(", "least(", "uint(", "type(")
MACROS = (".exists(x,", ".map(x,", ".all(x,", ".filter(x,")
CALLS_WHOLE = ("known(guest.tier)", 'money("5.00")', "google.protobuf.Struct{")
SIGNS = (*"()[]{}.,?:!-/%`'\"\\", "==", "<=", "&&", "||", "//", "'''", "r'", "b'")
LITERALS = ('"gold"', "5", "5u", "5.5", "0x1", "1e999", " ", "\n", "é", "😀", "\x00")
FRAGMENTS = st.sampled_from((*NAMES, *CALLS, *MACROS, *CALLS_WHOLE, *SIGNS, *LITERALS))


def problems_or_answer(text: str) -> tuple[CelProblem, ...] | bool | None:
    try:
        compiled = SHARED.condition(text)
    except CelError as error:
        return error.problems
    return compiled(SHARED.bind({}))


def assert_survives(text: str) -> None:
    found = problems_or_answer(text)
    assert found in (True, False, None) or found
    for problem in found if isinstance(found, tuple) else ():
        assert 0 <= problem.offset <= problem.offset + problem.length <= len(text)
        assert problem.message
        assert problem.remedy


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=14).map("".join))
def test_broken_expressions_are_only_ever_refused(text: str) -> None:
    """Any heap of fragments must load or be refused with places inside the text, never crash."""
    assert_survives(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_only_ever_refused(text: str) -> None:
    """Any text at all, half characters too, must load or be refused, never crash."""
    assert_survives(text)
