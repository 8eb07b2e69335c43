"""The tree of an expression: what was checked is what is read."""

import pytest

from service.policyfile.celtext import Source, Span
from service.policyfile.celtree import (
    Call,
    Comprehension,
    Constant,
    Entries,
    Items,
    Name,
    Node,
    Select,
    children,
    read_tree,
    walk,
)
from service.policyfile.celwire import Message
from tests.policyfile.celfacts import environment


def tree(text: str) -> Node:
    return environment().condition(text).tree


def test_a_tree_has_values_types_and_offsets() -> None:
    """Operators, qualified names and literals must be read with their types and places."""
    assert tree("'gö😀' == guest.name") == Call(
        function="_==_",
        args=(
            Constant(value="gö😀", type="string", offset=0),
            Name(name="guest.name", type="string", offset=14),
        ),
        type="bool",
        offset=6,
    )


@pytest.mark.parametrize(
    ("literal", "other", "value", "kind"),
    [
        ("-5", "5", -5, "int"),
        ("-9223372036854775808", "5", -(2**63), "int"),
        ("0x7fffffffffffffff", "5", 2**63 - 1, "int"),
        ("-5.25", "1.0", -5.25, "double"),
        ("true", "vip", True, "bool"),
        ("''", "''", "", "string"),
        ("b'a\\x00'", "b''", b"a\x00", "bytes"),
        ('money("90071992547409.91")', "stay.total", 2**53 - 1, "uint"),
        ("null", "null", None, "null"),
    ],
)
def test_literals_are_read_exactly(literal: str, other: str, value: object, kind: str) -> None:
    """A literal of every type must have its value and its type."""
    comparison = tree(f"{literal} == {other}")
    assert isinstance(comparison, Call)
    assert comparison.args[0] == Constant(value=value, type=kind, offset=0)  # type: ignore[arg-type]


def test_types_are_named_in_full() -> None:
    """Lists, maps, instants and durations must be told apart."""
    text = "guest.tags == ['a'] && {'a': [1]} == {} && now - now == days(1) && {'a': 1}.a == 1"
    nodes = list(walk(tree(text)))
    assert {node.type for node in nodes} == {
        *("bool", "int", "string", "timestamp", "duration"),
        *("list(string)", "list(int)", "map(string, list(int))", "map(string, int)"),
    }
    assert {type(node) for node in nodes} == {Call, Constant, Name, Items, Entries, Select}


def test_a_macro_is_a_comprehension() -> None:
    """What a macro binds must be known by name, and its range must come first."""
    found = tree("guest.tags.exists(tag, tag == 'a')")
    assert isinstance(found, Comprehension)
    assert found.variables == ("tag",)
    assert children(found)[0] == Name(name="guest.tags", type="list(string)", offset=5)


def test_replaced_functions_show_in_the_tree() -> None:
    """known() must show as a boolean of its own, and money() as minor units."""
    found = tree('known(guest.tier) && stay.total > money("5.00")')
    names = {node.name: node.type for node in walk(found) if isinstance(node, Name)}
    moneys = [node.value for node in walk(found) if isinstance(node, Constant)]
    assert names == {"known.guest.tier": "bool", "stay.total": "uint"}
    assert moneys == [500]


@pytest.mark.parametrize(
    "data",
    [b"\x0a", b"\x0a\x05abc", b"\x80", b"\x09\x01", b"\x0b", b"\x0d\x01", b"\x0a\x80"],
)
def test_bytes_of_another_form_are_refused(data: bytes) -> None:
    """Bytes that are cut short, or of an unknown wire type, must not be read as anything."""
    with pytest.raises(ValueError, match=r"cut short|not known"):
        Message(data)


def test_a_tree_of_nothing_is_refused() -> None:
    """An empty message is no expression."""
    with pytest.raises(ValueError, match="unknown kind"):
        read_tree(b"", {})


def test_the_wire_reader_reads_every_kind_of_field() -> None:
    """Long numbers, negative numbers, repeated and fixed fields must be read as written."""
    message = Message(
        b"\x08\xac\x02" + b"\x10" + b"\xff" * 9 + b"\x01" + b"\x1a\x01a\x1a\x02bc" + b"\x25\1\2\3\4"
    )
    assert (message.whole(1), message.signed(2)) == (300, -1)
    assert (message.every(3), message.data(4)) == ((b"a", b"bc"), b"\1\2\3\4")
    assert (message.whole(9), message.data(9), message.text(9), message.every(9)) == (
        0,
        b"",
        "",
        (),
    )
    assert message.has(1)
    assert not message.has(9)


def test_tokens_follow_the_lexer_of_cel() -> None:
    """Quotes of every kind, comments, numbers and signs must be told apart."""
    text = "a.b<='x\\'y'&&r\"\\\"+'''q'\n'''//c 'd\n-.5e3 0x1Fu b''"
    found = [(token.kind, token.text) for token in Source(text).tokens]
    assert found == [
        ("name", "a"),
        ("sign", "."),
        ("name", "b"),
        ("sign", "<="),
        ("text", "'x\\'y'"),
        ("sign", "&&"),
        ("text", 'r"\\"'),
        ("sign", "+"),
        ("text", "'''q'\n'''"),
        ("sign", "-"),
        ("number", ".5e3"),
        ("number", "0x1Fu"),
        ("text", "b''"),
    ]


def test_spans_are_whole_words() -> None:
    """A place must become the word that stands there, and nothing outside the text."""
    source = Source("f (a . b, -5) ")
    assert source.span(2) == Span(0, 1)
    assert source.span_of_name(5, "a.b") == Span(3, 5)
    assert source.span(10) == Span(10, 1)
    assert source.span_of_literal(10) == Span(10, 2)
    assert source.span(99) == Span(14, 0)
    assert source.offset_of(-1, -1) == 0
    assert source.offset_of(1, 99) == 14
