"""From a place in a value back to the place in the file, in every style of YAML."""

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from service.policyfile.place import Place
from service.policyfile.problem import Problem
from service.policyfile.source import Source
from service.policyfile.yamltree import Scalar, read_tree


def place_of(text: str) -> Place:
    found: list[Problem] = []
    source = Source("a.yaml", text)
    tree = read_tree(source, found)
    assert tree is not None, found
    return Place(source, tree).child("when")


def character_at(text: str, offset: int) -> tuple[str, str]:
    """The character at an offset of the value, and the one that the position points at."""
    place = place_of(text)
    assert isinstance(place.node, Scalar)
    problem = place.problem("code", "Message.", "Remedy.", offset=offset)
    lines = text.split("\n")
    return place.node.text[offset], lines[problem.line - 1][problem.column - 1]


STYLES = {
    "plain": "when: a == b && c > d\n",
    "plain over lines": "when: a == b\n  && c > d\n\n  || e\n",
    "plain after a comment": "# ä comment with ✓\nwhen: é == ü\n",
    "single quotes": "when: 'a == ''b'' && c'\n",
    "single quotes over lines": "when: 'a == ''b''\n  && c\n\n  || d'\n",
    "double quotes": 'when: "a == b && c"\n',
    "double quotes over lines": 'when: "a == b\n   && c\n\n   || d"\n',
    "double quotes with a continued line": 'when: "a == b \\\n   && c"\n',
    "literal": "when: |\n  a == b\n    && c\n\n  || d\n",
    "literal without its last break": "when: |-\n  a == b\n  && c",
    "literal with an indentation of its own": "when: |2\n    a == b\n  && c\n",
    "folded": "when: >\n  a == b\n  && c\n\n  || d\n",
    "folded without its last break": "when: >-\n  a == b\n  && c\n",
    "between braces": "{other: x, when: a == b, more: y}\n",
    "Windows line ends": "other: x\r\nwhen: a == b\r\n  && c\r\n",
    "literal with Windows line ends": "when: |\r\n  a == b\r\n  && c\r\n",
}


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES.keys())
def test_every_visible_character_is_found_where_it_stands(text: str) -> None:
    """A problem in a condition points at the very character, whatever the quotes and breaks."""
    node = place_of(text).node
    assert isinstance(node, Scalar)
    for offset, character in enumerate(node.text):
        if not character.isspace():
            assert character_at(text, offset) == (character, character)


@pytest.mark.parametrize(
    ("text", "offset", "column"),
    [
        ('when: "\\u0061 == b"\n', 0, 8),
        ('when: "\\u0061 == b"\n', 5, 18),
        ('when: "\\x61\\"b"\n', 1, 12),
        ('when: "a\\\\b"\n', 2, 11),
        ("when: 'a''b'\n", 2, 11),
        ("when: ab\n", 2, 9),
        ('when: "ab"\n', 2, 10),
        ("when: ab\n", 99, 9),
    ],
)
def test_escapes_and_ends_have_a_column(text: str, offset: int, column: int) -> None:
    """An escape is found where it begins, and the end of a text behind its last character."""
    assert place_of(text).problem("code", "M.", "R.", offset=offset).column == column


@given(
    st.text(alphabet=st.sampled_from("abäß✓😀 '\"\\#:&|\n"), min_size=1, max_size=60),
    st.sampled_from(["'", '"', "|", ">"]),
    st.integers(min_value=20, max_value=40),
)
def test_positions_never_leave_the_text(value: str, style: str, width: int) -> None:
    """Whatever a program writes as YAML, every offset has a place within the file."""
    text = yaml.safe_dump(
        {"when": value}, default_style=style, width=width, allow_unicode=True, sort_keys=False
    )
    place = place_of(text)
    assert isinstance(place.node, Scalar)
    lines = text.split("\n")
    for offset in range(len(place.node.text) + 1):
        problem = place.problem("code", "M.", "R.", offset=offset)
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(st.text(alphabet=st.sampled_from("abäß✓😀 '\"\\#:&|\n"), min_size=1, max_size=60))
def test_quoted_text_of_any_kind_is_mapped_exactly(value: str) -> None:
    """In single quotes, every visible character is found as itself."""
    text = yaml.safe_dump({"when": value}, default_style="'", width=30, allow_unicode=True)
    place = place_of(text)
    assert isinstance(place.node, Scalar)
    assume(place.node.style == "'")  # the program takes double quotes where it must
    for offset, character in enumerate(place.node.text):
        if not character.isspace():
            assert character_at(text, offset) == (character, character)
