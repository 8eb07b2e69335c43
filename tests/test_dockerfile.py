"""What the image promises to whoever runs it."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def arguments(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def copied_from_here() -> list[str]:
    """The sources that are taken from the project, not from another stage."""
    copies = [rest.split() for rest in arguments("COPY") if not rest.startswith("--from")]
    return [source for *sources, _ in copies for source in sources]


def test_it_does_not_run_as_root() -> None:
    """The last user named is a number other than root's, so that a cluster can check it."""
    user, _, group = arguments("USER")[-1].partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_each_stage_starts_from_one_pinned_family() -> None:
    """Every stage starts from the same slim Debian with the Python that the lock was made for."""
    lock = (ROOT / "lock" / "run.txt").read_text(encoding="utf-8")
    python = re.search(r"with Python (3\.[0-9]+)", lock)
    assert python
    bases = {rest.split()[0] for rest in arguments("FROM")}
    assert bases == {f"python:{python[1]}-slim-bookworm"}


def test_what_is_copied_exists() -> None:
    """Every source of a COPY stands in the project."""
    assert [source for source in copied_from_here() if not (ROOT / source).exists()] == []


def test_what_is_copied_is_let_through() -> None:
    """Everything that is copied is excepted in .dockerignore, which keeps all else out."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    assert set(copied_from_here()) == {line[1:] for line in lines if line.startswith("!")}


def test_only_locked_packages_come_in() -> None:
    """Every install checks hashes or takes the wheel that was just built, and nothing else."""
    installs = re.findall(r"pip install ([^&]*)", " ".join(arguments("RUN")))
    assert installs
    for options in installs:
        assert "--require-hashes" in options or "--no-index" in options


def test_it_serves_and_says_whether_it_is_well() -> None:
    """The image is the command, serves by default on 8000, and is asked at /healthz."""
    assert [json.loads(rest) for rest in arguments("ENTRYPOINT")] == [["remit"]]
    assert [json.loads(rest) for rest in arguments("CMD")] == [["serve"]]
    assert arguments("EXPOSE") == ["8000"]
    assert "/healthz" in arguments("HEALTHCHECK")[0]


def test_what_must_last_lies_in_a_volume() -> None:
    """The database, and the keys beside it, outlive the container."""
    (volume,) = arguments("VOLUME")
    assert f"REMIT_DATABASE=sqlite:///{volume}/remit.db" in arguments("ENV")[-1]
