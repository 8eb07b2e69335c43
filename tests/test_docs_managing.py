"""The page for managers at work: its commands print what is shown, and each remark is the real one.

Commands of ``sh run`` fences are run one after the other in one folder, as a reader would; the
``text`` fence behind each is what they print. After a change, write the outputs anew with
``REGENERATE=1 python -m pytest tests/test_docs_managing.py``, then read the difference.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.policyfile.lintallow import apply_allowances
from service.policyfile.lintcodes import LINTS
from service.policyfile.load import load_rulebook
from service.policyfile.problem import Problem
from service.policyfile.suite import run_suites
from service.policyfile.suitecheck import check_suites
from service.policyfile.suitefile import read_suites
from tests.cli.test_serve import serving
from tests.markdown_page import Fence, Page

INSTANT = re.compile(r"20[0-9-]{8}T[0-9:.]{8,15}Z")
ROOT = Path(__file__).resolve().parents[1]
PAGE = Page(ROOT / "docs" / "managing-policy.md")
LINTED = ROOT / "tests" / "policyfile" / "lints"


def printed(command: str, folder: Path) -> str:
    """What a command prints, errors included; ``remit`` is this checkout's."""
    words = shlex.split(command)
    if words[0] == "remit":
        words = [sys.executable, "-m", "service", *words[1:]]
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_commands_print_what_is_shown(tmp_path: Path) -> None:
    """Whoever follows the page from its beginning sees what it shows."""
    for fence in [fence for fence in PAGE.fences if fence.word == "run"]:
        shown = PAGE.after(fence)
        assert (shown.language, shown.word) == ("text", "")
        said = "".join(printed(line, tmp_path) for line in fence.text.splitlines())
        assert "Traceback" not in said, said
        PAGE.expect(f"{fence.written}\n\n{shown.written}", f"{fence.written}\n\n```text\n{said}```")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A service with the page's first policy in force, and the file that holds paula's key."""
    first = next(fence for fence in PAGE.fences if fence.word == "run")
    printed(first.text.splitlines()[0], tmp_path)
    with (tmp_path / "shop" / "access.csv").open("a", encoding="utf-8") as access:
        access.write("g, paula, author, *\n")
    with serving(tmp_path, "--demo", "--no-watch", "--policies", "shop", last="rk_") as started:
        key = tmp_path / "paula.key"
        key.write_text(started.secret("paula"), encoding="ascii")
        yield started.address, key


def test_a_policy_is_published_and_taken_back_as_shown(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    """Against a service that runs; the instants are the page's."""
    address, key = served
    for fence in [fence for fence in PAGE.fences if fence.word == "served"]:
        said = ""
        for line in fence.text.splitlines():
            asks = f" --url {address} --key-file {key}" if line.startswith("remit") else ""
            said += printed(line + asks, tmp_path)
        said = INSTANT.sub("2026-03-02T12:00:00.000000Z", said)
        PAGE.expect(
            f"{fence.written}\n\n{PAGE.after(fence).written}",
            f"{fence.written}\n\n```text\n{said}```",
        )


def test_the_suite_that_is_shown_passes(tmp_path: Path) -> None:
    """The entries that it expects are those of the first policy."""
    first = next(fence for fence in PAGE.fences if fence.word == "run")
    printed(first.text.splitlines()[0], tmp_path)
    files = {it.name: it.read_bytes() for it in (tmp_path / "shop").iterdir()}
    suite = next(fence for fence in PAGE.fences if fence.word == "suite")
    files["policy_test.yaml"] = suite.text.encode()
    rulebook, suites = load_rulebook(files), read_suites(files)
    assert check_suites(rulebook, suites) == ()
    assert [result.passed for result in run_suites(rulebook, suites)] == [True]


def test_the_comment_that_is_shown_allows_a_remark() -> None:
    """A warning at the rule below it is none any more."""
    fence = next(fence for fence in PAGE.fences if fence.word == "allowed")
    line = fence.text.splitlines().index("  - id: owed") + 1
    warning = Problem(
        file="policy.yaml",
        line=line,
        column=9,
        path="grants[0].id",
        code="unbounded_grant",
        message="No budget bounds it.",
        remedy="Put one over it.",
        severity="warning",
    )
    left = apply_allowances({"policy.yaml": fence.text.encode()}, [warning], LINTS)
    assert list(left) == []


@pytest.mark.parametrize("code", sorted(LINTS))
def test_every_remark_is_shown_as_it_is(code: str) -> None:
    """Each code has a section: an excerpt of a real case, and all that is said of that case."""
    fences = section(code)
    files = [LINTED / f"{code}.yaml"]
    if (LINTED / code).is_dir():
        files = sorted((LINTED / code).iterdir())
    lines = {line for file in files for line in file.read_text(encoding="utf-8").splitlines()}
    for fence in fences:
        if fence.word == "linted":
            assert set(fence.text.splitlines()) <= lines
    (shown,) = [fence for fence in fences if fence.word == "lint"]
    said = (LINTED / f"{code}.txt").read_text(encoding="utf-8")
    PAGE.expect(shown.written, f"```text lint\n{said}```")


def section(code: str) -> list[Fence]:
    """The fences below a heading."""
    head = PAGE.text.index(f"### {code}\n")
    line = PAGE.text.count("\n", 0, head) + 1
    following = re.compile(r"(?m)^#{2,3} ").search(PAGE.text, head + 4)
    end = len(PAGE.text) if following is None else following.start()
    last = PAGE.text.count("\n", 0, end) + 1
    return [fence for fence in PAGE.fences if line < fence.line < last]


def test_every_link_leads_somewhere() -> None:
    """Every heading of this page and every file that is linked exists."""
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.+)$", PAGE.text)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGE.text):
        path, _, anchor = target.partition("#")
        if path:
            assert (PAGE.path.parent / path).exists(), target
        else:
            assert anchor in slugs, target
