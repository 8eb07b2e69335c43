"""``remit policy diff``, ``explain``, ``exposure``, ``replay``: what is printed, and exit codes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service.cli.policysource import read_named
from tests.app.house import open_house, shop_files, shop_settings
from tests.app.test_decide import line, proposal
from tests.app.test_replay import PER_SITE, stream
from tests.cli.terminal import remit, write_set
from tests.databases import sqlite_url

__all__ = ["sqlite_url"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shop's set."""
    (tmp_path / "shop").mkdir()
    return write_set(tmp_path / "shop")


def changed(folder: Path, old: str, new: str) -> Path:
    """The set beside it, with one text replaced."""
    other = folder.parent / "next"
    other.mkdir(exist_ok=True)
    for path in folder.iterdir():
        text = path.read_text()
        assert path.suffix != ".yaml" or old in text
        (other / path.name).write_text(text.replace(old, new))
    return other


def told(*arguments: str | Path) -> Any:
    return json.loads(remit(*arguments, "--format", "json").stdout)


# ── diff ──


def test_a_diff_of_folders_is_printed(folder: Path) -> None:
    """Roles first, then what else differs; the exit code is 0 unless it is asked for."""
    other = changed(folder, "up_to: 20}", "up_to: 25}")
    result = remit("policy", "diff", folder, other)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:3] == [
        "clerk",
        "  + credit without note: up to 25.00 USD, was up to 20.00 USD",
        "      by small",
    ]
    assert remit("policy", "diff", folder, other, "--exit-code").exit_code == 1
    assert remit("policy", "diff", folder, folder, "--exit-code").exit_code == 0


def test_a_diff_has_json_and_markdown(folder: Path) -> None:
    """The same for programs, and for the pull request of a change."""
    other = changed(folder, "up_to: 20}", "up_to: 25}")
    found = told("policy", "diff", folder, other)
    assert {it["resolution"] for it in found["authority"]} == {"credit", "gift"}
    shown = remit("policy", "diff", folder, other, "--format", "markdown").stdout
    assert shown.startswith(f"### What {other} changes against {folder}\n")
    assert "| + | clerk | gift | up to 5 pieces | up to 4 pieces | everywhere |" in shown


def test_revisions_of_git_are_compared(folder: Path) -> None:
    """``REV:path`` and ``REV`` alone, from anywhere in the checkout, and without writing to it."""
    run = ["git", "-C", str(folder.parent), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run([*run, "init", "-q"], check=True)
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "-qm", "first"], check=True)
    shop = folder / "shop.yaml"
    shop.write_text(shop.read_text().replace("up_to: 20}", "up_to: 25}"))
    alone = remit("policy", "diff", "HEAD", folder).stdout
    assert "up to 25.00 USD, was up to 20.00 USD" in alone
    named = read_named("HEAD", None, folder)
    assert set(named.files) == {"shop.yaml", "access.csv"}
    assert b"up_to: 20}" in named.files["shop.yaml"]
    nowhere = remit("policy", "diff", "no-such-revision", folder)
    assert (nowhere.exit_code, nowhere.stderr[:9]) == (2, "git says:")


def test_published_versions_are_compared(tmp_path: Path, sqlite_url: str) -> None:
    """What is in force is read from the database, beside a service that runs."""
    with open_house(tmp_path, sqlite_url) as house:
        version = house.services.library.in_force().rulebook.version
        house.publish(("up_to: 100}", "up_to: 120}"))
        newer = house.services.library.in_force().rulebook.version
        found = told("policy", "diff", version, newer, "--database", sqlite_url)
        missing = remit("policy", "diff", "sha256:00", newer, "--database", sqlite_url)
    assert {it["direction"] for it in found["authority"]} == {"more"}
    assert missing.exit_code == 2
    assert missing.stderr == "No version sha256:00 was published in this database.\n"


