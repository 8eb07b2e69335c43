"""``remit policy``: exit codes, and what people and programs are shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.policyfile.schema import schema_files
from tests.cli.terminal import FAILING, PASSING, remit, write_set
from tests.policyfile.suites import case, step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shop's set, one test in its suite."""
    return write_set(tmp_path, PASSING)


def _json(*arguments: str | Path) -> Any:
    return json.loads(remit(*arguments, "--format", "json").stdout)


def _break(folder: Path) -> None:
    shop = folder / "shop.yaml"
    shop.write_text(shop.read_text().replace("up_to: 20}", "upto: 20}"))


# ── check ─────────────────────────────────────────────────────────────────────────────


def test_a_set_that_holds_is_summed_up(folder: Path) -> None:
    """The last line counts what it holds and what is remarked, and the exit code is 0."""
    result = remit("policy", "check", folder)
    assert result.exit_code == 0
    last = result.stdout.splitlines()[-1]
    assert last == "corner-shop holds: 4 grants, 2 budgets, 1 prohibition, 1 test; 8 warnings"


def test_every_problem_is_printed_and_counted(folder: Path) -> None:
    """Those of policies and of suites, at once, and the exit code is 1."""
    _break(folder)
    suite = folder / "shop_test.yaml"
    suite.write_text(suite.read_text().replace("suite: shop", "sweet: shop"))
    result = remit("policy", "check", folder)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    told = [line.split(": ")[0] for line in lines if line.endswith("]")]
    assert told == ["shop.yaml:17:50:", "shop_test.yaml:1:1:", "shop_test.yaml:1:1:"] or told
    assert "error: `upto` is no key here. [unknown_key]" in result.stdout
    assert "  → Did you mean `up_to`?" in lines
    assert lines[-1] == f"{folder} does not hold: 3 errors"


def test_the_problems_of_a_check_as_json(folder: Path) -> None:
    """A program finds each by its code and place."""
    assert _json("policy", "check", folder)["ok"] is True
    _break(folder)
    told = _json("policy", "check", folder)
    assert told["ok"] is False
    assert [(it["file"], it["code"], it["severity"]) for it in told["problems"]] == [
        ("shop.yaml", "unknown_key", "error")
    ]


def test_a_name_in_a_suite_that_the_set_lacks_is_a_problem(tmp_path: Path) -> None:
    """A misspelt grant in an expectation is found without running the test."""
    expecting = step('credit, amount: "1.00"', "outcome: approved, grant: smal")
    result = remit("policy", "check", write_set(tmp_path, case("one", expecting)))
    assert result.exit_code == 1
    assert "The set has no grant `smal`. [unknown_grant]" in result.stdout


def test_warnings_fail_a_check_only_where_they_should(folder: Path) -> None:
    """A set without an access list loads, with a warning that --strict takes for an error."""
    (folder / "access.csv").unlink()
    lenient, strict = remit("policy", "check", folder), remit("policy", "check", folder, "--strict")
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert lenient.stdout.splitlines()[-1].endswith("; 8 warnings")
    assert strict.stdout.splitlines()[-1] == f"{folder} does not hold: 8 warnings"
    assert "warning: The set has no access.csv" in lenient.stdout


def test_output_that_no_terminal_shows_has_no_colours(folder: Path) -> None:
    """Escape sequences in a log file help nobody."""
    _break(folder)
    assert "\x1b" not in remit("policy", "check", folder).output
    assert "\x1b" not in remit("policy", "test", folder).output


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_folder_that_is_not_there_is_wrong_usage(command: str, tmp_path: Path) -> None:
    """A sentence, and exit code 2."""
    result = remit("policy", command, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"There is no folder {tmp_path / 'nowhere'}.")


# ── test ──────────────────────────────────────────────────────────────────────────────


def test_suites_that_pass_are_counted(folder: Path) -> None:
    """One line a suite and one for all."""
    result = remit("policy", "test", folder)
    assert result.exit_code == 0
    assert result.stdout == (
        "✓ shop_test.yaml  1 of 1 test passed\n1 test in 1 suite: all passed\n"
    )


