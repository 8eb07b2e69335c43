"""The lock: what is installed is what was resolved, whoever installs it and wherever."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("build", "run", "dev")
PINNED = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)(.*(?:\n .*)*)", re.MULTILINE)


def pins(lock: str) -> dict[str, tuple[str, str]]:
    """By name: the version, and the rest of the entry."""
    text = (ROOT / "lock" / f"{lock}.txt").read_text(encoding="utf-8")
    return {name: (version, rest) for name, version, rest in PINNED.findall(text)}


def versions(lock: str) -> dict[str, str]:
    return {name: version for name, (version, _) in pins(lock).items()}


def named(requirements: list[str]) -> set[str]:
    """The names in requirements, as the lock spells them."""
    names = {re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0] for requirement in requirements}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_its_hashes(lock: str) -> None:
    """No package can be swapped on its way: each entry carries at least one sha256."""
    assert pins(lock)
    assert [name for name, (_, rest) in pins(lock).items() if "--hash=sha256:" not in rest] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_tells_where_it_was_made(lock: str) -> None:
    """A lock holds names, versions, hashes and reasons; no address and no path."""
    text = (ROOT / "lock" / f"{lock}.txt").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^--|://|@ ", text) == []


def test_the_tests_run_what_the_image_runs() -> None:
    """Every version that is served is the version that is tested."""
    assert versions("run").items() <= versions("dev").items()
    assert versions("build").items() <= versions("dev").items()


def test_the_locks_follow_the_declaration() -> None:
    """Whoever declares a dependency makes the lock anew: make lock."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    assert named(declared["build-system"]["requires"]) <= versions("build").keys()
    assert named(project["dependencies"]) <= versions("run").keys()
    assert named(project["optional-dependencies"]["dev"]) <= versions("dev").keys()