def test_what_is_no_set_is_wrong_usage(folder: Path, tmp_path: Path) -> None:
    """A name that is nothing says what can be named; a set that does not load says why."""
    nothing = remit("policy", "diff", tmp_path / "a", tmp_path / "b")
    assert nothing.exit_code == 2
    assert "Name a folder, a revision and a path" in nothing.stderr
    broken = changed(folder, "up_to: 20}", "upto: 20}")
    result = remit("policy", "diff", folder, broken)
    assert result.exit_code == 1
    assert "unknown_key" in result.stderr


# ── explain ──


def test_a_request_is_explained_from_options(folder: Path) -> None:
    """The ladder, what would pass, and who can say yes."""
    arguments = ["--as", "ana", "--site", "main", "--propose", "credit", "--amount", "30"]
    facts = ["--fact", "customer.id=C-1", "--fact", "customer.tier=loyal"]
    result = remit("policy", "explain", folder, *arguments, *facts)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "credit of 30.00 USD at main, by ana (clerk): incomplete",
        "clerk",
        "  ✗ small   small lets clerk give up to 20.00 USD; this is worth 30.00 USD.",
        "  ? larger  larger needs note.",
        "Add note.",
        "What would pass unasked",
        "  credit of 30.00 USD with note (larger)",
        "  credit of 20.00 USD (small)",
        "  gift, 4 pieces, worth 20.00 USD (small)",
    ]