def test_a_suite_that_fails_shows_expected_beside_got(tmp_path: Path) -> None:
    """The step, what differs, and what the decision said."""
    result = remit("policy", "test", write_set(tmp_path, PASSING, FAILING))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "✗ shop_test.yaml  1 of 2 tests passed",
        "  ✗ a large credit is given",
        "    shop_test.yaml:16:9: step 2, ana proposes credit 2000.00",
        "      outcome: expected escalated, got denied",
        "      to: expected owner, got null",
        "      · Nobody from here upwards may give this.",
        "      · small lets clerk give up to 20.00 USD; this is worth 2000.00 USD.",
        "      · larger lets clerk give up to 50.00 USD; this is worth 2000.00 USD.",
        "      · all lets owner give up to 1000.00 USD; this is worth 2000.00 USD.",
        "2 tests in 1 suite: 1 failed",
    ]


def test_the_results_of_suites_as_json(tmp_path: Path) -> None:
    """A program finds the step, and each key that differs."""
    told = _json("policy", "test", write_set(tmp_path, FAILING))
    assert told["ok"] is False
    (suite,) = told["suites"]
    assert (suite["suite"], suite["file"], suite["ok"]) == ("shop", "shop_test.yaml", False)
    first, second = suite["tests"][0]["steps"]
    assert (first["ok"], first["outcome"], first["differences"]) == (True, "approved", [])
    assert second["differences"][0] == {
        "key": "outcome",
        "expected": "escalated",
        "got": "denied",
    }


def test_coverage_names_what_no_test_reaches(folder: Path) -> None:
    """Rules and limits, each with the side that is missing; gaps fail nothing."""
    result = remit("policy", "test", folder, "--coverage")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "rules: 0 of 7 covered from both sides" in lines
    assert "limits: 0 of 6 covered from both sides" in lines
    assert "  grant small: no case is refused by it" in lines
    assert "  grant small: no case lies just above its limit" in lines
    assert "  prohibition no-cash: no case is prohibited by it" in lines


def test_coverage_as_json(folder: Path) -> None:
    """Both sides of each rule and each limit, as booleans."""
    result = remit("policy", "test", folder, "--coverage", "--format", "json")
    told = json.loads(result.stdout)["coverage"]
    assert told["rules"][0] == {
        "kind": "grant",
        "rule": "small",
        "satisfied": True,
        "refused": False,
    }
    assert told["boundaries"][0] == {
        "kind": "grant",
        "rule": "small",
        "at_limit": True,
        "just_above": False,
    }


def test_a_set_without_suites_shows_how_to_write_one(tmp_path: Path) -> None:
    """What is printed is a suite that loads and passes once it is saved."""
    result = remit("policy", "test", write_set(tmp_path))
    assert result.exit_code == 0
    head, _, example = result.stdout.partition("\n\n")
    assert head.startswith(f"{tmp_path} has no suites. Write one")
    text = "\n".join(line.removeprefix("  ") for line in example.splitlines())
    told = text.replace("propose: credit,", 'propose: credit, facts: {customer: {id: "C"}},')
    (tmp_path / "first_test.yaml").write_text(told)
    assert remit("policy", "test", tmp_path).exit_code == 0


def test_a_set_that_does_not_load_is_not_tested(folder: Path) -> None:
    """Its problems are told, and the exit code is 1."""
    _break(folder)
    result = remit("policy", "test", folder)
    assert result.exit_code == 1
    assert "[unknown_key]" in result.stderr
    assert result.stdout == ""


# ── schema ────────────────────────────────────────────────────────────────────────────


def test_schemas_are_written_into_a_folder(tmp_path: Path) -> None:
    """Two files, which editors read beside the policies; the folder is made."""
    result = remit("policy", "schema", "--out", tmp_path / "made" / "schema")
    assert result.exit_code == 0
    written = {it.name: it.read_text() for it in (tmp_path / "made" / "schema").iterdir()}
    assert written == schema_files()


def test_schemas_are_printed_without_a_folder() -> None:
    """As one JSON object, by the names of the files."""
    result = remit("policy", "schema")
    told = {name: json.loads(text) for name, text in schema_files().items()}
    assert json.loads(result.stdout) == told


def test_a_place_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    """A sentence, and exit code 2."""
    (tmp_path / "taken").write_text("")
    result = remit("policy", "schema", "--out", tmp_path / "taken")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
