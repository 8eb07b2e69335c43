"""``remit policy test``: what the suites of a set come to, once or after every change."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.cli import policyresults
from service.cli.policycheck import Folder
from service.cli.render import misused, note, progress, read_set, say, say_json, tell_problems

if TYPE_CHECKING:
    from service.core.rulebook import Rulebook
    from service.policyfile.suite import SuiteResult
    from service.policyfile.suitefile import SuiteFile

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


POLL_SECONDS: Final = 1
"""How often it is looked for changes of which no event tells."""

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".csv", ".conf"})


class Report(StrEnum):
    """How to print what suites came to."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def run_tests(
    folder: Folder,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which rules and limits no test reaches.")
    ] = False,
    least: Annotated[
        int | None,
        typer.Option(
            "--min", metavar="PERCENT", min=0, max=100, help="End with 1 where less is covered."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Run again whenever a file of the set changes.")
    ] = False,
    form: Annotated[
        Report, typer.Option("--format", help="For people, programs, or a build server.")
    ] = Report.TEXT,
) -> None:
    """Run the suites of a policy set (*_test.yaml); show what differs from what was expected.

    A rule is covered when some case satisfies it and some case is refused by it; a limit
    when a case lies at it and one just above.

    Example: remit policy test policies/hotel --coverage --min 90
    """
    if watch and form is not Report.TEXT:
        misused("--watch is for people: leave --format out.")
    shows = coverage or least is not None
    if watch:
        _watch(folder, shows=shows, least=least)
    elif not _run_once(folder, form, shows=shows, least=least):
        raise typer.Exit(1)


def _run_once(folder: Path, form: Report, *, shows: bool, least: int | None) -> bool:
    """Run all suites and print what came of them; whether everything is as it should be."""
    loaded = _load(folder)
    if loaded is None:
        return False
    rulebook, suites = loaded
    if not suites and form is Report.TEXT:
        say(_how_to_write_a_suite(folder, rulebook))
        return not least
    results = _run(rulebook, suites)
    covered = policyresults.coverage_of(rulebook, results) if shows else None
    if form is Report.JSON:
        say_json(policyresults.as_json(results, covered, least))
    elif form is Report.JUNIT:
        say(policyresults.junit(results, covered, least))
    else:
        policyresults.tell(results, covered, least)
    return policyresults.holds(results, covered, least)


def _watch(folder: Path, *, shows: bool, least: int | None) -> None:
    """Run until somebody ends it; what does not load or is gone for now is waited for."""
    from service.bootstrap import watch_folder

    read_set(folder)  # a folder that was never there is wrong usage
    with contextlib.suppress(KeyboardInterrupt):
        for _ in watch_folder(folder):
            try:
                _run_once(folder, Report.TEXT, shows=shows, least=least)
            except OSError as error:  # a file went away between being listed and being read
                note(f"{folder} cannot be read now: {error.strerror}.")
            note(f"Watching {folder}. Ctrl-C ends it.")


def _load(folder: Path) -> "tuple[Rulebook, tuple[SuiteFile, ...]] | None":
    """The set and its suites; None where one of them does not load, told on standard error."""
    from service.policyfile.load import load_rulebook
    from service.policyfile.problem import PolicyErrors
    from service.policyfile.suitecheck import check_suites
    from service.policyfile.suitefile import read_suites

    try:
        files = read_set(folder)
        rulebook, suites = load_rulebook(files), read_suites(files)
    except PolicyErrors as errors:
        tell_problems(errors.problems, folder)
        return None
    problems = check_suites(rulebook, suites)
    if problems:
        tell_problems(problems, folder)
        return None
    return rulebook, suites


def _run(rulebook: "Rulebook", suites: "tuple[SuiteFile, ...]") -> "list[SuiteResult]":
    from service.policyfile.suite import run_suite

    results = []
    with progress(len(suites), "Testing") as advance:
        for suite in suites:
            results.append(run_suite(rulebook, suite))
            advance(1)
    return results


def _how_to_write_a_suite(folder: Path, rulebook: "Rulebook") -> str:
    resolution = next(iter(rulebook.resolutions.values()))
    return HOW_TO_WRITE_A_SUITE.format(
        folder=folder,
        role=next(iter(rulebook.roles), "front_desk"),
        site=next(iter(rulebook.sites or ()), "main"),
        resolution=resolution.id,
        size='amount: "10.00"' if resolution.unit is None else "quantity: 1",
    ).rstrip()
