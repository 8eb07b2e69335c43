"""What a check finds, for programs: JSON, SARIF for code scanning, annotations for a job's log."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from service.policyfile.lint import Undecided
    from service.policyfile.problem import Problem

_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_ESCAPES: Final = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_ESCAPES_OF_PROPERTIES: Final = (*_ESCAPES, (":", "%3A"), (",", "%2C"))


def as_json(problems: "Sequence[Problem]", undecided: "Sequence[Undecided]") -> dict[str, Any]:
    """Every problem and what stayed open, each with where it is explained."""
    from service.policyfile.lintcodes import anchor_of

    return {
        "problems": [{**it.as_json(), "docs": anchor_of(it.code)} for it in problems],
        "undecided": [{**it.as_json(), "docs": anchor_of(it.code)} for it in undecided],
    }


def sarif(
    folder: Path, problems: "Sequence[Problem]", undecided: "Sequence[Undecided]"
) -> dict[str, Any]:
    """A log by SARIF 2.1.0 (OASIS). What is undecided is a result of the kind ``open``."""
    from service import __version__

    codes = sorted({it.code for it in problems} | {it.code for it in undecided})
    driver = {
        "name": "remit",
        "version": __version__,
        "rules": [_sarif_rule(code) for code in codes],
    }
    results = [
        *(_sarif_problem(folder, it, codes.index(it.code)) for it in problems),
        *(_sarif_undecided(folder, it, codes.index(it.code)) for it in undecided),
    ]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(code: str) -> dict[str, Any]:
    from service.policyfile.codes import CODES
    from service.policyfile.lintcodes import LINTS, anchor_of

    says = LINTS.get(code) or CODES.get(code) or "An expression cannot be read."
    return {
        "id": code,
        "shortDescription": {"text": says},
        "help": {"text": f"Explained in {anchor_of(code)}."},
    }


def _sarif_problem(folder: Path, problem: "Problem", rule: int) -> dict[str, Any]:
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": f"{problem.message} {problem.remedy}"},
        "locations": [_sarif_location(folder, problem.file, problem.line, problem.column)],
    }


def _sarif_undecided(folder: Path, found: "Undecided", rule: int) -> dict[str, Any]:
    file, line, column = found.place.rsplit(":", 2)
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "kind": "open",
        "level": "none",
        "message": {"text": f"Undecided: {found.message}."},
        "locations": [_sarif_location(folder, file, int(line), int(column))],
    }


def _sarif_location(folder: Path, file: str, line: int, column: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(_path(folder, file))},
            "region": {"startLine": line, "startColumn": column},
        }
    }


def github(
    folder: Path, problems: "Sequence[Problem]", undecided: "Sequence[Undecided]"
) -> Iterator[str]:
    """Workflow commands of GitHub Actions, which shows them beside the lines of a change."""
    for it in problems:
        place = (_path(folder, it.file), str(it.line), str(it.column))
        yield _annotation(it.severity, place, it.code, f"{it.message}\n→ {it.remedy}")
    for found in undecided:
        file, line, column = found.place.rsplit(":", 2)
        place = (_path(folder, file), line, column)
        yield _annotation("notice", place, found.code, f"Undecided: {found.message}.")


def _annotation(kind: str, place: tuple[str, str, str], title: str, text: str) -> str:
    properties = zip(("file", "line", "col", "title"), (*place, title), strict=True)
    told = ",".join(f"{name}={_escaped(it, _ESCAPES_OF_PROPERTIES)}" for name, it in properties)
    return f"::{kind} {told}::{_escaped(text, _ESCAPES)}"


def _escaped(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for character, escape in escapes:
        text = text.replace(character, escape)
    return text


def _path(folder: Path, file: str) -> str:
    """The file as the command was told to find it, with slashes."""
    return (folder / file).as_posix() if file != "." else folder.as_posix()