def test_a_request_is_explained_from_a_line(folder: Path) -> None:
    """The same line that is decided elsewhere, as JSON with its decision."""
    arguments = ("policy", "explain", folder, "-", "--format", "json")
    found = json.loads(remit(*arguments, stdin=line(proposal("30.00"))).stdout)
    assert found["decision"]["outcome"] == "incomplete"
    assert [it["kind"] for it in found["would_pass"]] == ["evidence", "amount", "resolution"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--as", "ana"], "Say who proposes and where"),
        (["--as", "ana", "--site", "main", "--propose", "credit"], "/amount"),
        (["--as", "ana", "--site", "main", "--fact", "x"], "--fact is a name and a value"),
        (["nothing.json"], "cannot be read"),
    ],
)
def test_what_cannot_be_explained_says_why(folder: Path, arguments: list[str], says: str) -> None:
    """Every fault has its place and its remedy, and the exit code is 2."""
    result = remit("policy", "explain", folder, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr


# ── exposure ──


def test_exposure_is_printed(folder: Path) -> None:
    """Each scope and role, with what ends it or what would."""
    shown = remit("policy", "exposure", folder).stdout.splitlines()
    at = shown.index("per agent and day")
    assert shown[at + 1 : at + 3] == [
        "  clerk at main: 60.00 USD",
        "      by larger, ended by day",
    ]
    found = told("policy", "exposure", folder)["exposures"]
    day = next(it for it in found if it["horizon"] == "day" and it["role"] == "clerk")
    assert (day["most"], day["unbounded"]) == ({"amount": "60.00", "currency": "USD"}, False)
    assert any(it["unbounded"] and "limit: …" in it["would_bound"] for it in found)


# ── replay ──


@pytest.fixture
def proposals(tmp_path: Path) -> Path:
    """Three days of two shops."""
    path = tmp_path / "proposals.jsonl"
    path.write_bytes(b"\n".join(stream()))
    return path


def test_a_file_is_replayed(folder: Path, proposals: Path) -> None:
    """Both sides beside each other, and the same under the same set."""
    other = changed(folder, "up_to: 20}", "up_to: 40}")
    arguments = ("policy", "replay", proposals, "--policies", folder, "--candidate")
    shown = remit(*arguments, other)
    assert shown.exit_code == 0
    assert "one process, since sites share budgets: day, often" in shown.stdout
    assert "→ approved by small" in shown.stdout
    found = told(*arguments, other)
    assert found["flipped"] > 0
    same = told(*arguments, folder)
    assert (same["flipped"], same["before"]) == (0, same["after"])


def test_sites_are_replayed_by_processes_of_their_own(tmp_path: Path, proposals: Path) -> None:
    """With every budget kept per site two processes come to what one comes to."""
    shop = tmp_path / "shop"
    shop.mkdir()
    write_set(shop)
    (shop / "shop.yaml").write_text(PER_SITE)
    other = changed(shop, "up_to: 20}", "up_to: 40}")
    arguments = ("policy", "replay", proposals, "--policies", shop, "--candidate", other)
    one = told(*arguments, "--processes", "1")
    two = told(*arguments, "--processes", "2")
    assert (one.pop("how"), two.pop("how")) == (
        "1 process, split by site",
        "2 processes, split by site",
    )
    assert one == two


def test_sites_of_a_log_are_replayed_by_processes_of_their_own(
    tmp_path: Path, sqlite_url: str
) -> None:
    """Also where budgets are shared, as long as no two sites shared a row; to the same report."""
    with open_house(tmp_path, sqlite_url) as house:
        for number in range(4):
            house.propose("ana", guest=f"G-{number}", amount="90.00")
            house.propose("vera", guest=f"H-{number}", amount="60.00", site="annex")
    other = tmp_path / "other"
    other.mkdir()
    for name, data in shop_files().items():
        (other / name).write_bytes(data.replace(b"up_to: 100}", b"up_to: 80}"))
    arguments = ("policy", "replay", "--database", sqlite_url, "--candidate", other)
    one = told(*arguments, "--processes", "1")
    two = told(*arguments, "--processes", "2")
    assert (one.pop("how"), two.pop("how")) == (
        "one process",
        "2 processes, split by site, since no two of them shared a row of: stay, often",
    )
    assert one == two
    assert one["flipped"] == 4


def test_the_log_of_a_database_is_replayed(tmp_path: Path, sqlite_url: str) -> None:
    """Against what it recorded, and in the window that is asked for."""
    with open_house(tmp_path, sqlite_url) as house:
        for amount in ("90.00", "90.00", "90.00", "60.00"):
            house.propose(amount=amount)
    other = tmp_path / "other"
    other.mkdir()
    for name, data in shop_files().items():
        (other / name).write_bytes(data.replace(b"limit: 300", b"limit: 400"))
    assert shop_settings(other, sqlite_url).is_embedded
    arguments = ("policy", "replay", "--database", sqlite_url, "--candidate", other)
    found = told(*arguments)
    assert found["how"] == "one process"  # nothing happened at another site
    assert found["against"] == "the log"
    assert (found["decisions"], found["flipped"]) == (
        4,
        0,
    )  # the count of three ends it all the same
    assert told(*arguments, "--until", "2001-01-01")["decisions"] == 0
    assert "No decision lies in this window." in remit(*arguments, "--since", "2999-01-01").stdout


def test_a_page_with_plots_is_written(folder: Path, proposals: Path, tmp_path: Path) -> None:
    """It is whole: nothing in it is loaded from anywhere, and nothing in it is run."""
    other = changed(folder, "up_to: 20}", "up_to: 40}")
    path = tmp_path / "replay.html"
    arguments = ("policy", "replay", proposals, "--policies", folder, "--candidate", other)
    assert remit(*arguments, "--html", path, "--flips", "5").exit_code == 0
    page = path.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<tr>") > 5
    assert 'class="ribbon to-approved"' in page
    for loads in ("<script", "src=", "@import", "url(", "http://", "https://"):
        assert loads not in page


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name what to compare with: --policies DIR"),
        (["--policies", "{folder}", "--since", "soon"], "soon is no day"),
        (["--policies", "{folder}", "--site", "moon"], "declares no site moon"),
    ],
)
def test_a_replay_that_cannot_be_made_says_why(
    folder: Path, proposals: Path, arguments: list[str], says: str
) -> None:
    """Wrong usage ends with 2 and a sentence."""
    given = [it.format(folder=folder) for it in arguments]
    result = remit("policy", "replay", proposals, "--candidate", folder, *given)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_file_that_is_not_there_is_wrong_usage(folder: Path, tmp_path: Path) -> None:
    """Its name and the reason are told."""
    nothing = tmp_path / "nothing.jsonl"
    arguments = ("policy", "replay", nothing, "--policies", folder, "--candidate", folder)
    result = remit(*arguments)
    assert result.exit_code == 2
    assert result.stderr == f"{nothing} cannot be read: No such file or directory.\n"
