"""``remit policy new`` and ``fmt``: a first policy from five answers, and the look of files."""

import json
from pathlib import Path

import pytest

from service.policyfile.folder import read_folder
from service.policyfile.load import load_rulebook
from tests.cli.terminal import PASSING, remit, write_set

ANSWERED = (
    *("--name", "shop", "--currency", "EUR", "--timezone", "Europe/Vienna"),
    *("--roles", "clerk,owner", "--limit", "25.50"),
)


# ── new ───────────────────────────────────────────────────────────────────────────────


def test_what_options_answer_is_not_asked(tmp_path: Path) -> None:
    """With all five nothing is read, and what is written holds under every check."""
    folder = tmp_path / "made" / "shop"
    result = remit("policy", "new", folder, *ANSWERED)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "remit policy check" in result.stdout
    assert remit("policy", "check", folder, "--strict").exit_code == 0
    assert remit("policy", "test", folder, "--min", "100").exit_code == 0
    assert remit("policy", "fmt", folder, "--check").exit_code == 0


def test_five_questions_are_asked_until_each_is_answered_well(tmp_path: Path) -> None:
    """A bad answer is told why; an empty one takes what is proposed."""
    folder = tmp_path / "kiosk"
    answers = "not a name\n\nXXX\njpy\nAsia/Tokyo\nclerk\n5.5\n500\n"
    result = remit("policy", "new", folder, stdin=answers.encode())
    assert result.exit_code == 0, result.output
    rulebook = load_rulebook(read_folder(folder))
    assert (rulebook.name, rulebook.currency, rulebook.timezone) == ("kiosk", "JPY", "Asia/Tokyo")
    assert [grant.up_to for grant in rulebook.grants] == [500]
    assert "How much JPY may clerk give without asking?" in result.stderr
    for why in ("is not a name", "is no currency of ISO 4217", "Write an amount of JPY"):
        assert why in result.output


def test_a_bad_answer_by_an_option_is_wrong_usage(tmp_path: Path) -> None:
    """2, why, and nothing is written."""
    wrong = ["25.505" if it == "25.50" else it for it in ANSWERED]
    result = remit("policy", "new", tmp_path / "shop", *wrong)
    assert result.exit_code == 2
    assert "amount" in result.stderr
    assert not (tmp_path / "shop").exists()


def test_no_policy_is_overwritten(tmp_path: Path) -> None:
    """A folder with a policy in it is left as it is; others may hold what they like."""
    folder = write_set(tmp_path, PASSING)
    before = read_folder(folder)
    result = remit("policy", "new", folder, *ANSWERED)
    assert result.exit_code == 2
    assert "holds access.csv, shop.yaml, shop_test.yaml already" in result.stderr
    assert read_folder(folder) == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "README.md").write_text("ours\n", "utf-8")
    assert remit("policy", "new", tmp_path / "other", *ANSWERED).exit_code == 0
    assert remit("policy", "new", tmp_path / "shop.yaml", *ANSWERED).exit_code == 2


def test_the_files_that_were_written_as_json(tmp_path: Path) -> None:
    """A program that sets a folder up learns their names."""
    result = remit("policy", "new", tmp_path / "shop", *ANSWERED, "--format", "json")
    assert json.loads(result.stdout)["files"] == ["policy.yaml", "policy_test.yaml", "access.csv"]


# ── fmt ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    """A set whose policy could look better."""
    folder = write_set(tmp_path, PASSING)
    shop = folder / "shop.yaml"
    text = shop.read_text("utf-8").replace("resolutions:\n", "resolutions:   # all\n\n\n\n")
    shop.write_text(text, "utf-8")
    shop.chmod(0o640)
    return folder


def test_files_are_laid_out_and_say_the_same(untidy: Path) -> None:
    """The rules' digest stays, the comment too, permissions as well; again nothing changes."""
    before = load_rulebook(read_folder(untidy)).rules
    result = remit("policy", "fmt", untidy)
    assert result.exit_code == 0
    assert "shop.yaml is laid out anew." in result.stdout
    assert load_rulebook(read_folder(untidy)).rules == before
    assert "resolutions:  # all\n" in (untidy / "shop.yaml").read_text("utf-8")
    assert (untidy / "shop.yaml").stat().st_mode & 0o777 == 0o640
    assert [it.name for it in untidy.iterdir() if it.name.startswith(".")] == []
    assert remit("policy", "fmt", untidy).stdout.startswith("0 files changed")


def test_a_look_changes_nothing(untidy: Path) -> None:
    """--check names what would change and ends with 1."""
    before = read_folder(untidy)
    result = remit("policy", "fmt", untidy, "--check")
    assert result.exit_code == 1
    assert "shop.yaml would be laid out anew." in result.stdout
    assert read_folder(untidy) == before
    told = json.loads(remit("policy", "fmt", untidy, "--check", "--format", "json").stdout)
    assert (told["ok"], told["left_alone"]) == (False, [])
    assert "shop.yaml" in told["files"]


def test_a_set_that_does_not_load_is_mended_first(untidy: Path) -> None:
    """Its problems are told, and no file is touched."""
    shop = untidy / "shop.yaml"
    shop.write_text(shop.read_text("utf-8").replace("up_to: 20}", "upto: 20}"), "utf-8")
    before = read_folder(untidy)
    result = remit("policy", "fmt", untidy)
    assert result.exit_code == 1
    assert "[unknown_key]" in result.stderr
    assert read_folder(untidy) == before
