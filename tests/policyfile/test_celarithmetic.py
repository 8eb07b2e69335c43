"""Amounts computed here are the ones that the library computes."""

from hypothesis import given
from hypothesis import strategies as st

from service.core.expression import FactValue
from service.core.money import MINOR_MAX
from service.core.rulebook import Fact, FactType
from service.policyfile.cel import Environment

FACTS = {
    path: Fact(path=path, type=kind)
    for path, kind in {
        "a.money": FactType.MONEY,
        "b.money": FactType.MONEY,
        "n.whole": FactType.INTEGER,
        "n.share": FactType.NUMBER,
    }.items()
}
ENVIRONMENT = Environment(facts=FACTS, currency="USD", decimals=2)

MONEY = st.sampled_from(["a.money", "b.money", 'money("12.34")', 'money("0.01")'])
SHARE = st.sampled_from(["n.whole", "n.share", "0", "50", "12.5", "33"])
AMOUNTS = st.recursive(
    MONEY,
    lambda inner: st.one_of(
        st.builds("percent({}, {})".format, inner, SHARE),
        st.builds("times({}, {})".format, inner, st.sampled_from(["n.whole", "3", "0"])),
        st.builds("least({}, {})".format, inner, inner),
        st.builds("greatest({}, {}, {})".format, inner, inner, MONEY),
    ),
    max_leaves=6,
)
SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "a.money": st.integers(0, MINOR_MAX),
        "b.money": st.integers(0, 1_000_000),
        "n.whole": st.integers(-3, 1_000),
        "n.share": st.floats(-1, 200, allow_nan=False),
    },
)


@given(AMOUNTS, SCOPES)
def test_both_ways_give_the_same_amount(text: str, scope: dict[str, FactValue]) -> None:
    """A sum that the library must compute differs by nothing from the same without it."""
    here = ENVIRONMENT.amount(text)
    # A ternary is the library's alone, so the second text takes the other way.
    there = ENVIRONMENT.amount(f'agent.kind == "ai" ? {text} : {text}')
    bound = ENVIRONMENT.bind({**scope, "agent.kind": "human"})
    assert here(bound) == there(bound)
    assert here(bound) is None or type(here(bound)) is int


def test_a_sum_between_that_is_too_large_ends_in_an_error() -> None:
    """What the library could not hold on the way is no amount, even if less is asked in the end."""
    large = 'least(times(times(a.money, 1000), 100000), money("1.00"))'
    bound = ENVIRONMENT.bind({"a.money": MINOR_MAX, "agent.kind": "human"})
    assert ENVIRONMENT.amount(large)(bound) is None
    assert ENVIRONMENT.amount(f'agent.kind == "ai" ? {large} : {large}')(bound) is None
