"""``remit policy check``: whether a set loads, and what is remarked about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import policyreport
from service.cli.render import counted, problem_text, read_set, say, say_json

if TYPE_CHECKING:
    from service.core.rulebook import Rulebook
    from service.policyfile.lint import Lints, Undecided
    from service.policyfile.load import PolicySet
    from service.policyfile.problem import Problem
    from service.policyfile.suitefile import SuiteFile

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the policy set.")]

HOW_TO_DECIDE_MORE = "A solver decides more: pip install 'remit[proofs]'"


class Report(StrEnum):
    """How to print what a check finds."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Every problem, what stayed open, and what the set holds."""

    problems: "Sequence[Problem]"
    undecided: "Sequence[Undecided]" = ()
    contents: dict[str, Any] = field(default_factory=dict)


def check(
    folder: Folder,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
    form: Annotated[
        Report,
        typer.Option("--format", help="For people, programs, code scanning, or a job's log."),
    ] = Report.TEXT,
) -> None:
    """Check that a set loads, suites and access list included; print all that is wrong or odd.

    Warnings are remarks about rules that do nothing, bind nobody or go untested; each is
    explained in docs/managing-policy.md. What says "never" or "always" is proven.

    Example: remit policy check policies/hotel --strict
    """
    checked = check_folder(folder)
    errors = sum(problem.severity == "error" for problem in checked.problems)
    holds = not (checked.problems if strict else errors)
    match form:
        case Report.JSON:
            body = {"ok": holds, **checked.contents}
            say_json(body | policyreport.as_json(checked.problems, checked.undecided))
        case Report.SARIF:
            say_json(policyreport.sarif(folder, checked.problems, checked.undecided))
        case Report.GITHUB:
            for line in policyreport.github(folder, checked.problems, checked.undecided):
                say(line)
        case Report.TEXT:
            _tell(folder, checked, holds=holds)
    if not holds:
        raise typer.Exit(1)


def check_folder(folder: Path) -> Checked:
    """Everything that can be said of a folder. Ends with 2 where there is none."""
    from service.policyfile.load import load_set
    from service.policyfile.problem import PolicyErrors, in_order
    from service.policyfile.suitecheck import check_suites
    from service.policyfile.suitefile import read_suites

    found: list[Problem] = []
    loaded: PolicySet | None = None
    suites: tuple[SuiteFile, ...] | None = None
    try:
        files = read_set(folder)
    except PolicyErrors as errors:
        return Checked(problems=errors.problems)
    try:
        loaded = load_set(files)
    except PolicyErrors as errors:
        found.extend(errors.problems)
    try:
        suites = read_suites(files)
    except PolicyErrors as errors:
        found.extend(errors.problems)
    if loaded is None:
        return Checked(problems=in_order(found))
    misfits = check_suites(loaded.rulebook, suites or ())
    lints = _lint(files, loaded, None if misfits else suites)
    found.extend((*loaded.warnings, *misfits, *lints.warnings))
    return Checked(
        problems=in_order(found),
        undecided=lints.undecided,
        contents=_contents(loaded.rulebook, suites or ()),
    )


def _lint(
    files: "Mapping[str, bytes]", loaded: "PolicySet", suites: "tuple[SuiteFile, ...] | None"
) -> "Lints":
    """The lints; what suites leave out is passed over where they could not be run."""
    from service.policyfile.lint import lint_set
    from service.policyfile.suite import run_suites

    results = None if suites is None else run_suites(loaded.rulebook, suites)
    return lint_set(files, loaded, results)


def _contents(rulebook: "Rulebook", suites: "Sequence[SuiteFile]") -> dict[str, Any]:
    return {
        "name": rulebook.name,
        "version": rulebook.version,
        "rules": rulebook.rules,
        "grants": len(rulebook.grants),
        "budgets": len(rulebook.budgets),
        "prohibitions": len(rulebook.prohibitions),
        "tests": sum(len(suite.document.tests) for suite in suites),
    }


def _tell(folder: Path, checked: Checked, *, holds: bool) -> None:
    from service.policyfile.lintproof import is_installed

    for problem in checked.problems:
        say(problem_text(problem))
    for one in checked.undecided:
        place = typer.style(f"{one.place}:", dim=True)
        say(f"{place} undecided: {one.message} [{one.code}]")
    if checked.undecided and not is_installed():
        say(f"  → {HOW_TO_DECIDE_MORE}")
    say(_verdict(folder, checked, holds=holds))


def _verdict(folder: Path, checked: Checked, *, holds: bool) -> str:
    kinds = [problem.severity for problem in checked.problems]
    found = ", ".join(
        counted(number, noun)
        for number, noun in ((kinds.count("error"), "error"), (kinds.count("warning"), "warning"))
        if number
    )
    if not holds:
        return typer.style(f"{folder} does not hold: {found}", fg=typer.colors.RED)
    nouns = ("grant", "budget", "prohibition", "test")
    contents = checked.contents
    holding = ", ".join(counted(contents[f"{noun}s"], noun) for noun in nouns)
    open_still = f"{len(checked.undecided)} undecided" if checked.undecided else ""
    text = "; ".join(filter(None, (f"{contents['name']} holds: {holding}", found, open_still)))
    return typer.style(text, fg=typer.colors.GREEN)
