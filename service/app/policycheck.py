"""Check: whether a set may be put in force. It loads, and its own suites pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from service.app.errors import PolicyRefused
from service.app.snapshot import Compile, Snapshot
from service.core.refusal import Fault
from service.policyfile.lint import Lints, lint_set
from service.policyfile.lintcodes import anchor_of
from service.policyfile.load import load_set
from service.policyfile.problem import PolicyErrors, Problem, in_order
from service.policyfile.suite import CaseResult, SuiteResult, run_suites
from service.policyfile.suitecheck import check_suites
from service.policyfile.suitefile import read_suites

TEST_FAILED: Final = "test_failed"
TESTS_EXPLAINED: Final = "docs/managing-policy.md#tests"
PROBLEMS_MAX: Final = 200
_MEND: Final = "mend the files; to see it here: remit policy test DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of a check. ``snapshot`` is there where the set loads.

    ``problems`` are why it may not be put in force: errors of its files, or else the tests
    that fail. With none it may. ``results`` are what its suites came to.
    """

    snapshot: Snapshot | None
    problems: tuple[Problem, ...]
    tests: int
    failed: int
    results: tuple[SuiteResult, ...] = ()


def check(files: Mapping[str, bytes], compile_files: Compile) -> Checked:
    """Compile a set and run its suites."""
    try:
        snapshot = compile_files(files)
        suites = read_suites(files)
    except PolicyErrors as errors:
        return _broken(errors.problems)
    misfits = check_suites(snapshot.rulebook, suites)
    if misfits:
        return _broken(misfits)
    results = run_suites(snapshot.rulebook, suites)
    cases = [(suite, case) for suite in results for case in suite.cases]
    failed = [(suite, case) for suite, case in cases if not case.passed]
    return Checked(
        snapshot=snapshot,
        problems=tuple(_of_test(suite, case) for suite, case in failed),
        tests=len(cases),
        failed=len(failed),
        results=tuple(results),
    )


def remarks(files: Mapping[str, bytes], checked: Checked) -> Lints:
    """What is odd about a set that loads, though it may be put in force; else nothing."""
    if checked.snapshot is None:
        return Lints(warnings=(), undecided=())
    loaded = load_set(files)
    lints = lint_set(files, loaded, checked.results)
    return replace(lints, warnings=in_order((*loaded.warnings, *lints.warnings)))


def _broken(problems: tuple[Problem, ...]) -> Checked:
    return Checked(snapshot=None, problems=problems, tests=0, failed=0)


def fit(checked: Checked) -> Snapshot:
    """The set, if it may be put in force. Raises `PolicyRefused` with every reason."""
    snapshot = checked.snapshot
    if snapshot is not None and not checked.problems:
        return snapshot
    if snapshot is None:
        raise does_not_load(checked.problems)
    faults = tuple(_faults(checked.problems))
    said = f"{checked.failed} of {checked.tests} tests of the set fail"
    raise PolicyRefused("suites_failed", said, _MEND, faults)


def does_not_load(problems: Sequence[Problem]) -> PolicyRefused:
    """Why a set that does not load can be used for nothing."""
    faults = tuple(_faults(problems))
    return PolicyRefused("policy_invalid", "the set does not load", _MEND, faults)


def checked_json(
    checked: Checked, lints: Lints, version: str, *, strict: bool = False
) -> dict[str, Any]:
    """A check as JSON. With ``strict`` nothing is ``ok`` that is remarked about."""
    rulebook = None if checked.snapshot is None else checked.snapshot.rulebook
    publishable = rulebook is not None and not checked.problems
    return {
        "ok": publishable and not (strict and lints.warnings),
        "publishable": publishable,
        "version": version,
        "rules": None if rulebook is None else rulebook.rules,
        "name": None if rulebook is None else rulebook.name,
        "tests": checked.tests,
        "failed": checked.failed,
        "problems": [_explained(problem) for problem in checked.problems[:PROBLEMS_MAX]],
        "problems_more": max(0, len(checked.problems) - PROBLEMS_MAX),
        "warnings": [_explained(problem) for problem in lints.warnings[:PROBLEMS_MAX]],
        "warnings_more": max(0, len(lints.warnings) - PROBLEMS_MAX),
        "undecided": [
            {**one.as_json(), "docs": anchor_of(one.code)} for one in lints.undecided[:PROBLEMS_MAX]
        ],
    }


def _explained(problem: Problem) -> dict[str, Any]:
    """A problem, and the part of the documentation that explains its code."""
    is_test = problem.code == TEST_FAILED
    docs = TESTS_EXPLAINED if is_test else anchor_of(problem.code)
    return {**problem.as_json(), "docs": docs}


def _of_test(suite: SuiteResult, case: CaseResult) -> Problem:
    """A test that fails, as a problem in its place; the steps say what came instead."""
    file, line, column = case.place.rsplit(":", 2)
    return Problem(
        file=file,
        line=int(line),
        column=int(column),
        path="",
        code=TEST_FAILED,
        message=f"{suite.name}: {case.name}: {'; '.join(_differences(case))}",
        remedy="Mend the rule, or the test where the change is meant.",
    )


def _differences(case: CaseResult) -> Iterator[str]:
    for step in case.steps:
        for found in step.differences:
            expected, got = (shown or "null" for shown in (found.expected, found.got))
            yield f"step {step.number}, {found.key}: expected {expected}, got {got}"


def _faults(problems: Sequence[Problem]) -> Iterator[Fault]:
    """Each problem where it stands: the file is named by a pointer into the body."""
    for problem in problems[:PROBLEMS_MAX]:
        name = problem.file.replace("~", "~0").replace("/", "~1")
        yield Fault(
            code=problem.code,
            pointer=f"/files/{name}",
            message=f"line {problem.line}, column {problem.column}: {problem.message}",
            remedy=problem.remedy,
        )
