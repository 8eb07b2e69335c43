"""Sites are replayed apart where no budget holds them together, and come to the same."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.app.entryports import EntryFilter
from service.app.replay import Window
from service.app.replaygroups import Bonds, Division, divide
from service.app.replayreport import report_of
from service.app.replaytally import Tally
from service.app.replaywork import ReplayFailed, Share, Stream, log_of, replay_log
from service.bootstrap import open_services, replay_parts
from service.policyfile.load import load_rulebook
from tests.app.house import ACCESS, POLICY, House, shop_files, shop_settings, write_shop

SITES = ("main", "annex", "harbour", "hill", "mill")
PLACES = POLICY.replace("  main: {}\n", "  main: {}\n  harbour: {}\n  hill: {}\n  mill: {}\n")
APART = PLACES.replace("per: [guest.id, stay.id]", "per: [guest.id, stay.id, site.id]").replace(
    "per: [guest.id], within", "per: [guest.id, site.id], within"
)
LOOSER = ("may: [credit, night, upgrade], up_to: 100", "may: [credit, night, upgrade], up_to: 150")
STAFF = f"{ACCESS}g, nina, clerk, *\n"


def filled(house: House) -> None:
    """Three months at five places: guests of two of them meet, those of the others never."""
    amounts = ("20.00", "90.00", "110.00", "180.00", "260.00", "600.00")
    for number in range(60):
        site = SITES[number % len(SITES)]
        guest = "both" if site in {"harbour", "hill"} else f"of {site}"
        told = house.propose(
            "nina" if number % 7 else "grace",
            guest=f"{guest} {number % 3}",
            site=site,
            amount=amounts[number % len(amounts)],
        )
        if told["outcome"] == "escalated" and number % 2:
            house.answer("gus", told["escalation"]["id"], "approve")


@pytest.fixture
def places(tmp_path: Path, database_url: str) -> Iterator[House]:
    """Five places that share the budgets of their guests, on each database in turn."""
    yield from opened(tmp_path, database_url, PLACES)


def opened(folder: Path, url: str, policy: str) -> Iterator[House]:
    shop = write_shop(folder / "shop", shop_files(policy, STAFF))
    with open_services(shop_settings(shop, url)) as services:
        house = House(services, folder)
        filled(house)
        yield house


def changed(policy: str, *changes: tuple[str, str]) -> dict[str, bytes]:
    for old, new in changes:
        assert old in policy
        policy = policy.replace(old, new)
    return shop_files(policy, STAFF)


def divided(
    house: House,
    files: Sequence[dict[str, bytes]],
    processes: int,
    window: Window = Window(),  # noqa: B008 - it cannot change
) -> Division:
    books = tuple(load_rulebook(it) for it in files)
    log = log_of(house.services.store, books, window)
    with house.services.store.read() as reader:
        sizes = reader.entries.count_by_site(EntryFilter(since=log.since, until=log.until))
    return divide(log, books, processes, sizes)


def apart(house: House, files: dict[str, bytes], division: Division, window: Window) -> Tally:
    """Part after part, added up."""
    whole = Tally(flips_max=1_000)
    for sites in division.parts:
        share = Share(candidate=files, baseline=None, window=window, flips_max=1_000, sites=sites)
        whole.add(replay_log(share, house.services.store, lambda _: None))
    return whole


def together(house: House, files: dict[str, bytes], window: Window) -> Tally:
    share = Share(candidate=files, baseline=None, window=window, flips_max=1_000)
    return replay_log(share, house.services.store, lambda _: None)


def told(tally: Tally, files: dict[str, bytes]) -> dict[str, Any]:
    return report_of(tally, load_rulebook(files), None, how="")


def test_sites_that_share_a_row_stay_together(places: House) -> None:
    """Those whose guests met are one part, on both databases, and it is said why."""
    division = divided(places, [changed(PLACES)], 4)
    assert len(division.parts) == 4
    assert frozenset({"harbour", "hill"}) in division.parts
    assert division.how == (
        "4 processes, split by site; 2 sites stay together, since they share budgets: stay, often"
    )


def test_parts_come_to_what_one_process_comes_to(places: House) -> None:
    """Every number, every flip, and their order, over all of it and over a window."""
    files = changed(PLACES, LOOSER)
    middle = places.entries(kind="decision")[30].at
    for window in (Window(), Window(site="hill"), Window(since=middle), Window(until=middle)):
        whole = together(places, files, window)
        for processes in (2, 3, 4):
            division = divided(places, [files], processes, window)
            assert len(division.parts) == processes
            parts = apart(places, files, division, window)
            assert told(parts, files) == told(whole, files)
            assert parts.flips_max == whole.flips_max
    assert together(places, files, Window()).flipped > 0


def test_processes_of_their_own_come_to_it_too(tmp_path: Path, sqlite_url: str) -> None:
    """Over the database that a service has open, and each tells how far it is."""
    for house in opened(tmp_path, sqlite_url, PLACES):
        files = changed(PLACES, LOOSER)
        division = divided(house, [files], 2)
        shares = [
            Share(candidate=files, baseline=None, window=Window(), flips_max=1_000, sites=sites)
            for sites in division.parts
        ]
        done: list[int] = []
        parts = replay_parts(shares, Stream(database=sqlite_url), done.append)
        assert told(parts, files) == told(together(house, files, Window()), files)
        with house.services.store.read() as reader:
            sizes = reader.entries.count_by_site(EntryFilter())
        assert sum(done) == sum(sizes.values())


def test_a_budget_that_only_the_candidate_has_holds_them_too(places: House) -> None:
    """A new cap per agent joins every place where an agent was."""
    per_agent = ("budgets:\n", "budgets:\n  - {id: mine, limit: 900, per: [agent.id]}\n")
    files = changed(PLACES, per_agent)
    division = divided(places, [files], 4)
    assert division.parts == (frozenset(SITES),)
    assert division.how == "one process, since sites share budgets: mine, stay, often"


def test_a_budget_that_only_the_log_had_holds_them_too(places: House) -> None:
    """The order in which its rows changed is the order of decisions, candidate or not."""
    division = divided(places, [changed(APART)], 4)
    assert frozenset({"harbour", "hill"}) in division.parts
    assert division.how.endswith("since they share budgets: stay, often")


def test_places_of_their_own_are_not_read_twice(tmp_path: Path, sqlite_url: str) -> None:
    """With every budget per site nothing has to be found out, and all are apart."""
    for house in opened(tmp_path, sqlite_url, APART):
        division = divided(house, [changed(APART)], 8)
        assert division.how == "5 processes, split by site"
        assert set(division.parts) == {frozenset({site}) for site in SITES}


def test_rows_that_nobody_shared_keep_nobody_together(tmp_path: Path, sqlite_url: str) -> None:
    """A cap per guest is no bond between places whose guests never met."""
    shop = write_shop(tmp_path / "shop", shop_files(PLACES))
    with open_services(shop_settings(shop, sqlite_url)) as services:
        house = House(services, tmp_path)
        for site in ("main", "hill"):
            house.propose("grace", guest=f"of {site}", site=site)
        division = divided(house, [changed(PLACES)], 2)
    assert division.how == (
        "2 processes, split by site, since no two of them shared a row of: stay, often"
    )


@pytest.mark.parametrize("processes", [1, 4])
def test_an_empty_log_takes_one_process(tmp_path: Path, sqlite_url: str, processes: int) -> None:
    """And one is enough where one is asked for."""
    shop = write_shop(tmp_path / "shop", shop_files(PLACES))
    with open_services(shop_settings(shop, sqlite_url)) as services:
        division = divided(House(services, tmp_path), [changed(PLACES)], processes)
    assert (division.parts, division.how) == ((frozenset(),), "one process")


def test_one_process_is_one_process(places: House) -> None:
    """Whoever asks for no more gets no more, and nothing is read beforehand."""
    assert divided(places, [changed(PLACES)], 1) == Division(
        parts=(frozenset(SITES),), how="one process"
    )


def test_a_process_that_is_killed_is_told(tmp_path: Path, sqlite_url: str) -> None:
    """Nothing is waited for that never comes, and the other part is ended too."""
    for house in opened(tmp_path, sqlite_url, PLACES):
        files = changed(PLACES)
        whole = house.services.settings.database
        share = Share(candidate=files, baseline=None, window=Window())
        with pytest.raises(ReplayFailed, match="was ended"):
            replay_parts([share, share], Stream(database=whole), killing_children())
        assert children() == []


def test_a_process_that_fails_says_what_and_no_more(tmp_path: Path) -> None:
    """The kind of failure, without its text, which may repeat what somebody sent."""
    share = Share(candidate={"shop.yaml": b"remit: 1"}, baseline=None, window=Window())
    with pytest.raises(ReplayFailed, match=r"failed: PolicyErrors$"):
        replay_parts([share], Stream(path=tmp_path / "none.jsonl"), lambda _: None)


def children() -> list[int]:
    """The processes that this one has started and that still run."""
    import multiprocessing  # noqa: PLC0415 - only here

    return [it.pid for it in multiprocessing.active_children() if it.pid is not None]


def killing_children() -> Callable[[int], None]:
    """At the first word of either, an end to the other."""

    def kill(_: int) -> None:
        for pid in children():
            os.kill(pid, signal.SIGKILL)

    return kill


# ── Bonds by themselves ──


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcdef"))))
def test_groups_are_what_keys_connect(uses: list[tuple[int, str]]) -> None:
    """The same as walking from site to site over shared keys until nothing is new."""
    bonds = Bonds("abcdef")
    for key, site in uses:
        bonds.hold(key, site)
    found = {site: {site} for site in "abcdef"}
    for _ in range(6):
        for key, site in uses:
            for other_key, other in uses:
                if key == other_key:
                    found[site] |= found[other]
    assert set(bonds.groups()) == {frozenset(group) for group in found.values()}
    assert bonds.is_one is (len(bonds.groups()) == 1)


def test_too_many_keys_hold_everybody() -> None:
    """Memory is bounded: who cannot be told apart stays together."""
    bonds = Bonds("abc", keys_max=9)
    for key in range(9):
        bonds.hold(key, "a")
    assert not bonds.is_one
    bonds.hold(9, "a")
    assert bonds.is_one
