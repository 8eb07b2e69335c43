"""The policy sets that ship: every one loads without a warning and holds what it is for."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.policyfile.coverage import coverage
from service.policyfile.folder import read_folder
from service.policyfile.load import PolicySet, is_policy, is_suite, load_rulebook, load_set
from service.policyfile.suite import run_suites
from service.policyfile.suitefile import read_suites

POLICIES = Path(__file__).resolve().parents[1] / "policies"
SETS = sorted(path.parent for path in POLICIES.rglob("access.csv"))


def _name(folder: Path) -> str:
    return folder.relative_to(POLICIES).as_posix()


def _load(folder: Path) -> PolicySet:
    return load_set(read_folder(folder))


def test_the_sets_that_ship_are_these() -> None:
    """A set that was lost would be tested by nothing below."""
    assert [_name(folder) for folder in SETS] == [
        "airline",
        "canada_appr",
        "hotel",
        "rail_and_telecom",
    ]


def test_every_policy_file_belongs_to_a_set() -> None:
    """No file lies where no set reads it."""
    stray = [
        path for path in POLICIES.rglob("*.yaml") if not any(path.is_relative_to(s) for s in SETS)
    ]
    assert stray == []


@pytest.mark.parametrize("folder", SETS, ids=_name)
def test_a_set_loads_without_a_warning(folder: Path) -> None:
    """What ships is what a manager copies."""
    assert _load(folder).warnings == ()


@pytest.mark.parametrize("folder", SETS, ids=_name)
@pytest.mark.parametrize("asked", [["check", "--strict"], ["test", "--coverage"]], ids=" ".join)
def test_a_set_holds_under_its_own_suites(folder: Path, asked: list[str]) -> None:
    """Every suite passes, and nothing is remarked."""
    command = [sys.executable, "-m", "service", "policy", *asked, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", SETS, ids=_name)
def test_the_suites_of_a_set_reach_every_rule_and_boundary(folder: Path) -> None:
    """No limit could move by a cent, and no rule be lost, without a suite that fails."""
    files = read_folder(folder)
    rulebook = load_rulebook(files)
    assert coverage(rulebook, run_suites(rulebook, read_suites(files))).gaps() == ()


@pytest.mark.parametrize("folder", SETS, ids=_name)
def test_every_grant_approves_something_in_a_suite(folder: Path) -> None:
    """A grant that no suite sees pass could be lost without a word."""
    steps = [
        step
        for suite in read_suites(read_folder(folder))
        for case in suite.document.tests
        for step in case.steps
    ]
    passed = {step.expect.grant for step in steps if step.expect.outcome == "approved"}
    assert passed == {grant.id for grant in _load(folder).rulebook.grants}


@pytest.mark.parametrize("folder", SETS, ids=_name)
def test_every_file_shows_editors_its_schema(folder: Path) -> None:
    """The first line of a file leads to a schema in policies/schema, by kind of file."""
    for name, data in read_folder(folder).items():
        if not (is_policy(name) or is_suite(name)):
            continue
        first = data.decode().splitlines()[0]
        schema = (folder / first.removeprefix("# yaml-language-server: $schema=")).resolve()
        kind = "suite" if is_suite(name) else "policy"
        assert schema == POLICIES / "schema" / f"{kind}.schema.json", name


@pytest.mark.parametrize("folder", SETS, ids=_name)
def test_wherever_two_people_are_needed_there_are_two(folder: Path) -> None:
    """The top of each ladder, publication and erasure are in more than one pair of hands."""
    loaded = _load(folder)
    tops = [role.id for role in loaded.rulebook.roles.values() if role.reports_to is None]
    alone = [role for role in (*tops, "author", "admin") if len(_holders(loaded, role)) < 2]
    assert alone == []


def _holders(loaded: PolicySet, role: str) -> set[str]:
    held = {it.member for it in loaded.access.memberships if it.role == role}
    return held & loaded.access.people


_RATE = re.compile(rb'(?<=EUR: ")1\.08(?=")|(?<=booking\.passengers\), )108(?=\))')
"""The rate between euros and dollars as the airline's files write it."""

_OTHER_RATE = {b"1.08": b"1.09", b"108": b"109"}


def _with_one_rate_changed(files: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    for name, data in files.items():
        for at in _RATE.finditer(data):
            changed = data[: at.start()] + _OTHER_RATE[at[0]] + data[at.end() :]
            yield {**files, name: changed}


def test_no_rate_of_the_airline_changes_alone() -> None:
    """The rate stands once for proposals and once in each sum in euros; a suite holds each."""
    files = dict(read_folder(POLICIES / "airline"))
    changed = list(_with_one_rate_changed(files))
    rate_suite = [it for it in read_suites(files) if it.file == "eu261_rate_test.yaml"]
    held = [all(it.passed for it in run_suites(load_rulebook(one), rate_suite)) for one in changed]
    assert held == [False] * 11


def test_the_hotel_names_its_people() -> None:
    """The people of the examples hold what the examples say."""
    access = _load(POLICIES / "hotel").access
    held = {
        (it.member, it.role, it.site) for it in access.memberships if it.member in access.people
    }
    assert held == {
        ("ana", "front_desk", "new_york"),
        ("ben", "front_desk", "new_york"),
        ("vera", "front_desk", "vienna"),
        ("max", "duty_manager", "new_york"),
        ("grace", "general_manager", "*"),
        ("gus", "general_manager", "*"),
        ("audra", "auditor", "*"),
        ("paula", "author", "*"),
        ("peter", "author", "*"),
        ("olga", "admin", "*"),
        ("otto", "admin", "*"),
    }
