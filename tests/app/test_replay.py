"""A replay under the same rules changes nothing; under others it changes what they say."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.app.decide import Decider
from service.app.replay import Replay, Window
from service.app.replaycase import Asked
from service.app.replaylines import Lines, part_of
from service.app.replayreport import report_of
from service.app.replaytally import Tally
from service.app.replaywork import Share, begins, replay_lines, why_not_split
from service.core.factvalue import parse_timestamp
from service.core.rulebook import Rulebook
from service.policyfile.load import load_rulebook
from tests import strategies
from tests.app.test_decide import line, proposal
from tests.core.test_evaluate_oracle import request_of
from tests.oracle.writing import policy_files
from tests.policyfile.differing import pairs
from tests.policyfile.suites import POLICY

steadily = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LOOSER = POLICY.replace("up_to: 20", "up_to: 40").replace("limit: 60", "limit: 90")


def book(policy: str = POLICY) -> Rulebook:
    return load_rulebook({"shop.yaml": policy.encode()})


def stream() -> list[bytes]:
    """Three days of two shops: small and large credits, gifts, what is refused, what is broken."""
    amounts = ("15.00", "19.99", "20.01", "35.00", "45.00", "900.00", "5000.00", "1.001")
    found: list[bytes] = []
    for number in range(160):
        body = proposal(amounts[number % len(amounts)])
        body["facts"]["customer"]["id"] = f"C-{number % 37}"
        body["site"] = ("main", "annex")[number % 2]
        if number % 3 == 0:
            body["note"] = "late"
        if number % 11 == 0:
            body |= {"resolution": "cash"}
        agent = {"id": f"a{number % 5}", "roles": [("clerk", "owner")[number % 13 == 0]]}
        found.append(line(body, at=f"2026-03-0{1 + number // 60}T{number % 24:02}:00:00Z", **agent))
    return [*found, b"{", b"", line(at="2026-03-04T00:00:00Z", roles=["nobody"])]


def replayed(
    lines: Iterable[bytes],
    candidate: Rulebook,
    baseline: Rulebook,
    window: Window = Window(),  # noqa: B008 - it cannot change
) -> Tally:
    run = Replay(candidate, baseline, window=window, tally=Tally(flips_max=10_000))
    for event in Lines((baseline, candidate)).events(lines):
        run.take(event)
    return run.finish()


def outcomes(rulebook: Rulebook, lines: Iterable[bytes]) -> list[str]:
    answers = (json.loads(it) for it in Decider(rulebook).answers(lines))
    return [it.get("outcome", "refused") for it in answers]


def test_the_same_rules_change_nothing() -> None:
    """Both sides are the same in every number, and no decision is listed."""
    tally = replayed(stream(), book(), book())
    assert (tally.flipped, tally.flips) == (0, [])
    assert tally.before == tally.after
    assert {one for one, other in tally.moves if one != other} == set()


@steadily
@given(st.data())
def test_random_sets_replayed_under_themselves_change_nothing(data: st.DataObject) -> None:
    """Whatever the set and the stream, a set agrees with itself, budgets and all."""
    policy = data.draw(strategies.policies())
    files = policy_files(policy)
    run = Replay(load_rulebook(files), load_rulebook(files))
    for number, (at, asked) in enumerate(data.draw(strategies.streams(policy))):
        run.take(Asked(f"{number}", at, asked["site"], partial(request_of, asked)))
    tally = run.finish()
    assert tally.flipped == 0
    assert tally.before == tally.after


def test_both_sides_are_what_is_decided_line_by_line() -> None:
    """A replay agrees with deciding the same stream under either set, line by line."""
    lines = stream()
    before, after = outcomes(book(), lines), outcomes(book(LOOSER), lines)
    tally = replayed(lines, book(LOOSER), book())
    assert tally.before.outcomes == Counter(before)
    assert tally.after.outcomes == Counter(after)
    numbers = [number for number, text in enumerate(lines, start=1) if text]
    flipped = {
        f"line {number}": (one, other)
        for number, one, other in zip(numbers, before, after, strict=True)
        if one != other
    }
    assert flipped
    assert {it.id: (it.before.outcome, it.after.outcome) for it in tally.flips} == flipped


@steadily
@given(st.data())
def test_random_pairs_agree_with_deciding_one_after_the_other(data: st.DataObject) -> None:
    """Each side of a replay is what that set decides of the stream by itself."""
    pair = data.draw(pairs())
    books = [load_rulebook(policy_files(policy)) for policy in pair]
    events = [
        Asked(f"{number}", at, asked["site"], partial(request_of, asked))
        for number, (at, asked) in enumerate(data.draw(strategies.streams(pair[0])))
    ]
    both = Replay(books[1], books[0])
    alone = [Replay(one, one) for one in books]
    for event in events:
        for run in (both, *alone):
            run.take(event)
    tally = both.finish()
    assert tally.before == alone[0].finish().before
    assert tally.after == alone[1].finish().after


def test_what_is_saved_and_what_it_costs_is_told() -> None:
    """Money, escalations and hours on both sides, and the rule that made the difference."""
    escalation = "escalation: {owner: {answer_within: 4h}}\n"
    before, after = book(POLICY + escalation), book(LOOSER + escalation)
    report = report_of(replayed(stream(), after, before), after, before, how="one process")
    assert report["change"]["escalations"] == 46 - 44
    assert float(report["after"]["money"]) > float(report["before"]["money"])
    assert report["before"]["waiting_hours"] == 4 * report["before"]["escalated"]
    assert report["change"]["waiting_hours"] == 4 * report["change"]["escalations"]
    small = next(row for row in report["rules"] if row["rule"] == "small")
    assert small["after"]["approved"] > small["before"]["approved"]
    assert sum(it["count"] for it in report["moves"]) == report["decisions"] == 162
    months = {row["month"]: row for row in report["months"]}
    assert set(months) == {"2026-03"}
    assert months["2026-03"]["after"]["money"] == report["after"]["money_unasked"]


def test_escalations_without_deadline_have_no_hours() -> None:
    """Where neither an answer nor a time to answer is known, it is said and not made up."""
    report = report_of(replayed(stream(), book(), book()), book(), book(), how="one process")
    assert report["before"]["waiting_hours"] == 0
    assert report["before"]["waiting_unknown"] == report["before"]["escalated"] > 0


def test_only_the_window_is_reported_and_all_of_it_is_decided() -> None:
    """What lies before spends the budgets of both sides alike; what lies after says nothing."""
    day = parse_timestamp("2026-03-02T00:00:00Z"), parse_timestamp("2026-03-03T00:00:00Z")
    tally = replayed(stream(), book(), book(), Window(since=day[0], until=day[1], site="main"))
    whole = replayed(stream(), book(), book())
    assert 0 < tally.decisions < whole.decisions
    assert tally.flipped == 0
    assert set(tally.sites) == {"main"}
    assert set(tally.months) == {"2026-03"}


def test_the_candidate_begins_with_what_was_spent_before() -> None:
    """A customer who had two credits before has none left under the same count."""
    lines = [line(at=f"2026-03-0{day}T12:00:00Z", id=f"a{day}") for day in (1, 2, 3)]
    since = Window(since=parse_timestamp("2026-03-03T00:00:00Z"))
    tally = replayed(lines, book(), book(), since)
    assert (tally.decisions, tally.after.outcomes) == (1, Counter({"escalated": 1}))


PER_SITE = POLICY.replace("per: [agent.id]", "per: [agent.id, site.id]").replace(
    "per: [customer.id]", "per: [customer.id, site.id]"
)


def test_sites_apart_come_to_the_same_as_together(tmp_path: Path) -> None:
    """Where budgets are kept per site, parts of the stream add up to the whole of it."""
    path = tmp_path / "stream.jsonl"
    path.write_bytes(b"\n".join(stream()))
    looser = PER_SITE.replace("up_to: 20", "up_to: 40")
    files = [{"shop.yaml": text.encode()} for text in (looser, PER_SITE)]
    assert why_not_split([load_rulebook(it) for it in files]) is None
    shares = [
        Share(candidate=files[0], baseline=files[1], window=Window(), part=part, parts=parts)
        for parts in (1, 3)
        for part in range(parts)
    ]
    told: list[int] = []
    whole, *apart = [replay_lines(share, path, told.append) for share in shares]
    together = Tally()
    for one in apart:
        together.add(one)
    assert sum(told) == 4 * path.stat().st_size
    assert _told(together, load_rulebook(files[0])) == _told(whole, load_rulebook(files[0]))


def _told(tally: Tally, rulebook: Rulebook) -> dict[str, Any]:
    return report_of(tally, rulebook, rulebook, how="")


def test_budgets_that_sites_share_keep_them_together() -> None:
    """One process then, and the budgets are named."""
    assert why_not_split([book()]) == "one process, since sites share budgets: day, often"


def test_a_part_is_the_sites_own_for_ever() -> None:
    """The same site is decided by the same part, and every part is some site's."""
    sites = [f"site-{number}" for number in range(60)]
    assert {part_of(site, 4) for site in sites} == {0, 1, 2, 3}
    assert part_of("vienna", 4) == part_of("vienna", 4)


def test_flips_are_bounded_to_the_most_valuable() -> None:
    """As many are listed as are asked for; all are counted."""
    every = replayed(stream(), book(LOOSER), book())
    few = Tally(flips_max=3)
    few.add(every)
    assert few.flipped == every.flipped > 3
    largest = sorted((it.value_minor for it in every.flips), reverse=True)[:3]
    assert sorted((it.value_minor for it in few.flips), reverse=True) == largest


@pytest.mark.parametrize(
    ("budget", "days"),
    [
        ("limit: 60, per: [agent.id], every: day", 2),
        ("limit: 60, per: [agent.id], within: 400d", 400),
        ("limit: 60, per: [agent.id]", None),
    ],
)
def test_the_log_is_read_from_where_money_may_still_count(budget: str, days: int | None) -> None:
    """As long before as the longest window lasts; from the beginning where one never ends."""
    rules = POLICY.split("budgets:", 1)[0] + f"budgets:\n  - {{id: b, {budget}}}\n"
    since = parse_timestamp("2026-03-01T00:00:00Z")
    assert since is not None
    found = begins([book(rules)], since)
    assert (None if found is None else (since - found).days) == days
    assert begins([book(rules)], None) is None
