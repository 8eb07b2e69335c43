"""What suites came to, and what they cover: in lines, as JSON, as JUnit's XML."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import typer

from service.cli.render import counted, say

if TYPE_CHECKING:
    from service.core.rulebook import Rulebook
    from service.policyfile.coverage import Coverage
    from service.policyfile.suite import CaseResult, StepResult, SuiteResult


def coverage_of(rulebook: "Rulebook", results: "Sequence[SuiteResult]") -> "Coverage":
    """What the suites cover."""
    from service.policyfile.coverage import coverage

    return coverage(rulebook, results)


def holds(results: "Sequence[SuiteResult]", covered: "Coverage | None", least: int | None) -> bool:
    """Whether every test passed, and as much is covered as is asked for."""
    enough = covered is None or covered.percent >= (least or 0)
    return enough and all(result.passed for result in results)


# ── lines ─────────────────────────────────────────────────────────────────────────────


def tell(results: "Sequence[SuiteResult]", covered: "Coverage | None", least: int | None) -> None:
    """Print one line a suite, every test that failed, and what is not covered."""
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
    say(_coloured(text + (f"{failed} failed" if failed else "all passed"), good=not failed))
    if covered is not None:
        _tell_coverage(covered, least)


def _tell_case(case: "CaseResult") -> None:
    say(f"  {_mark(passed=False)} {case.name}")
    for step in case.steps:
        if not step.passed:
            for line in _step_lines(step):
                say(f"    {line}")


def _step_lines(step: "StepResult") -> Iterator[str]:
    """A step that failed: expected beside got, then the reasons that were walked."""
    yield f"{step.place}: step {step.number}, {step.proposal}"
    for found in step.differences:
        expected, got = (shown or "null" for shown in (found.expected, found.got))
        yield f"  {found.key}: expected {expected}, got {got}"
    for reason in step.reasons:
        yield f"  · {reason}"


def _tell_coverage(covered: "Coverage", least: int | None) -> None:
    for what, items in (("rules", covered.rules), ("limits", covered.boundaries)):
        full = sum(not one.gaps() for one in items)
        say(f"{what}: {full} of {len(items)} covered from both sides")
    for one in covered.gaps():
        say(f"  {one.kind} {one.rule}: {'; '.join(one.gaps())}")
    asked = "" if least is None else f", and {least}% are asked for"
    say(_coloured(f"coverage: {covered.percent}%{asked}", good=covered.percent >= (least or 0)))


def _mark(*, passed: bool) -> str:
    return _coloured("✓" if passed else "✗", good=passed)


def _coloured(text: str, *, good: bool) -> str:
    return typer.style(text, fg=typer.colors.GREEN if good else typer.colors.RED)


# ── JSON ──────────────────────────────────────────────────────────────────────────────


def as_json(
    results: "Sequence[SuiteResult]", covered: "Coverage | None", least: int | None
) -> dict[str, Any]:
    """Every suite, test and step; and the coverage, if it was asked for."""
    body: dict[str, Any] = {
        "ok": holds(results, covered, least),
        "suites": [_suite_json(it) for it in results],
    }
    return body if covered is None else {**body, "coverage": _coverage_json(covered)}


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
        "percent": covered.percent,
        "rules": side("rule", covered.rules, "satisfied", "refused"),
        "boundaries": side("rule", covered.boundaries, "at_limit", "just_above"),
    }


# ── JUnit ─────────────────────────────────────────────────────────────────────────────


def junit(results: "Sequence[SuiteResult]", covered: "Coverage | None", least: int | None) -> str:
    """XML as build servers read it: a testcase for each test, and one for the coverage asked."""
    suites = ET.Element("testsuites")
    for result in results:
        suites.append(_junit_suite(result))
    if covered is not None and least is not None:
        suites.append(_junit_coverage(covered, least))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _junit_suite(result: "SuiteResult") -> ET.Element:
    failed = sum(not case.passed for case in result.cases)
    suite = _suite_element(result.name, tests=len(result.cases), failures=failed)
    for case in result.cases:
        file, line, _ = case.place.rsplit(":", 2)
        element = ET.SubElement(
            suite, "testcase", name=case.name, classname=result.name, file=file, line=line
        )
        wrong = [line for step in case.steps if not step.passed for line in _step_lines(step)]
        if wrong:
            ET.SubElement(element, "failure", message=wrong[0]).text = "\n".join(wrong)
    return suite


def _junit_coverage(covered: "Coverage", least: int) -> ET.Element:
    short = covered.percent < least
    suite = _suite_element("coverage", tests=1, failures=int(short))
    name = f"the suites cover {least}% of the rules and limits"
    element = ET.SubElement(suite, "testcase", name=name, classname="coverage")
    if short:
        gaps = [f"{one.kind} {one.rule}: {'; '.join(one.gaps())}" for one in covered.gaps()]
        failure = ET.SubElement(element, "failure", message=f"{covered.percent}% are covered")
        failure.text = "\n".join(gaps)
    return suite


def _suite_element(name: str, *, tests: int, failures: int) -> ET.Element:
    return ET.Element(
        "testsuite", name=name, tests=str(tests), failures=str(failures), errors="0", skipped="0"
    )
