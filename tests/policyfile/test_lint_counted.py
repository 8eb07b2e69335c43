"""Lints against counting: whatever is said of small sets is what every case comes to.

A remark that says never is contradicted by no case, and where no case says otherwise there is
a remark: on sets that can be counted out nothing stays undecided.
"""

from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.policyfile.lint import Lints, lint_set
from service.policyfile.load import load_set
from tests import strategies
from tests.oracle.evaluator import decide
from tests.oracle.ledger import Ledger
from tests.oracle.policy import Grant, Policy, Proposal
from tests.oracle.question import Question, ask, grants
from tests.oracle.terms import Lack, Term, judge
from tests.oracle.writing import policy_files
from tests.policyfile.bruteforce import AT, SITES, all_proposals, deciding, small_policies

steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=set(Phase) - {Phase.shrink, Phase.explain},  # counting a set out again takes long
)


def lints_of(policy: Policy) -> Lints:
    files = {**policy_files(policy), "access.csv": b"# nobody\n"}
    return lint_set(files, load_set(files), None)


def said(lints: Lints, section: str, *codes: str) -> dict[int, str]:
    """The messages with one of the codes, by the index of the rule that they are about."""
    return {
        int(it.path.removeprefix(f"{section}[").partition("]")[0]): it.message
        for it in lints.warnings
        if it.code in codes and it.path.startswith(f"{section}[")
    }


@steadily
@given(small_policies())
def test_a_grant_is_said_never_to_decide_where_it_decides_nothing(policy: Policy) -> None:
    """Shadowed and dead grants are exactly those that decide no proposal to anybody."""
    lints = lints_of(policy)
    assert lints.undecided == ()
    never = said(lints, "grants", "shadowed_grant", "never_passes", "always_false")
    told, untold = deciding(policy, told=True), deciding(policy, told=False)
    for number, grant in enumerate(policy.grants):
        assert (grant.id not in told) == (number in never), never
        if number in never and "if all facts are told" in never[number]:
            assert grant.id in untold
        elif number in never and "least sufficient" in never[number]:
            assert grant.id not in untold


@steadily
@given(small_policies())
def test_a_condition_is_said_to_be_constant_where_it_is(policy: Policy) -> None:
    """A grant's condition is remarked upon as what it comes to in all of the grant's cases."""
    lints = lints_of(policy)
    always = said(lints, "grants", "always_true")
    never = said(lints, "grants", "always_false")
    for number, grant in enumerate(policy.grants):
        if grant.when is None:
            continue
        seen = {judge(grant.when, q.view) for q in questions(policy, grant)}
        truths = {verdict for verdict in seen if isinstance(verdict, bool)}
        assert (number in always) == (truths == {True}), (grant, truths)
        assert (number in never) == (truths == {False}), (grant, truths)


@steadily
@given(small_policies())
def test_an_optional_fact_is_said_to_be_bare_where_its_absence_leaves_no_answer(
    policy: Policy,
) -> None:
    """`bare_optional` is said of exactly the conditions that some absence leaves undecided."""
    bare = said(lints_of(policy), "grants", "bare_optional")
    for number, grant in enumerate(policy.grants):
        if grant.when is not None:
            lacking = any(_lacks(grant.when, q) for q in questions(policy, grant))
            assert (number in bare) == lacking, grant


def _lacks(term: Term, question: Question) -> bool:
    return isinstance(judge(term, question.view), Lack)


def questions(policy: Policy, grant: Grant) -> Iterator[Question]:
    """Every case for which a grant's condition is asked."""
    for proposal in all_proposals(SITES, told=True):
        question = ask(policy, proposal, Ledger(), AT)
        named = grant in grants(question, grant.role)
        at_home = grant.sites is None or proposal["site"] in grant.sites
        if named and at_home and (grant.agents is None or proposal["kind"] in grant.agents):
            yield question


@steadily
@given(small_policies())
def test_a_grant_is_said_to_be_unbounded_where_it_passes_outside_every_budget(
    policy: Policy,
) -> None:
    """Whatever is approved without a charge was remarked upon, and nothing else was."""
    lints = lints_of(policy)
    unbounded = said(lints, "grants", "unbounded_grant")
    dead = said(lints, "grants", "shadowed_grant", "never_passes", "always_false")
    assert unbounded.keys().isdisjoint(dead)
    for proposal in all_proposals(SITES, told=True):
        answer = decide(policy, proposal, Ledger(), AT)
        if answer.outcome == "approved" and not answer.charges:
            number = [grant.id for grant in policy.grants].index(answer.grant or "")
            assert number in unbounded, proposal


@steadily
@given(st.data())
def test_a_redundant_budget_never_refuses_alone(data: st.DataObject) -> None:
    """In no stream of proposals is it used up where the other is not."""
    policy = data.draw(small_policies(budgets_max=3))
    redundant = said(lints_of(policy), "budgets", "redundant_budget")
    stream = data.draw(st.lists(st.sampled_from(list(_plain())), max_size=30))
    spent = Ledger()
    for proposal in stream:
        answer = decide(policy, proposal, spent, AT)
        used_up = {rule for code, rule, _ in answer.reasons if code == "budget_exhausted"}
        for number, message in redundant.items():
            other = message.split("`")[3]
            assert policy.budgets[number].id not in used_up or other in used_up
        spent.charges += [charged.charge for charged in answer.charges]


def _plain() -> Iterator[Proposal]:
    return (it for it in all_proposals(SITES[:1], told=True) if it["note"])


@settings(steadily, max_examples=30)
@given(st.data())
def test_what_is_said_of_any_set_is_contradicted_by_no_proposal(data: st.DataObject) -> None:
    """Sets with sums, dates and lists: what cannot be counted out is proven or left undecided."""
    policy = data.draw(strategies.policies())
    lints = lints_of(policy)
    never = said(lints, "grants", "shadowed_grant", "never_passes", "always_false")
    silent = {
        policy.grants[number].id: message
        for number, message in never.items()
        if "if all facts are told" not in message
    }
    spent = Ledger()
    for at, proposal in data.draw(strategies.streams(policy, longest=20)):
        answer = decide(policy, proposal, spent, at)
        assert answer.grant not in silent, (answer, silent)
        spent.charges += [charged.charge for charged in answer.charges]
