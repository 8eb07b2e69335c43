"""What the diff says, against the reference evaluator asked on both sides.

Random sets, of which one has a rule or two drawn anew. Budgets are left out: authority is
what a role may give by itself while there is money.
"""

from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.policyfile.diffauthority import compare_authority
from service.policyfile.diffchange import Change
from tests import strategies
from tests.oracle.policy import Policy
from tests.policyfile.differing import (
    asked_by,
    books,
    concerned,
    covers,
    pairs,
    passes,
    size_of,
)

steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(steadily, max_examples=70)
@given(st.data())
def test_whatever_is_decided_otherwise_is_reported(data: st.DataObject) -> None:
    """A proposal that one set alone approves lies in a change, or where the diff is unsure."""
    pair = data.draw(pairs())
    found = compare_authority(*books(pair))
    unsure = {(it.role, it.resolution) for it in found.unsure}
    for _ in range(12):
        proposal = data.draw(strategies.proposals(pair[0]))
        role = data.draw(st.sampled_from(list(pair[0].roles)))
        proposal = asked_by(role, proposal)
        if passes(pair[0], proposal) == passes(pair[1], proposal):
            continue
        assert (role, proposal["resolution"]) in unsure or any(
            covers(change, proposal, size_of(change.by_unit, pair[0], proposal) or 0)
            for change in found.changes
        )


@settings(steadily, max_examples=70)
@given(st.data())
def test_whatever_is_reported_is_decided_otherwise(data: st.DataObject) -> None:
    """A request in a change that is called exact passes on the side it says, and only there."""
    pair = data.draw(pairs())
    for change in _exact(pair):
        made = data.draw(concerned(pair[0], change))
        if made is None:
            continue
        proposal, at, size = made
        assert passes(pair[0], proposal, at) is change.before.holds(size)
        assert passes(pair[1], proposal, at) is change.after.holds(size)


@settings(steadily, max_examples=40)
@given(st.data())
def test_sets_that_mean_the_same_do_not_differ(data: st.DataObject) -> None:
    """Rules in another order and under other names change nobody's authority."""
    policy = replace(data.draw(strategies.policies()), budgets=())
    shuffled = replace(
        policy,
        grants=tuple(
            replace(grant, id=f"other-{grant.id}")
            for grant in data.draw(st.permutations(policy.grants))
        ),
        prohibitions=tuple(data.draw(st.permutations(policy.prohibitions))),
    )
    found = compare_authority(*books((policy, shuffled)))
    assert (found.changes, found.unsure) == ((), ())


def test_the_random_sets_reach_every_kind_of_change() -> None:
    """The comparison is worth something: more, less and otherwise, exact and not, are all drawn."""
    seen: Counter[object] = Counter()

    @settings(steadily, max_examples=70)
    @given(pairs())
    def draw(pair: tuple[Policy, Policy]) -> None:
        for change in compare_authority(*books(pair)).changes:
            seen.update([change.direction, change.is_exact, change.by_unit, "all"])
            seen.update(["evidence"] * (change.brought[0] != frozenset()))

    draw()
    wanted = {"more", "less", "other", True, False, "evidence"}
    assert wanted <= seen.keys()


def _exact(pair: tuple[Policy, Policy]) -> list[Change]:
    return [it for it in compare_authority(*books(pair)).changes if it.is_exact]
