"""The shape of the house, where no linter states it. Each failure says what to do instead."""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).parent.parent

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
README_LINES_MAX = 150

FLOATS_ALLOWED_IN = frozenset({"service/core/expression.py"})
"""Facts of type number reach conditions as CEL doubles; none of them is money."""

COMMITS_IN = "service/adapters/sql/uow.py"

OUTSIDE_WORLD = {
    "time": "service/adapters/clock.py",
    "random": "service/adapters/ids.py",
    "secrets": "service/adapters/ids.py",
    "uuid": "service/adapters/ids.py",
}
"""Modules that read the clock or draw randomness, and the one file that may import each."""

THIRD_PARTIES = {
    "service/core/": frozenset[str](),
    "service/policyfile/": frozenset(
        {"cel_expr_python", "orjson", "pydantic", "pydantic_core", "ruamel", "yaml", "z3"}
    ),
    "service/app/": frozenset({"orjson"}),
    "service/audit/": frozenset({"cryptography", "orjson"}),
}

NAMES_THAT_SAY_NOTHING = re.compile(
    r"(?:.*_)?(?:utils?|helpers?|common|managers?|base|misc|stuff|tools?)"
)

ADDRESSES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|(?:docker|ghcr|quay|gcr|crates)\.io"
    r"|mcr\.microsoft\.com|deb\.debian\.org|proxy\.golang\.org|anaconda\.org"
    r"|--(?:(?:extra-)?index-url|find-links|trusted-host)"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:work|root|home)\b")

BUILT = re.compile(r"(?:\.(?!ci$|github$).*|__pycache__|var|build|dist|.*\.egg-info)")
"""Folders that are made on a machine and never committed."""

Found: TypeAlias = Iterator[tuple[int, str]]
Rule: TypeAlias = Callable[[ast.Module], Found]


# ── What is forbidden: each rule yields the line and what stands there ──


