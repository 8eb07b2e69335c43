"""Files that must not load, each beside exactly what is said about it.

A case is ``bad/NAME.yaml`` (a set of that one file) or the folder ``bad/NAME``; what must be
said stands in ``bad/NAME.txt``, and for some in ``bad/NAME.json`` as well. After a change of
words, write them anew with ``REGENERATE=1 python -m pytest tests/policyfile/test_bad.py``,
then read the difference: it is what managers will see.
"""

import json
import os
from pathlib import Path

import pytest

from service.policyfile.celproblem import CelCode
from service.policyfile.codes import CODES
from service.policyfile.folder import read_folder
from service.policyfile.load import load_set
from service.policyfile.problem import PolicyErrors, Problem, in_order
from service.policyfile.suitefile import read_suites

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.iterdir() if path.is_dir() or path.suffix == ".yaml")

REGENERATE = bool(os.environ.get("REGENERATE"))


def files_of(name: str) -> dict[str, bytes]:
    folder = BAD / name
    if folder.is_dir():
        return read_folder(folder)
    file = folder.with_suffix(".yaml")
    return {file.name: file.read_bytes(), "access.csv": b"# nobody\n"}


def problems_of(name: str) -> tuple[Problem, ...]:
    """What the loader of the set and the reader of its suites say, in order."""
    found: list[Problem] = []
    files = files_of(name)
    for read in (load_set, read_suites):
        try:
            read(files)
        except PolicyErrors as errors:
            found.extend(errors.problems)
    return in_order(found)


def expect(path: Path, said: str) -> None:
    if REGENERATE:
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_set_is_refused_in_these_words(name: str) -> None:
    """Every problem is told with its place, what is wrong and what to write instead."""
    problems = problems_of(name)
    assert problems
    expect(BAD / f"{name}.txt", "".join(f"{problem}\n" for problem in problems))


@pytest.mark.parametrize("name", ["bare_decimal", "cel_folded_block", "no_access"])
def test_problems_are_data_too(name: str) -> None:
    """The same problems are had as JSON, for editors and reviews."""
    shown = [problem.as_json() for problem in problems_of(name)]
    expect(BAD / f"{name}.json", json.dumps(shown, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_problem_helps(name: str) -> None:
    """Messages and remedies are sentences, codes are explained, places lie in the file."""
    files = files_of(name)
    for problem in problems_of(name):
        assert problem.message.endswith((".", "…")), problem
        assert problem.remedy[0].isupper(), problem
        assert problem.code in CODES or problem.code in set(CelCode), problem
        lines = files.get(problem.file, b"").decode("utf-8", "replace").split("\n")
        assert problem.line <= len(lines), problem
        assert problem.column <= len(lines[problem.line - 1]) + 1, problem


def test_every_code_is_shown_by_a_case() -> None:
    """No code is explained that nothing says; those that need no set are shown elsewhere."""
    said = {problem.code for name in NAMES for problem in problems_of(name)}
    elsewhere = {"file_too_large", "link", "no_folder", "not_a_file", "too_many_files"}
    elsewhere |= {"unknown_budget", "unknown_grant", "unknown_rule"}  # of suites beside a set
    assert set(CODES) - said == elsewhere
