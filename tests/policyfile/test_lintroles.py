"""Who can answer at the top of a ladder, and which role gives less than one below it."""

import pytest

from service.policyfile.lint import lint_set
from service.policyfile.load import load_set

POLICY = """\
remit: 1
name: shop
currency: USD
timezone: UTC
sites: {north: {}, south: {}}
roles: {clerk: {reports_to: owner}, owner: {}}
facts: {order.total: {type: money}, order.late: {type: boolean}}
resolutions: {credit: {}, gift: {unit: piece, worth: money("5.00")}}
grants:
  - {id: small, role: clerk, may: [credit], CLERK}
  - {id: some, role: clerk, may: [gift], up_to: 20, when: order.late}
  - {id: all, role: owner, may: any, OWNER}
budgets:
  - {id: month, limit: 5000, per: [site.id], every: month}
  - {id: shift, limit: 200, per: [agent.id], every: day, roles: [clerk]}
"""
LINES = "p, answerer, escalation, answer\ng, owner, answerer, *\n"


def said(code: str, *, access: str = "", policy: str = "", **limits: str) -> list[str]:
    """The messages with a code, about the shop with these limits and people."""
    text = (POLICY + policy).replace("CLERK", limits.get("clerk", "up_to: 20"))
    text = text.replace("OWNER", limits.get("owner", "up_to: order.total"))
    files = {"policy.yaml": text.encode(), "access.csv": (LINES + access).encode()}
    return [it.message for it in lint_set(files, load_set(files), None).warnings if it.code == code]


TWO = "g, olga, owner, *\ng, otto, owner, *\n"


@pytest.mark.parametrize(
    ("access", "policy", "expected"),
    [
        (TWO, "", None),
        ("", "", None),
        ("g, audra, answerer, *\n", "", None),
        ("g, olga, owner, *\n", "", "only `olga` can answer for it at north: 2 people"),
        ("g, ana, clerk, south\n", "", "nobody can answer for it at south: 2 people"),
        ("g, ana, clerk, south\ng, olga, owner, north\ng, otto, owner, north\n", "", "at south"),
        (TWO + "g, ana, clerk, south\n", "", None),
        (TWO, "escalation: {owner: {approvals: 3}}\n", "only `olga` and `otto` can answer"),
        (TWO + "g, omar, owner, *\n", "escalation: {owner: {approvals: 3}}\n", None),
    ],
)
def test_as_many_people_as_are_needed_can_answer_at_the_top(
    access: str, policy: str, expected: str | None
) -> None:
    """Two at least, or as many as approvals are asked for, wherever somebody proposes."""
    found = said("lone_top", access=access, policy=policy)
    assert len(found) == (expected is not None), found
    assert expected is None or expected in found[0]


def test_who_may_not_answer_is_not_counted() -> None:
    """Without the permission the role alone helps nobody."""
    files = {
        "policy.yaml": POLICY.replace("CLERK", "up_to: 20").replace("OWNER", "up_to: 50").encode(),
        "access.csv": f"p, owner, escalation, read\n{TWO}".encode(),
    }
    found = [it for it in lint_set(files, load_set(files), None).warnings if it.code == "lone_top"]
    assert "nobody can answer" in found[0].message


@pytest.mark.parametrize(
    ("clerk", "owner", "weaker"),
    [
        ("up_to: 20", "up_to: 20", False),
        ("up_to: 20", "up_to: 19", True),
        ("up_to: 20", "up_to: 21", False),
        ("up_to: 20, needs: [note]", "up_to: 19", True),
        ("up_to: 20, when: order.late", "up_to: 19", False),
        ("up_to: 20, when: order.late", "up_to: 20, when: order.late", False),
        ("up_to: 20", "up_to: 20, when: order.late", True),
        ("up_to: 20", "exactly: 20", True),
        ("up_to: 20, agents: [human]", "up_to: 19", False),
        ("up_to: 20", "up_to: 20, agents: [human]", True),
        ("up_to: 20, sites: [north]", "up_to: 20, sites: [north, south]", False),
    ],
)
def test_a_role_is_weaker_that_never_gives_more_and_once_less(
    clerk: str, owner: str, weaker: bool
) -> None:
    """Of a resolution that both name; budgets and evidence are left aside."""
    found = said("weaker_role", access=TWO, clerk=clerk, owner=owner)
    assert any("`credit`" in message for message in found) == weaker, found
