"""The layout of files: one look, the same words, every comment."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from service.policyfile.layout import LayoutError, laid_out
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.oracle.policy import Policy
from tests.oracle.writing import policy_files

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "policies").rglob("*.yaml"))

UNTIDY = """\

# yaml-language-server: $schema=x
remit:   1
name: shop


 # why
roles:
    clerk: { reports_to: owner }   # the counter
    owner:    {}   # the office
sites: {night: {hours: "22:30-23:00"}}
grants:
- id: small
  role: clerk
  may: [credit,   gift]
  when: >-
    a
    && b
- { id: "x", up_to: 10 }
- {id: longer, up_to: "2.50"}
at: 2026-03-01T21:00:00-05:00
said: 'no # comment'
# the end
"""
TIDY = """\
# yaml-language-server: $schema=x
remit: 1
name: shop

 # why
roles:
  clerk: {reports_to: owner}  # the counter
  owner: {}                   # the office
sites: {night: {hours: "22:30-23:00"}}
grants:
  - id: small
    role: clerk
    may: [credit, gift]
    when: >-
      a
      && b
  - {id: "x",    up_to: 10}
  - {id: longer, up_to: "2.50"}
at: 2026-03-01T21:00:00-05:00
said: 'no # comment'
# the end
"""


def test_a_file_is_laid_out_in_the_way_of_the_house() -> None:
    """Indentation, blanks, empty lines, tables and comments; quotes and breaks as written."""
    blanks = UNTIDY.replace("remit:   1\n", "remit:   1   \n")
    assert laid_out("x.yaml", blanks) == TIDY


@pytest.mark.parametrize("path", SHIPPED, ids=lambda it: f"{it.parent.name}/{it.name}")
def test_a_shipped_file_keeps_its_words_and_comments(path: Path) -> None:
    """Laid out it says the same, and laid out again it is the same."""
    once = laid_out(path.name, path.read_text(encoding="utf-8"))
    assert laid_out(path.name, once) == once


@settings(derandomize=True, database=None, deadline=None, max_examples=20)
@given(strategies.policies())
def test_the_rules_are_those_of_before(policy: Policy) -> None:
    """The digest of the compiled rules does not change with the layout, whatever the rules."""
    files = policy_files(policy)
    again = {name: laid_out(name, data.decode()).encode() for name, data in files.items()}
    assert load_rulebook(again).rules == load_rulebook(files).rules


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x\n", "a: [1\n", "- 1\n", "a: 010\n"])
def test_a_file_that_cannot_be_read_is_left_alone(text: str) -> None:
    """Nothing is made of what nobody understands."""
    with pytest.raises(LayoutError):
        laid_out("x.yaml", text)
