"""``remit policy check``: what people, programs, code scanning and build servers are shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.policyfile.lintcodes import LINTS
from service.policyfile.lintproof import is_installed
from tests.cli.terminal import remit

ROOT = Path(__file__).parents[2]

ODD = """\
remit: 1
name: odd, shop
currency: USD
timezone: UTC
roles: {clerk: {}}
facts: {order.code: {type: text}}
resolutions: {credit: {}}
grants:
  - {id: small, role: clerk, may: [credit], up_to: 20}
"""
UNDECIDED = ODD.replace(
    "up_to: 20}", "up_to: 20, when: 'order.code.matches(\"^A[0-9]+$\") && order.code.size() < 2'}"
)


def write(folder: Path, policy: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(policy.replace("odd, shop", "odd-shop"), "utf-8")
    (folder / "access.csv").write_text("# nobody\n", "utf-8")
    return folder


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A set that loads, with three warnings."""
    return write(tmp_path / "a b", ODD)


def told(form: str, folder: Path) -> Any:
    return json.loads(remit("policy", "check", folder, "--format", form).stdout)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
@pytest.mark.parametrize(
    ("policy", "flags", "code"),
    [
        (ODD, (), 0),
        (ODD, ("--strict",), 1),
        (ODD.replace("up_to: 20", "upto: 20"), (), 1),
        (UNDECIDED, (), 0),
    ],
)
def test_the_exit_code_is_the_same_in_every_form(
    form: str, policy: str, flags: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    """0 where it holds, 1 where it does not; warnings count with --strict."""
    folder = write(tmp_path, policy)
    assert remit("policy", "check", folder, "--format", form, *flags).exit_code == code


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
def test_a_folder_that_is_not_there_is_wrong_usage_in_every_form(form: str, tmp_path: Path) -> None:
    """2, and nothing on standard output that a program could take for a result."""
    result = remit("policy", "check", tmp_path / "nowhere", "--format", form)
    assert (result.exit_code, result.stdout) == (2, "")


def test_each_problem_leads_to_where_it_is_explained(odd: Path) -> None:
    """In JSON a code comes with the page and the heading that explain it."""
    problems = told("json", odd)["problems"]
    assert {it["code"]: it["docs"] for it in problems} == {
        code: f"docs/managing-policy.md#{code}"
        for code in ("no_suite", "unbounded_grant", "unused_fact")
    }


def test_what_is_undecided_is_told_and_is_no_warning(tmp_path: Path) -> None:
    """It is counted beside the warnings, and --strict does not mind it."""
    folder = write(tmp_path, UNDECIDED)
    text = remit("policy", "check", folder).stdout
    assert "undecided: whether the condition of `small` is always false [always_false]" in text
    assert text.splitlines()[-1].endswith("; 2 undecided")
    assert ("pip install" in text) is not is_installed()
    undecided = told("json", folder)["undecided"]
    assert {it["code"] for it in undecided} == {"always_false", "shadowed_grant"}


def test_sarif_has_what_code_scanning_reads(tmp_path: Path) -> None:
    """By SARIF 2.1.0: rules with texts, results with levels, and places as encoded paths."""
    folder = write(tmp_path / "a b", UNDECIDED)
    log = told("sarif", folder)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    kinds = {"warning": 0, "none": 0}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["ruleId"] in LINTS
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"].endswith("/a%20b/policy.yaml")
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
        assert (result["level"] == "none") == (result.get("kind") == "open")
        kinds[result["level"]] += 1
    assert kinds == {"warning": 2, "none": 2}


def test_errors_of_a_set_are_rules_of_sarif_too(tmp_path: Path) -> None:
    """Also those of expressions, which stand in no table of their own."""
    bad = ODD.replace("up_to: 20", "upto: 20, when: request.amount <= 5")
    rules = told("sarif", write(tmp_path, bad))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["unknown_key"]
    bad = ODD.replace("up_to: 20", "up_to: 20, when: request.amount <= 5")
    results = told("sarif", write(tmp_path, bad))["runs"][0]["results"]
    assert [(it["ruleId"], it["level"]) for it in results] == [("money_and_number", "error")]


def test_annotations_are_escaped(tmp_path: Path) -> None:
    """A comma or a colon in a path does not end a property, and a line break no message."""
    folder = write(tmp_path / "a,b:c", ODD)
    lines = remit("policy", "check", folder, "--format", "github").stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        kind, _, properties = line.split("::")[1].partition(" ")
        assert kind == "warning"
        file = properties.split(",")[0]
        assert file.endswith("a%2Cb%3Ac/policy.yaml")
        assert [it.partition("=")[0] for it in properties.split(",")] == [
            *("file", "line", "col", "title")
        ]
        assert "%0A→ " in line


@pytest.mark.parametrize("folder", sorted((ROOT / "policies").glob("*/access.csv")), ids=str)
def test_nothing_is_undecided_of_what_ships(folder: Path) -> None:
    """A set to copy from raises no question that its checker cannot answer."""
    if not is_installed():
        pytest.skip("z3-solver is not installed")
    shown = told("json", folder.parent)
    assert (shown["ok"], shown["problems"], shown["undecided"]) == (True, [], [])
