"""Where cases cannot be listed a solver answers, and what it cannot answer stays undecided."""

import pytest

from service.policyfile.lint import Lints, lint_set
from service.policyfile.lintproof import is_installed, prove
from service.policyfile.lintquestion import Answer, search
from service.policyfile.lintremit import Remit
from service.policyfile.load import load_rulebook, load_set

needs_solver = pytest.mark.skipif(not is_installed(), reason="z3-solver is not installed")

HEAD = """\
remit: 1
name: shop
currency: USD
timezone: UTC
roles: {clerk: {}}
facts:
  order.total: {type: money}
  order.paid: {type: money}
  order.items: {type: integer, from: 0, to: 100000}
  order.sent: {type: date}
  order.code: {type: text}
  order.share: {type: number}
  order.lasted: {type: duration}
  order.tags: {type: texts}
  order.late: {type: boolean, optional: true}
resolutions: {credit: {}}
budgets: [{id: month, limit: 5000, per: [site.id], every: month}]
grants:
"""


def files(*grants: str) -> dict[str, bytes]:
    """A set of grants of one role for one resolution, ``g0`` and so on."""
    lines = [
        f"  - {{id: g{number}, role: clerk, may: [credit], {rest}}}\n"
        for number, rest in enumerate(grants)
    ]
    return {"policy.yaml": (HEAD + "".join(lines)).encode(), "access.csv": b"# nobody\n"}


def lints(*grants: str) -> Lints:
    found = files(*grants)
    return lint_set(found, load_set(found), None)


def shadowed(found: Lints) -> list[str]:
    return [it.message.split("`")[1] for it in found.warnings if it.code == "shadowed_grant"]


SHADOWED = [
    ('up_to: "percent(order.total, 50)"', 'up_to: "percent(order.total, 49.5)"'),
    ('up_to: "percent(order.total, 50)"', 'exactly: "percent(order.total, 50)"'),
    ('up_to: "greatest(order.total, order.paid)"', "up_to: order.paid"),
    ("up_to: order.total", 'up_to: "least(order.total, order.paid)"'),
    ('up_to: "times(order.total, 2)"', 'up_to: "order.total + order.total"'),
    ("up_to: 50, when: now >= order.sent", "up_to: 50, when: now >= order.sent + days(2)"),
    ("up_to: 50, when: order.paid < order.total", "up_to: order.total - order.paid, when: 'false'"),
    ("up_to: 50, when: order.items > 7", "up_to: 40, when: order.items * 2 > 14"),
    ("when: request.amount <= order.total", "up_to: order.total"),
    ("up_to: 9, when: order.lasted > order.lasted", "up_to: 9, when: order.share > order.share"),
]
REACHED = [
    ('up_to: "percent(order.total, 50)"', 'up_to: "percent(order.total, 50.5)"'),
    ('up_to: "percent(order.total, 50)"', "up_to: order.paid"),
    ("up_to: 50, when: now > order.sent", "up_to: 50, when: now >= order.sent"),
    ("up_to: 50, when: order.items > 7", "up_to: 40, when: order.items * 2 > 13"),
    ("when: request.amount < order.total", "up_to: order.total"),
    ("up_to: 50, when: order.total > order.paid", "up_to: 50, when: order.total == order.paid"),
    ("up_to: 9, when: \"'a' in order.tags\"", "up_to: 9, when: \"'b' in order.tags\""),
    ("up_to: 9, when: known(order.late)", "up_to: 9, when: order.items > 70000"),
]


@needs_solver
@pytest.mark.parametrize(("first", "second"), SHADOWED)
def test_a_shadow_is_proven_where_sums_and_instants_have_no_end(first: str, second: str) -> None:
    """Whatever the facts are, the first passes where the second does."""
    found = lints(first, second)
    codes = {it.code for it in found.warnings if it.path.startswith("grants[1]")}
    assert codes & {"shadowed_grant", "never_passes", "always_false"}, found
    assert found.undecided == ()


@pytest.mark.parametrize(("first", "second"), REACHED)
def test_no_shadow_is_seen_where_there_is_none(first: str, second: str) -> None:
    """Some case reaches the second, found among samples or by the solver."""
    found = lints(first, second)
    assert shadowed(found) == []
    if is_installed():
        assert [it for it in found.undecided if it.code == "shadowed_grant"] == []


@pytest.mark.parametrize(
    "when",
    [
        "order.code.matches('^A[0-9]+$') && order.code.size() < 2",
        "now.getDayOfWeek() == 6 && now.getDayOfWeek('UTC') == 0",
    ],
)
def test_what_has_no_exact_counterpart_stays_undecided(when: str) -> None:
    """Nothing is guessed of a pattern or of a day of the week."""
    found = lints(f'up_to: 50, when: "{when}"')
    assert {it.code for it in found.warnings} <= {"unused_fact"}
    assert {it.code for it in found.undecided} == {"always_false", "shadowed_grant"}
    assert all(it.place.startswith("policy.yaml:") for it in found.undecided)


@needs_solver
def test_what_has_no_counterpart_may_be_anything_and_a_proof_still_holds() -> None:
    """A pattern cannot make true what the rest makes false."""
    found = lints("up_to: 50, when: order.code.matches('^A') && order.total < order.total")
    assert "always_false" in {it.code for it in found.warnings}


@needs_solver
@pytest.mark.parametrize(("first", "second"), [*SHADOWED, *REACHED])
def test_the_solver_never_contradicts_what_was_counted(first: str, second: str) -> None:
    """Where listing cases comes to an answer, the solver comes to the same or to none."""
    rulebook = load_rulebook(files(first, second))
    for grant in rulebook.grants:
        for question in Remit(rulebook=rulebook, grant=grant).against_all():
            counted, proven = search(question).answer, prove(question).answer
            assert Answer.OPEN in (counted, proven) or counted is proven, question


@needs_solver
def test_a_case_of_the_solver_is_one_that_the_rules_confirm() -> None:
    """It comes with a case, in the form that conditions read."""
    rulebook = load_rulebook(
        files(
            'up_to: "percent(order.total, 37)"',
            'up_to: "percent(order.paid, 61)", when: \'order.paid < order.total && '
            'order.total < times(order.paid, 2) && order.total > money("7654.32")\'',
        )
    )
    remit = Remit(rulebook=rulebook, grant=rulebook.grants[1])
    found = [prove(question) for question in remit.against_all()]
    assert [it.answer for it in found] == [Answer.YES]
    case = found[0].case or {}
    total, paid, amount = (case[it] for it in ("order.total", "order.paid", "request.amount"))
    assert isinstance(total, int)
    assert isinstance(paid, int)
    assert isinstance(amount, int)
    assert 765432 < total < 2 * paid
    assert amount * 100 > total * 36
