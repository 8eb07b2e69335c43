"""Delegations: half-open, bounded, never in a circle, whatever set of them there is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.delegation import (
    CHAIN_MAX,
    GIVEN_MAX,
    MANDATES_MAX,
    RECEIVED_MAX,
    Clash,
    Delegation,
    Mandate,
    find_clash,
    mandates,
    people_in,
    voice,
)
from tests.core.books import book

NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
PEOPLE: Final = ("ana", "ben", "max", "mia", "gus")


LADDER: Final = """
remit: 1
name: shop
currency: USD
timezone: America/New_York
roles: {clerk: {reports_to: manager}, manager: {reports_to: owner}, owner: {}}
resolutions: {credit: {}}
"""
BOOK: Final = book("grants: [{id: more, role: owner, may: any}]", base=LADDER)


def one(delegator: str, delegate: str, **fields: Any) -> Delegation:
    made = Delegation(
        id=f"del_{delegator}_{delegate}",
        delegator=delegator,
        delegate=delegate,
        site=None,
        role=None,
        starts_at=NOON,
        ends_at=NOON + 7 * DAY,
        created_by=delegator,
        created_at=NOON,
    )
    return replace(made, **fields)


def ways(
    delegations: Sequence[Delegation],
    person: str,
    held: Mapping[str, tuple[str, ...]] | None = None,
    at: datetime = NOON,
    site: str = "main",
) -> tuple[Mandate, ...]:
    known = held or dict.fromkeys(PEOPLE, ("manager",))
    return mandates(
        delegations,
        rulebook=BOOK,
        person=person,
        site=site,
        at=at,
        roles_of=lambda other: known.get(other, ()),
    )


def through(delegations: Sequence[Delegation], person: str, **more: Any) -> list[str]:
    return [voice(person, way.through) for way in ways(delegations, person, **more)]


# ── When it holds ──


def test_it_holds_from_its_first_instant_and_not_at_its_last() -> None:
    """The beginning belongs to it and the end does not, to the microsecond."""
    tick = timedelta(microseconds=1)
    week = [one("max", "mia")]
    assert through(week, "mia", at=NOON - tick) == []
    assert through(week, "mia", at=NOON) == ["mia for max"]
    assert through(week, "mia", at=NOON + 7 * DAY - tick) == ["mia for max"]
    assert through(week, "mia", at=NOON + 7 * DAY) == []


def test_a_revoked_one_ends_when_it_was_revoked() -> None:
    """Until that instant it held, and what was answered by it stands."""
    ended = one("max", "mia", revoked_at=NOON + DAY, revoked_by="max")
    assert ended.over_at == NOON + DAY
    assert through([ended], "mia", at=NOON + DAY) == []
    assert through([ended], "mia", at=NOON) == ["mia for max"]
    late = replace(ended, revoked_at=NOON + 30 * DAY)
    assert late.over_at == late.ends_at


def test_it_holds_at_its_site_alone() -> None:
    """Without a site it holds everywhere."""
    assert through([one("max", "mia", site="annex")], "mia") == []
    assert through([one("max", "mia", site="annex")], "mia", site="annex") == ["mia for max"]
    assert through([one("max", "mia")], "mia", site="annex") == ["mia for max"]


@given(
    starts=st.integers(0, 20),
    lasts=st.integers(1, 20),
    asked=st.integers(-5, 45),
)
def test_the_window_is_half_open(starts: int, lasts: int, asked: int) -> None:
    """An instant belongs to a delegation exactly where it lies from its start up to its end."""
    tick = timedelta(microseconds=1)
    window = one(
        "max", "mia", starts_at=NOON + starts * tick, ends_at=NOON + (starts + lasts) * tick
    )
    assert window.holds(NOON + asked * tick, "main") is (starts <= asked < starts + lasts)


# ── What it gives ──


def test_a_role_narrows_what_is_passed_on() -> None:
    """Only a role in the delegator's reach is passed on, and nothing but it."""
    held = {"max": ("manager",), "gus": ("owner",)}
    assert ways([one("gus", "mia", role="manager")], "mia", held)[0].roles == ("manager",)
    assert ways([one("max", "mia", role="owner")], "mia", held) == ()
    assert ways([one("max", "mia")], "mia", held)[0].roles == ("manager",)


def test_a_chain_passes_on_what_every_link_lets_through() -> None:
    """The last of the chain has what the narrowest delegation in it leaves."""
    held = {"gus": ("owner",), "max": ("manager",)}
    chain = [one("gus", "max", role="manager"), one("max", "mia")]
    told = {voice("mia", way.through): way.roles for way in ways(chain, "mia", held)}
    assert told == {"mia for max": ("manager",), "mia for max for gus": ("manager",)}
    narrow = [one("gus", "max", role="clerk"), one("max", "mia", role="manager")]
    assert through(narrow, "mia", held=held) == ["mia for max"]


def test_overlapping_ones_all_count() -> None:
    """Somebody may stand in for several at once, and two may stand in for one."""
    both = [one("max", "mia"), one("gus", "mia"), one("max", "ben")]
    assert through(both, "mia") == ["mia for gus", "mia for max"]
    assert through(both, "ben") == ["ben for max"]


def test_a_chain_has_an_end() -> None:
    """Three delegations may follow each other, and the fourth gives nothing."""
    row = [one(a, b) for a, b in pairwise(PEOPLE)]
    assert through(row, "mia")[-1] == "mia for max for ben for ana"
    assert [way for way in through(row, "gus") if "ana" in way] == []