def long_functions(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def floats(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=float() | complex()):
                yield node.lineno, f"the literal {node.value!r}"
            case ast.Name(id="float"):
                yield node.lineno, "float"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node.lineno, "the operator /"
            case _:
                pass


def commits(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "commit":
            yield node.lineno, ".commit"


def outside_world(tree: ast.Module) -> Found:
    for line, module in imported(tree):
        if module in OUTSIDE_WORLD:
            yield line, module
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "urandom":
            yield node.lineno, "random"


def third_parties(tree: ast.Module) -> Found:
    for line, module in imported(tree):
        if module != "service" and module not in sys.stdlib_module_names:
            yield line, module


def silent_tests(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            sentence = ast.get_docstring(node) or ""
            if node.name.startswith("test_") and not sentence.endswith("."):
                yield node.lineno, node.name


def patches(tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr" | "setitem"):
                yield node.lineno, f"monkeypatch.{node.attr}"
            case ast.Attribute(attr="patch", value=ast.Name(id="mock" | "mocker")):
                yield node.lineno, "patch"
            case _:
                pass


def imported(tree: ast.Module) -> Found:
    """The top-level package of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


# ── Where it is looked for ──


@cache
def committed() -> tuple[str, ...]:
    """Every file that belongs to the project, by its path from the root."""
    found: list[str] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not BUILT.fullmatch(name)]
        found.extend((Path(folder) / name).relative_to(ROOT).as_posix() for name in files)
    return tuple(sorted(found))


def python_under(*folders: str) -> list[str]:
    return [path for path in committed() if path.endswith(".py") and path.startswith(folders)]


@cache
def text_of(path: str) -> str:
    """The text, or none where the file holds bytes."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse(text_of(path))


def hits(rule: Rule, paths: list[str]) -> list[tuple[str, str, str]]:
    """Path, what was found there, and both as a line that an editor can follow."""
    return [
        (path, what, f"{path}:{line}: {what}")
        for path in paths
        for line, what in rule(tree_of(path))
    ]


def demand(found: list[str], remedy: str) -> None:
    if found:
        pytest.fail("\n".join([remedy, *found]), pytrace=False)


# ── The rules ──


def test_functions_fit_on_a_screen() -> None:
    """No function of the service is longer than sixty lines."""
    found = [line for _, _, line in hits(long_functions, python_under("service/"))]
    demand(found, "Split it where its comments already do, and name the parts.")


def test_files_are_read_in_one_sitting() -> None:
    """No file of the service is longer than four hundred lines."""
    lengths = {path: text_of(path).count("\n") for path in python_under("service/")}
    found = [f"{path}: {lines}" for path, lines in lengths.items() if lines > FILE_LINES_MAX]
    demand(found, "A file is about one noun. Find the second one and give it a file.")


def test_no_float_comes_near_money() -> None:
    """The core knows no float: no literal, no name, no true division."""
    paths = [path for path in python_under("service/core/") if path not in FLOATS_ALLOWED_IN]
    found = [line for _, _, line in hits(floats, paths)]
    demand(found, "Count in minor units; where a share is needed, take Fraction and round once.")


def test_one_module_commits() -> None:
    """Whatever is written is committed in one place, so nothing is answered before it is kept."""
    found = [
        line for path, _, line in hits(commits, python_under("service/")) if path != COMMITS_IN
    ]
    demand(found, f"Give the work to the unit of work: {COMMITS_IN} commits.")


def test_clock_and_chance_have_one_door_each() -> None:
    """The clock is read in one module and randomness is drawn in one module."""
    found = [
        f"{line} (only {OUTSIDE_WORLD[what]} may)"
        for path, what, line in hits(outside_world, python_under("service/"))
        if path != OUTSIDE_WORLD[what]
    ]
    demand(found, "Take the instant or the id as an argument, or ask the port for it.")


@pytest.mark.parametrize("layer", sorted(THIRD_PARTIES))
def test_inner_layers_stay_lean(layer: str) -> None:
    """The inner layers import the standard library and the few packages that are theirs."""
    found = [
        line
        for _, what, line in hits(third_parties, python_under(layer))
        if what not in THIRD_PARTIES[layer]
    ]
    demand(found, "Wrap it in an adapter, and let the inner layer state what it needs as a port.")


def test_file_names_say_something() -> None:
    """No module is named after the fact that somebody needed a place for things."""
    paths = python_under("service/", "tests/", "bench/")
    found = [path for path in paths if NAMES_THAT_SAY_NOTHING.fullmatch(Path(path).stem)]
    demand(found, "Name the file after the one noun that it is about.")


def test_every_test_says_what_must_be_true() -> None:
    """Each test has a sentence that a reader can disagree with."""
    found = [line for _, _, line in hits(silent_tests, python_under("tests/"))]
    demand(found, "Say in one sentence, with a full stop, what must be true.")


def test_nothing_is_patched() -> None:
    """Tests pass fakes through the front door and never replace code behind its back."""
    found = [line for _, _, line in hits(patches, python_under("tests/"))]
    demand(found, "Pass a fake as an argument; if there is no such argument, the code needs one.")


def test_no_file_names_a_machine() -> None:
    """The project builds anywhere: no file holds the address of a registry or somebody's path."""
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path in committed()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if ADDRESSES.search(line) or MACHINE_PATHS.search(line)
    ]
    demand(found, "Leave the address to the machine's own settings, and write paths from the root.")


def test_readme_is_an_invitation() -> None:
    """The README is read to its end: it has fewer than a hundred and fifty lines."""
    if "README.md" not in committed():
        pytest.skip("there is no README.md yet")
    lines = text_of("README.md").count("\n")
    demand(
        [f"README.md: {lines} lines"] * (lines >= README_LINES_MAX), "Move the manual into docs/."
    )


# ── And the rules themselves ──


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (long_functions, "def long():\n" + "    pass\n" * FUNCTION_LINES_MAX),
        (floats, "rate = 0.1"),
        (floats, "def rate() -> float: ..."),
        (floats, "half = whole / 2"),
        (floats, "whole /= 2"),
        (commits, "session.commit()"),
        (outside_world, "from time import monotonic"),
        (outside_world, "import uuid"),
        (outside_world, "os.urandom(16)"),
        (third_parties, "def late():\n    from yaml.nodes import Node"),
        (silent_tests, "def test_it(): ..."),
        (silent_tests, "async def test_it():\n    '''No stop'''"),
        (patches, "monkeypatch.setattr(clock, 'now', fake)"),
        (patches, "mock.patch('service.clock')"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: Rule, source: str) -> None:
    """A rule that could not fail would hold nothing up."""
    assert len(list(rule(ast.parse(source)))) == 1


@pytest.mark.parametrize("stem", ["utils", "test_helpers", "base", "money_common"])
def test_empty_names_are_known(stem: str) -> None:
    """A name that says nothing is found, alone or behind an underscore."""
    assert NAMES_THAT_SAY_NOTHING.fullmatch(stem)


@pytest.mark.parametrize("stem", ["database", "money", "baseline", "uncommon"])
def test_honest_names_are_left_alone(stem: str) -> None:
    """A name that only contains such a word is no offence."""
    assert not NAMES_THAT_SAY_NOTHING.fullmatch(stem)


@pytest.mark.parametrize(
    "parts", [["", "root", "x"], ["file:", "", "", "work", "main"], ["see ", "home", "ana"]]
)
def test_paths_of_machines_are_known(parts: list[str]) -> None:
    """An absolute path into somebody's folders is found wherever it stands in a line."""
    assert MACHINE_PATHS.search("/".join(parts))


@pytest.mark.parametrize("parts", [["", "network", "x"], ["the", "home", "key"], ["", "rooted"]])
def test_other_paths_are_left_alone(parts: list[str]) -> None:
    """A path that only resembles one, or a relative one, is no offence."""
    assert not MACHINE_PATHS.search("/".join(parts))


@pytest.mark.parametrize(
    ("joint", "parts"), [(".", ["files.pypi", "org"]), ("-", ["", "", "find", "links x"])]
)
def test_addresses_of_registries_are_known(joint: str, parts: list[str]) -> None:
    """A registry's host and an option that names one are found."""
    assert ADDRESSES.search(joint.join(parts))
