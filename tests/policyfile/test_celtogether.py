"""Expressions that are compiled together, and texts long enough to leave the short ways."""

from time import process_time

import pytest

from service.policyfile.cel import CelError
from service.policyfile.celcase import EXPRESSION_CHARS_MAX, open_case
from service.policyfile.celtext import Source
from service.policyfile.celtree import Call, Constant, Name, read_nodes, walk
from service.policyfile.celvocabulary import Vocabulary
from tests.policyfile.celfacts import FACTS, VALUES, environment, spotted

VOCABULARY = Vocabulary(facts=FACTS, currency="USD", decimals=2)


def expanded(text: str) -> str:
    return open_case(text, VOCABULARY, {}).expanded.text


def test_each_text_gets_its_own_answer() -> None:
    """Many texts at once must give what each gives alone, wrong ones in between included."""
    fresh = environment()
    texts = [
        f"incident.severity >= {number}" if number % 3 else f"incident.severity = {number}"
        for number in range(200)
    ]
    found = fresh.conditions(texts)
    scope = fresh.bind(VALUES)
    assert len(found) == len(texts)
    for number, each in enumerate(found):
        if number % 3:
            assert not isinstance(each, CelError)
            assert each.text == texts[number]
            assert each(scope) is (number <= 3)
        else:
            assert isinstance(each, CelError)
            with pytest.raises(CelError) as alone:
                fresh.condition(texts[number])
            assert each.problems == alone.value.problems


def test_amounts_together_obey_what_is_forbidden() -> None:
    """What may not be read must be refused in each text of many, and in no other."""
    texts = ("stay.total", "request.amount", "percent(stay.total, 50)")
    found = environment().amounts(texts, forbid={"request.amount": "Use facts."})
    assert [isinstance(each, CelError) for each in found] == [False, True, False]


def test_nothing_together_is_nothing() -> None:
    """No text must give no answer."""
    assert environment().conditions(()) == []


def test_a_scope_serves_expressions_that_come_later() -> None:
    """A scope that was bound first must have what a later expression reads."""
    fresh = environment()
    scope = fresh.bind(VALUES)
    assert fresh.condition('known(guest.tier) && guest.tier == "gold"')(scope) is True


def test_the_nodes_of_a_tree_come_in_the_order_of_the_walk() -> None:
    """The list of nodes must hold each node once, the tree first, each before those below it."""
    condition = environment().condition(
        "{'a': [1, 2], guest.name: [3]}[guest.name].exists(n, n + 1 == incident.severity)"
        ' ? known(guest.tier) : stay.total > money("5.00") && !(vip)'
    )
    assert read_nodes(condition._serialized, {}) == list(walk(condition.tree))  # noqa: SLF001


def test_a_long_expression_is_read_exactly() -> None:
    """Ids, places and parts beyond one byte must be read as well as short ones."""
    text = " || ".join(f"incident.severity == {number}" for number in range(60))
    nodes = list(walk(environment().condition(text).tree))
    names = sorted(node.offset for node in nodes if isinstance(node, Name))
    numbers = sorted((n.offset, n.value) for n in nodes if isinstance(n, Constant))
    assert names == [at for at, sign in enumerate(text) if sign == "."]
    assert [value for _, value in numbers] == list(range(60))
    assert all(text[at:].startswith(str(value)) for at, value in numbers)
    assert {node.type for node in nodes if isinstance(node, Call)} == {"bool"}
    assert {node.type for node in nodes if not isinstance(node, Call)} == {"int"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('money("5.00")', "500u"),
        ('money\n( // the "limit\n"5.00" )', "500u"),
        ('"money(\\"5.00\\")"', None),
        ('r"\\" + money("5.00")', 'r"\\" + 500u'),
        ('bar"x" + money("5.00")', 'bar"x" + 500u'),
        ("// money('5.00')", None),
        ('// it\'s\nmoney("5.00")', "// it's\n500u"),
        ('x.money("5.00")', None),
        ('x . // money\n money("5.00")', None),
        ('1money("5.00")', None),
        ('.5 money("5.00")', ".5 500u"),
        ('"a"money("5.00")', None),
        ('moneys("5.00") + money_("5.00")', None),
        ('money "5.00"', None),
        ('money("5.00"', None),
        ('least(money("5.00"), money("(6.00"))', "least(500u, 0u)"),
    ],
)
def test_only_calls_of_money_are_replaced(text: str, calls: str | None) -> None:
    """What is in quotes or a comment, after a dot, glued or not closed must stay as it is."""
    found = expanded(text)
    assert len(found) == len(text)
    if calls is None:
        assert found == text
    else:
        assert "".join(found.split()) == "".join(calls.split())


def test_nested_calls_are_each_looked_at() -> None:
    """A call inside another must be told of too, at its own place."""
    assert spotted("known(known(guest.tier))") == [("known_needs_a_fact", "known(guest.tier)")]
    assert ("money_needs_a_literal", 'money("5.00")') in spotted(
        'money(money("5.00")) == stay.total'
    )


def test_parentheses_are_matched_outside_of_texts() -> None:
    """A bracket in quotes or in a comment must not open or close anything."""
    source = Source("f /* */ (a)")
    assert source.parentheses_after(1) is None
    source = Source("f (')', \"(\", (a), // )\n b) )")
    inside = source.parentheses_after(1)
    assert inside is not None
    assert source.text[slice(*inside)] == "')', \"(\", (a), // )\n b"


@pytest.mark.parametrize(
    "filling", [" ", "\n", "//\n", ". ", "money ", "money(", "1", '"', "(", "-"]
)
def test_no_text_takes_long_to_be_looked_at(filling: str) -> None:
    """The longest text of one filling must be read in a time that a person does not notice."""
    text = ("money ." + filling * EXPRESSION_CHARS_MAX)[: EXPRESSION_CHARS_MAX - 1] + "x"
    started = process_time()
    expanded(text)
    assert process_time() - started < 2
