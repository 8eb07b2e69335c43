"""The quick reader finds what the whole one finds, and nothing wrong passes it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.core import proposal
from service.core.plainproposal import find_plain
from service.core.refusal import Refused
from service.core.request import Agent
from tests.core.test_proposal import BOOK

ANA = Agent(id="ana", roles=("front_desk",))

TEXTS = st.sampled_from(["x", "", " ", "a\nb", "a\x00", "new_york", "vienna", "x" * 201])
ODD = st.sampled_from([None, True, 0, 1, 2, -1, 1.0, [], {}, ["x"], {"a": 1}])
MONEY = st.sampled_from(["150.00", "1", "0", "0.00", "-1", "1.001", "1e3", "99999999999999999999"])
FACTS = st.dictionaries(
    st.sampled_from([*{path.split(".")[0] for path in BOOK.facts}, "other"]),
    st.one_of(
        ODD,
        st.dictionaries(
            st.sampled_from([*{path.split(".")[-1] for path in BOOK.facts}, "other"]),
            st.one_of(ODD, TEXTS, MONEY, st.sampled_from(["gold", "90d", "2026-03-01"])),
            max_size=4,
        ),
    ),
    max_size=3,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "site": st.one_of(TEXTS, ODD),
    "resolution": st.one_of(st.sampled_from([*BOOK.resolutions, "other"]), ODD),
    "amount": st.one_of(MONEY, ODD),
    "quantity": st.one_of(st.integers(-1, 2), st.just(1_000_001), ODD),
    "currency": st.one_of(st.sampled_from(["USD", "EUR", "XXX"]), ODD),
    "reason": st.one_of(TEXTS, ODD),
    "channel": st.one_of(TEXTS, ODD),
    "note": st.one_of(TEXTS, ODD),
    "evidence": ODD,
    "unavailable": ODD,
    "facts": st.one_of(FACTS, ODD),
    "other": ODD,
}
GOOD: dict[str, Any] = {"site": "new_york", "resolution": "credit", "amount": "150.00"}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A plain proposal with a few fields changed or added."""
    changed = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True))
    return {**GOOD, **{name: draw(FIELDS[name]) for name in changed}}


def read(body: dict[str, Any]) -> object:
    """What the whole reader finds; nothing where it refuses."""
    try:
        return proposal._Reader(BOOK, body).read(ANA)  # noqa: SLF001 — compared with
    except Refused:
        return None


@given(bodies())
def test_what_is_read_quickly_is_what_is_read_wholly(body: dict[str, Any]) -> None:
    """Whatever is sent, the quick reader finds what the whole one finds, or leaves it alone."""
    found = find_plain(BOOK, body, ANA)
    assert found is None or found == read(body)


def test_a_plain_proposal_is_read_quickly() -> None:
    """The comparison is worth something: what most people send is not left to the whole reader."""
    body = {**GOOD, "evidence": []}
    found = find_plain(BOOK, body, ANA)
    assert found is not None
    assert found == read(body)
