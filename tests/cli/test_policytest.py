"""``remit policy test``: coverage that is asked for, XML for build servers, and watching."""

import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.terminal import FAILING, PASSING, remit, start, write_set
from tests.policyfile.suites import case, step

WAIT_SECONDS = 60


# ── coverage ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("least", "code"), [("0", 0), ("7", 0), ("8", 1), ("100", 1)])
def test_too_little_coverage_ends_with_1(least: str, code: int, tmp_path: Path) -> None:
    """The share of rules and limits covered from both sides is rounded down and compared."""
    covering = case(
        "cash is never given",
        step('cash, amount: "1.00"', "outcome: denied"),
    )
    result = remit("policy", "test", write_set(tmp_path, covering), "--min", least)
    assert result.exit_code == code
    assert result.stdout.splitlines()[-1] == f"coverage: 7%, and {least}% are asked for"


def test_coverage_as_json_has_its_share(tmp_path: Path) -> None:
    """A program finds the percentage, and `ok` says whether it is enough."""
    folder = write_set(tmp_path, PASSING)
    result = remit("policy", "test", folder, "--min", "1", "--format", "json")
    told = json.loads(result.stdout)
    assert (told["ok"], told["coverage"]["percent"], result.exit_code) == (False, 0, 1)


def test_a_set_without_suites_covers_nothing(tmp_path: Path) -> None:
    """What is asked for is not there, though no test failed."""
    folder = write_set(tmp_path)
    assert remit("policy", "test", folder, "--min", "1").exit_code == 1
    assert remit("policy", "test", folder).exit_code == 0
    told = remit("policy", "test", folder, "--min", "1", "--format", "json")
    assert (told.exit_code, json.loads(told.stdout)["ok"]) == (1, False)


@pytest.mark.parametrize("least", ["-1", "101", "much"])
def test_a_share_is_a_whole_percentage(least: str, tmp_path: Path) -> None:
    """Anything else is wrong usage."""
    assert remit("policy", "test", write_set(tmp_path, PASSING), "--min", least).exit_code == 2


# ── JUnit ─────────────────────────────────────────────────────────────────────────────


def test_junit_has_a_testcase_for_each_test(tmp_path: Path) -> None:
    """Build servers count tests and failures, and show what differs and why."""
    result = remit("policy", "test", write_set(tmp_path, PASSING, FAILING), "--format", "junit")
    assert result.exit_code == 1
    root = ET.fromstring(result.stdout)  # noqa: S314 - our own output
    (suite,) = root
    assert root.tag == "testsuites"
    counts = {it: suite.get(it) for it in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    passing, failing = suite
    assert (passing.get("name"), len(passing)) == ("a small credit is given", 0)
    assert (failing.get("file"), failing.get("line")) == ("shop_test.yaml", "13")
    (failure,) = failing
    text = failure.text or ""
    assert "outcome: expected escalated, got denied" in text
    assert "· all lets owner give up to 1000.00 USD" in text


def test_junit_escapes_what_xml_would_read(tmp_path: Path) -> None:
    """The name of a test may hold anything."""
    odd = case("'1 < 2 & \"so\" ]]>'", step('credit, amount: "1.00"', "outcome: denied"))
    result = remit("policy", "test", write_set(tmp_path, odd), "--format", "junit")
    root = ET.fromstring(result.stdout)  # noqa: S314 - our own output
    assert [it.get("name") for it in root.iter("testcase")] == ['1 < 2 & "so" ]]>']


def test_junit_counts_the_coverage_that_is_asked_for(tmp_path: Path) -> None:
    """Too little of it is a failed test of its own, with every gap."""
    folder = write_set(tmp_path, PASSING)
    result = remit("policy", "test", folder, "--format", "junit", "--min", "50")
    root = ET.fromstring(result.stdout)  # noqa: S314 - our own output
    failures = [(it.get("message"), it.text or "") for it in root.iter("failure")]
    assert result.exit_code == 1
    assert [message for message, _ in failures] == ["0% are covered"]
    assert "prohibition no-cash: no case is prohibited by it" in failures[0][1]


# ── watching ──────────────────────────────────────────────────────────────────────────


class Watcher:
    """A watching process, and what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.process = start("policy", "test", folder, "--watch")
        self._said = b""

    def wait_for(self, *texts: str) -> None:
        """Read on until each has been said; then begin anew."""
        streams = [self.process.stdout, self.process.stderr]
        ends = time.monotonic() + WAIT_SECONDS
        while any(text.encode() not in self._said for text in texts):
            assert time.monotonic() < ends, (texts, self._said.decode())
            ready, _, _ = select.select([it for it in streams if it], [], [], 1)
            for stream in ready:
                self._said += os.read(stream.fileno(), 65536)
        self._said = b""


@contextmanager
def watching(folder: Path) -> Iterator[Watcher]:
    watcher = Watcher(folder)
    try:
        watcher.wait_for("all passed", "Ctrl-C ends it")
        yield watcher
    finally:
        watcher.process.send_signal(signal.SIGINT)
        try:
            watcher.process.communicate(timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            watcher.process.kill()
            raise
    assert watcher.process.returncode == 0


def test_suites_are_run_again_after_each_change(tmp_path: Path) -> None:
    """Also after a file that was saved half, and after the folder was replaced whole."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_set(folder, PASSING)
    policy, whole = folder / "shop.yaml", (folder / "shop.yaml").read_text("utf-8")
    with watching(folder) as watcher:
        policy.write_text(whole.replace("up_to: 20}", "up_to: 10}"), "utf-8")
        watcher.wait_for("expected approved, got incomplete", "1 failed", "Ctrl-C ends it")
        policy.write_text(whole[: len(whole) // 2], "utf-8")
        watcher.wait_for("does not load", "Ctrl-C ends it")
        policy.write_text(whole, "utf-8")
        watcher.wait_for("all passed", "Ctrl-C ends it")
        shutil.move(folder, tmp_path / "old")
        (tmp_path / "new").mkdir()
        write_set(tmp_path / "new", PASSING, FAILING)
        shutil.move(tmp_path / "new", folder)
        watcher.wait_for("2 tests in 1 suite: 1 failed", "Ctrl-C ends it")
        write_set(folder, PASSING)
        watcher.wait_for("all passed", "Ctrl-C ends it")


def test_watching_is_for_people(tmp_path: Path) -> None:
    """No program waits for output that never ends."""
    folder = write_set(tmp_path, PASSING)
    assert remit("policy", "test", folder, "--watch", "--format", "json").exit_code == 2
    assert remit("policy", "test", tmp_path / "nowhere", "--watch").exit_code == 2