def test_a_mandate_ends_with_the_first_link_that_does() -> None:
    """Whoever looks sees beforehand until when they may act."""
    chain = [one("gus", "max", ends_at=NOON + DAY), one("max", "mia")]
    assert [way.until for way in ways(chain, "mia")] == [NOON + 7 * DAY, NOON + DAY]


def test_what_somebody_arranged_between_others_gives_them_nothing() -> None:
    """Who manages delegations cannot come by another's authority in a roundabout way."""
    arranged = [one("gus", "max", created_by="mia"), one("max", "mia")]
    assert through(arranged, "mia") == ["mia for max"]
    assert through(arranged, "max") == ["max for gus"]
    assert ways(arranged, "max")[0].arranged_by == {"mia"}


@given(
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
        max_size=14,
    )
)
def test_any_set_of_delegations_is_safe(drawn: list[tuple[str, str, str]]) -> None:
    """However they came to be, chains are bounded, meet nobody twice, and exist link by link."""
    made = [
        one(a, b, id=f"del_{number}", created_by=c)
        for number, (a, b, c) in enumerate(drawn)
        if a != b
    ]
    links = {(link.delegator, link.delegate) for link in made}
    for person in PEOPLE:
        found = ways(made, person)
        assert len({way.delegations for way in found}) == len(found) <= MANDATES_MAX
        for way in found:
            met = (person, *way.through)
            assert 2 <= len(met) == len(set(met)) <= CHAIN_MAX + 1
            assert all((a, b) in links for b, a in pairwise(met))


def test_many_ways_are_bounded() -> None:
    """A crowd that delegates to each other does not hold anybody up."""
    crowd = [f"p{number}" for number in range(30)]
    made = [one(a, b) for a in crowd for b in crowd if a != b]
    held = dict.fromkeys(crowd, ("manager",))
    found = ways(made, "p0", held)
    assert len(found) == MANDATES_MAX
    assert len(found[0].through) == 1


# ── What is refused when it is made ──


def test_a_circle_is_refused() -> None:
    """Directly, and over others."""
    assert find_clash([one("mia", "max")], one("max", "mia")) is Clash.CIRCLE
    row = [one("mia", "gus"), one("gus", "max")]
    assert find_clash(row, one("max", "mia")) is Clash.CIRCLE


def test_what_never_holds_together_is_no_circle() -> None:
    """One week the one stands in, the next week the other; or each at a site of their own."""
    week = one("mia", "max")
    following = one("max", "mia", starts_at=NOON + 7 * DAY, ends_at=NOON + 14 * DAY)
    assert find_clash([week], following) is None
    assert find_clash([week], replace(following, starts_at=NOON + 6 * DAY)) is Clash.CIRCLE
    here, there = replace(week, site="main"), one("max", "mia", site="annex")
    assert find_clash([here], there) is None
    assert find_clash([here], replace(there, site=None)) is Clash.CIRCLE


@pytest.mark.parametrize("place", range(CHAIN_MAX + 1))
def test_a_chain_that_would_be_too_long_is_refused_wherever_the_link_goes(place: int) -> None:
    """In front, in between, and at the end; one shorter is taken."""
    row = [one(a, b) for a, b in pairwise(PEOPLE)]
    new = row.pop(place)
    assert len(row) == CHAIN_MAX
    assert find_clash(row, new) is Clash.TOO_LONG
    shorter = row[1:] if place else row[:-1]
    assert find_clash(shorter, new) is None


def test_one_person_gives_and_receives_a_bounded_number() -> None:
    """Those that are over do not count."""
    given_out = [one("max", f"p{number}") for number in range(GIVEN_MAX)]
    assert find_clash(given_out, one("max", "mia")) is Clash.TOO_MANY
    assert find_clash(given_out[1:], one("max", "mia")) is None
    taken = [one(f"p{number}", "mia") for number in range(RECEIVED_MAX)]
    assert find_clash(taken, one("max", "mia")) is Clash.TOO_MANY
    later = one("max", "mia", starts_at=NOON + 8 * DAY, ends_at=NOON + 9 * DAY)
    assert find_clash(given_out, later) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.integers(0, 4)),
        max_size=12,
    )
)
def test_what_is_taken_one_by_one_never_leads_in_a_circle(
    drawn: list[tuple[str, str, int]],
) -> None:
    """At no instant does a chain of what was taken come back, or grow too long."""
    taken: list[Delegation] = []
    for number, (a, b, day) in enumerate(drawn):
        starts_at = NOON + day * DAY
        new = one(a, b, id=f"del_{number}", starts_at=starts_at, ends_at=starts_at + 2 * DAY)
        if a != b and find_clash(taken, new) is None:
            taken.append(new)
    for hour in range(0, 24 * 7, 12):
        at = NOON + timedelta(hours=hour)
        edges = [(it.delegator, it.delegate) for it in taken if it.holds(at, "main")]
        assert all(longest(edges, person) <= CHAIN_MAX for person in PEOPLE)


def longest(edges: list[tuple[str, str]], person: str, seen: tuple[str, ...] = ()) -> int:
    """The longest walk from somebody; one that comes back counts as endless."""
    if person in seen:
        return CHAIN_MAX + 1
    walks = [longest(edges, b, (*seen, person)) + 1 for a, b in edges if a == person]
    return max(walks, default=0)


# ── How it is told ──


def test_a_voice_names_everybody_whose_say_it_is() -> None:
    """Who answered comes first, and whose authority it was comes last."""
    assert voice("mia") == "mia"
    assert voice("mia", ("max", "gus")) == "mia for max for gus"
    assert people_in("mia for max for gus") == {"mia", "max", "gus"}
