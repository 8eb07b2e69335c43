"""Sets that are remarked upon, beside exactly what is said, and beside neighbours that are not.

A case is ``lints/CODE.yaml`` or the folder ``lints/CODE``; ``lints/CODE.good`` differs from it
in little and says nothing of the kind. What must be said stands in ``lints/CODE.txt``. After a
change of words, write them anew with ``REGENERATE=1 python -m pytest
tests/policyfile/test_lint.py``, then read the difference: it is what managers will see.
"""

from pathlib import Path

import pytest

from service.policyfile.folder import read_folder
from service.policyfile.lint import Lints, lint_set
from service.policyfile.lintcodes import LINTS, anchor_of
from service.policyfile.lintproof import is_installed
from service.policyfile.load import load_set
from service.policyfile.suite import run_suites
from service.policyfile.suitefile import read_suites
from tests.markdown_page import REGENERATE

LINTED = Path(__file__).parent / "lints"
ROOT = Path(__file__).parents[2]

with_solver = pytest.mark.skipif(not is_installed(), reason="z3-solver is not installed")


def files_of(name: str) -> dict[str, bytes]:
    folder = LINTED / name
    if folder.is_dir():
        return {"access.csv": b"# nobody\n", **read_folder(folder)}
    return {"policy.yaml": (LINTED / f"{name}.yaml").read_bytes(), "access.csv": b"# nobody\n"}


def lints_of(files: dict[str, bytes], *, suites: bool) -> Lints:
    loaded = load_set(files)
    results = run_suites(loaded.rulebook, read_suites(files)) if suites else None
    return lint_set(files, loaded, results)


def lints_of_case(name: str) -> Lints:
    return lints_of(files_of(name), suites=name.startswith(("no_suite", "untested")))


@pytest.mark.parametrize("code", sorted(LINTS))
def test_a_set_is_remarked_upon_in_these_words(code: str) -> None:
    """Each lint has a case, which is told with its place, what is odd and what to do."""
    lints = lints_of_case(code)
    said = "".join(f"{problem}\n" for problem in lints.warnings)
    path = LINTED / f"{code}.txt"
    if REGENERATE:
        path.write_text(said, encoding="utf-8")
    assert code in {problem.code for problem in lints.warnings}
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", sorted(LINTS))
def test_its_neighbour_is_not_remarked_upon(code: str) -> None:
    """A set that differs in little and is right is neither warned of nor left undecided."""
    lints = lints_of_case(f"{code}.good")
    assert (lints.warnings, lints.undecided) == ((), ())


@pytest.mark.parametrize("code", sorted(LINTS))
def test_a_remark_helps(code: str) -> None:
    """Messages and remedies are sentences, all are warnings, and places lie in the file."""
    files = files_of(code)
    for problem in lints_of_case(code).warnings:
        assert problem.severity == "warning"
        assert problem.message.endswith("."), problem
        assert problem.remedy[0].isupper(), problem
        lines = files[problem.file].decode().split("\n")
        assert problem.column <= len(lines[problem.line - 1]) + 1, problem


@pytest.mark.parametrize("code", sorted(LINTS))
def test_every_remark_is_explained(code: str) -> None:
    """The anchor that a remark leads to is a heading of the page."""
    page, _, anchor = anchor_of(code).partition("#")
    headings = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert f"### {anchor}" in headings


def test_every_other_code_is_explained_in_the_table_of_codes() -> None:
    """Errors lead to the part of the language's page that lists them."""
    page, _, anchor = anchor_of("yaml_syntax").partition("#")
    headings = [
        line.lstrip("# ").lower().replace(" ", "-")
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    ]
    assert anchor in headings
