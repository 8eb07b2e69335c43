"""``remit policy``: what managers do with a policy set."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.render import (
    Format,
    Shape,
    counted,
    misused,
    note,
    problem_text,
    progress,
    read_set,
    say,
    say_json,
    tell_problems,
)

if TYPE_CHECKING:
    from service.core.rulebook import Rulebook
    from service.policyfile.coverage import Coverage
    from service.policyfile.problem import Problem
    from service.policyfile.suite import CaseResult, StepResult, SuiteResult
    from service.policyfile.suitefile import SuiteFile

app = typer.Typer(no_args_is_help=True, help="Policy sets: check them, test them.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the policy set.")]

HOW_TO_WRITE_A_SUITE = """\
{folder} has no suites. Write one beside the policy files, say {folder}/first_test.yaml:

  suite: first
  at: 2026-03-01T21:00:00-05:00
  agents: {{ana: {{roles: [{role}], site: {site}}}}}
  tests:
    - name: what must be true
      steps:
        - {{as: ana, propose: {resolution}, {size}, expect: {{outcome: approved}}}}
"""


@app.command()
def check(
    folder: Folder,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
    form: Shape = Format.TEXT,
) -> None:
    """Check that a policy set loads, suites and access list included; print every problem.

    Example: remit policy check policies/hotel --strict
    """
    problems, summary = _check(folder)
    errors = sum(problem.severity == "error" for problem in problems)
    holds = not (problems if strict else errors)
    if form is Format.JSON:
        listed = [problem.as_json() for problem in problems]
        say_json({"ok": holds, **summary, "problems": listed})
    else:
        for problem in problems:
            say(problem_text(problem))
        say(_verdict(folder, summary, errors, len(problems) - errors, holds=holds))
    if not holds:
        raise typer.Exit(1)


@app.command("test")
def run_tests(
    folder: Folder,
    form: Shape = Format.TEXT,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which rules and limits no test reaches.")
    ] = False,
) -> None:
    """Run the suites of a policy set (*_test.yaml); show what differs from what was expected.

    Example: remit policy test policies/hotel --coverage
    """
    rulebook, suites = _load_suites(folder)
    if not suites:
        if form is Format.JSON:
            say_json({"ok": True, "suites": []})
        else:
            say(_how_to_write_a_suite(folder, rulebook))
        return
    results = _run(rulebook, suites)
    holds = all(result.passed for result in results)
    covered = _coverage(rulebook, results) if coverage else None
    if form is Format.JSON:
        body: dict[str, Any] = {"ok": holds, "suites": [_suite_json(it) for it in results]}
        say_json(body if covered is None else {**body, "coverage": _coverage_json(covered)})
    else:
        _tell_results(results)
        if covered is not None:
            _tell_coverage(covered)
    if not holds:
        raise typer.Exit(1)


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the files here; print them if not.")
    ] = None,
    form: Shape = Format.JSON,
) -> None:
    """Write the JSON Schemas of policy files and suites, with which editors check as you type.

    Example: remit policy schema --out policies/schema
    """
    from service.policyfile.schema import schema_files

    files = schema_files()
    if out is None and form is Format.JSON:
        say_json({name: json.loads(text) for name, text in files.items()})
    elif out is None:
        for name in files:
            say(name)
    else:
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (out / name).write_text(text, encoding="utf-8")
        except OSError as error:
            misused(f"{out} cannot be written: {error.strerror}.")
        note(f"{', '.join(files)} written to {out}")


def _check(folder: Path) -> tuple[list["Problem"], dict[str, Any]]:
    """Every problem of the set and its suites, and what the set holds."""
    from service.policyfile.load import PolicySet, load_set
    from service.policyfile.problem import PolicyErrors, in_order
    from service.policyfile.suitecheck import check_suites
    from service.policyfile.suitefile import read_suites

    found: list[Problem] = []
    loaded: PolicySet | None = None
    suites: tuple[SuiteFile, ...] = ()
    try:
        files = read_set(folder)
    except PolicyErrors as errors:
        return list(errors.problems), {}
    try:
        loaded = load_set(files)
    except PolicyErrors as errors:
        found.extend(errors.problems)
    try:
        suites = read_suites(files)
    except PolicyErrors as errors:
        found.extend(errors.problems)
    if loaded is None:
        return list(in_order(found)), {}
    found.extend((*loaded.warnings, *check_suites(loaded.rulebook, suites)))
    return list(in_order(found)), _contents(loaded.rulebook, suites)


def _contents(rulebook: "Rulebook", suites: Iterable["SuiteFile"]) -> dict[str, Any]:
    return {
        "name": rulebook.name,
        "version": rulebook.version,
        "rules": rulebook.rules,
        "grants": len(rulebook.grants),
        "budgets": len(rulebook.budgets),
        "prohibitions": len(rulebook.prohibitions),
        "tests": sum(len(suite.document.tests) for suite in suites),
    }


def _verdict(
    folder: Path, contents: dict[str, Any], errors: int, warnings: int, *, holds: bool
) -> str:
    found = ", ".join(
        counted(number, noun)
        for number, noun in ((errors, "error"), (warnings, "warning"))
        if number
    )
    if not holds:
        return typer.style(f"{folder} does not hold: {found}", fg=typer.colors.RED)
    nouns = ("grant", "budget", "prohibition", "test")
    holding = ", ".join(counted(contents[f"{noun}s"], noun) for noun in nouns)
    text = f"{contents['name']} holds: {holding}" + (f"; {found}" if found else "")
    return typer.style(text, fg=typer.colors.GREEN)


def _load_suites(folder: Path) -> tuple["Rulebook", tuple["SuiteFile", ...]]:
    """The set and its suites. Ends with 1 where one of them does not load."""
    from service.policyfile.load import load_rulebook
    from service.policyfile.problem import PolicyErrors
    from service.policyfile.suitecheck import check_suites
    from service.policyfile.suitefile import read_suites

    try:
        files = read_set(folder)
        rulebook, suites = load_rulebook(files), read_suites(files)
    except PolicyErrors as errors:
        tell_problems(errors.problems, folder)
        raise typer.Exit(1) from None
    problems = check_suites(rulebook, suites)
    if problems:
        tell_problems(problems, folder)
        raise typer.Exit(1)
    return rulebook, suites


def _run(rulebook: "Rulebook", suites: tuple["SuiteFile", ...]) -> list["SuiteResult"]:
    from service.policyfile.suite import run_suite

    results = []
    with progress(len(suites), "Testing") as advance:
        for suite in suites:
            results.append(run_suite(rulebook, suite))
            advance(1)
    return results


def _coverage(rulebook: "Rulebook", results: list["SuiteResult"]) -> "Coverage":
    from service.policyfile.coverage import coverage

    return coverage(rulebook, results)


def _how_to_write_a_suite(folder: Path, rulebook: "Rulebook") -> str:
    resolution = next(iter(rulebook.resolutions.values()))
    return HOW_TO_WRITE_A_SUITE.format(
        folder=folder,
        role=next(iter(rulebook.roles), "front_desk"),
        site=next(iter(rulebook.sites or ()), "main"),
        resolution=resolution.id,
        size='amount: "10.00"' if resolution.unit is None else "quantity: 1",
    ).rstrip()


def _tell_results(results: list["SuiteResult"]) -> None:
    for result in results:
        passed = sum(case.passed for case in result.cases)
        mark = _mark(passed=result.passed)
        say(f"{mark} {result.file}  {passed} of {counted(len(result.cases), 'test')} passed")
        for case in result.cases:
            if not case.passed:
                _tell_case(case)
    cases = [case for result in results for case in result.cases]
    failed = sum(not case.passed for case in cases)
    text = f"{counted(len(cases), 'test')} in {counted(len(results), 'suite')}: "
    colour = typer.colors.RED if failed else typer.colors.GREEN
    say(typer.style(text + (f"{failed} failed" if failed else "all passed"), fg=colour))


def _tell_case(case: "CaseResult") -> None:
    say(f"  {_mark(passed=False)} {case.name}")
    for step in case.steps:
        if not step.passed:
            say(f"    {step.place}: step {step.number}, {step.proposal}")
            for found in step.differences:
                expected, got = (shown or "null" for shown in (found.expected, found.got))
                say(f"      {found.key}: expected {expected}, got {got}")
            for reason in step.reasons:
                say(f"      · {reason}")


def _tell_coverage(covered: "Coverage") -> None:
    for what, items in (("rules", covered.rules), ("limits", covered.boundaries)):
        full = sum(not one.gaps() for one in items)
        say(f"{what}: {full} of {len(items)} covered from both sides")
    for one in covered.gaps():
        say(f"  {one.kind} {one.rule}: {'; '.join(one.gaps())}")


def _mark(*, passed: bool) -> str:
    colour = typer.colors.GREEN if passed else typer.colors.RED
    return typer.style("✓" if passed else "✗", fg=colour)


def _suite_json(result: "SuiteResult") -> dict[str, Any]:
    return {
        "suite": result.name,
        "file": result.file,
        "ok": result.passed,
        "tests": [
            {
                "name": case.name,
                "place": case.place,
                "ok": case.passed,
                "steps": [_step_json(step) for step in case.steps],
            }
            for case in result.cases
        ],
    }


def _step_json(step: "StepResult") -> dict[str, Any]:
    return {
        "step": step.number,
        "place": step.place,
        "proposal": step.proposal,
        "ok": step.passed,
        "outcome": None if step.decided is None else step.decided.decision.outcome,
        "differences": [
            {"key": it.key, "expected": it.expected, "got": it.got} for it in step.differences
        ],
        "reasons": list(step.reasons),
    }


def _coverage_json(covered: "Coverage") -> dict[str, Any]:
    def side(name: str, items: Iterable[Any], within: str, beyond: str) -> list[dict[str, Any]]:
        return [
            {"kind": one.kind, name: one.rule, within: one.within, beyond: one.beyond}
            for one in items
        ]

    return {
        "rules": side("rule", covered.rules, "satisfied", "refused"),
        "boundaries": side("rule", covered.boundaries, "at_limit", "just_above"),
    }
