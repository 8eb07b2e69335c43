"""A comment allows one remark, at one place, for a reason."""

import pytest

from service.policyfile.lint import Lints, lint_set
from service.policyfile.load import load_set

ALLOW = "# remit: allow unbounded_grant because gestures are small"
HEAD = "remit: 1\nname: shop\ncurrency: USD\ntimezone: UTC\nroles: {clerk: {}}\n"
RULES = "resolutions: {credit: {}}\n"


def lints(*files: str) -> Lints:
    found = {f"{number}.yaml": text.encode() for number, text in enumerate(files)}
    found["access.csv"] = b"# nobody\n"
    return lint_set(found, load_set(found), None)


def codes(*files: str) -> list[str]:
    return [it.code for it in lints(*files).warnings]


GRANT = "  - id: small\n    role: clerk\n    may: [credit]\n    up_to: 20\n"
OTHER = GRANT.replace("small", "other").replace("20", "30")


@pytest.mark.parametrize(
    "grants",
    [
        f"  {ALLOW}\n{GRANT}",
        f"  # Small.\n  {ALLOW}\n  # Really.\n{GRANT}",
        GRANT.replace("small\n", f"small  {ALLOW}\n"),
        GRANT.replace("up_to: 20\n", f"up_to: 20  {ALLOW}\n"),
        GRANT.replace("    role", f"    {ALLOW}\n    role"),
        f"  - {{id: small, role: clerk, may: any, up_to: 20}}  {ALLOW}\n",
    ],
)
def test_a_comment_in_or_right_above_a_rule_allows(grants: str) -> None:
    """Wherever in the rule it stands."""
    assert codes(f"{HEAD}{RULES}grants:\n{grants}") == []


@pytest.mark.parametrize(
    "grants",
    [
        f"  {ALLOW}\n\n{GRANT}",
        f"  {ALLOW}\n{OTHER}{GRANT}".replace("up_to: 30", "up_to: 30\n    sites: [x]"),
    ],
)
def test_a_comment_elsewhere_allows_nothing(grants: str) -> None:
    """After an empty line, or above another rule, it is about something else."""
    assert "unbounded_grant" in codes(f"{HEAD}{RULES}grants:\n{grants}")


def test_a_comment_allows_in_its_own_file_only() -> None:
    """The same line of another file is another place."""
    rules = f"remit: 1\n{RULES}grants:\n{GRANT}"
    line = rules.split("\n").index("  - id: small")
    other = "\n".join([*[""] * line, f"remit: 1  {ALLOW}", ""])
    assert codes(HEAD, rules, other) == ["unbounded_grant", "unused_allow"]


def test_a_comment_allows_one_code() -> None:
    """Another remark at the same rule is still made."""
    grant = f"  {ALLOW}\n{GRANT}    when: 1 == 1\n"
    assert codes(f"{HEAD}{RULES}grants:\n{grant}") == ["always_true"]


def test_declarations_can_be_allowed_too() -> None:
    """A fact that nothing reads yet, by a comment on its line."""
    allow = "# remit: allow unused_fact because the next version reads it"
    text = f"{HEAD}facts:\n  order.id: {{type: text}}  {allow}\n{RULES}grants:\n  {ALLOW}\n{GRANT}"
    assert codes(text) == []


@pytest.mark.parametrize(
    "comment",
    [
        "# remit: allow",
        "# remit: allow unbounded_grant",
        "# remit: allow unbounded_grant because",
        "# remit: allow unbounded_grant, because it is small",
        "# remit: allow unknown_role because an error is no remark",
    ],
)
def test_a_comment_that_says_too_little_is_remarked_upon(comment: str) -> None:
    """It allows nothing."""
    found = codes(f"{HEAD}{RULES}grants:\n  {comment}\n{GRANT}")
    assert found == ["malformed_allow", "unbounded_grant"]
