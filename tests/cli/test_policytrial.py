"""``remit policy trial`` against a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from service.app.trialrecords import TrialReason
from service.cli.trialtext import trial_lines
from tests.app.house import POLICY, proposal, shop_files, write_shop
from tests.app.test_logkeeper import until
from tests.cli.terminal import remit
from tests.cli.test_policypublish import TWO, run
from tests.cli.test_serve import DEMO, Serving, serving

RAISED = POLICY.replace("up_to: 100}", "up_to: 180}")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One process for all tests here, in which a pilot takes two people."""
    folder = tmp_path_factory.mktemp("trial")
    write_shop(folder / "shop", shop_files(POLICY, TWO))
    with serving(folder, *DEMO) as started:
        yield started


def propose(service: Serving, amount: str, guest: str) -> Any:
    headers = {"Authorization": f"Bearer {service.secret('ana')}"}
    body = proposal(amount=amount, guest=guest)
    return httpx.post(f"{service.address}/v1/resolutions", json=body, headers=headers).json()


def test_a_pilot_is_started_by_two_watched_and_ended(service: Serving, tmp_path: Path) -> None:
    """Each command names the next one; the text shows the figures of both sets."""
    candidate = str(write_shop(tmp_path / "next", shop_files(RAISED, TWO)))
    asked = run(
        service,
        tmp_path,
        "paula",
        *("trial", "start", candidate, "--pilot", "--site", "main"),
        *("--approved", "1000.00", "--escalated", "40", "--after", "9"),
    )
    assert asked.exit_code == 0, asked.output
    assert "waits for a second person: remit policy trial confirm tri_" in asked.stdout
    trial = asked.stdout.split()[0]
    waiting = run(service, tmp_path, "peter", "trial", "show", trial)
    assert "asked for by paula, waits for a second person" in waiting.stdout
    done = run(service, tmp_path, "peter", "trial", "confirm", trial)
    assert f"remit policy trial end {trial}" in done.stdout
    made = propose(service, "150.00", "G-1")
    assert made["outcome"] == "approved"

    def is_compared() -> bool:
        found = run(service, tmp_path, "paula", "trial", "show", trial, "--format", "json")
        return bool(json.loads(found.stdout)["compared"]["decisions"] == 1)

    until(is_compared)
    shown = run(service, tmp_path, "paula", "trial", "show", trial).stdout
    assert "a pilot at main, running since" in shown
    assert "150.00 approved (ends at 1000.00)" in shown
    assert "(ends above 40 % of 9 or more)" in shown
    assert "compared: 1 decision, 1 come out otherwise" in shown
    assert "money: 150.00 more, 0.00 less" in shown
    assert "incomplete → approved: 1, worth 150.00" in shown
    assert made["entry"]["id"] in shown
    assert (
        made["entry"]["id"]
        not in run(service, tmp_path, "paula", "trial", "show", trial, "--flips", "0").stdout
    )
    ended = run(service, tmp_path, "paula", "trial", "end", trial)
    assert f"{trial} has ended" in ended.stdout
    listed = run(service, tmp_path, "paula", "trial", "list").stdout
    assert trial in listed
    assert "by_hand" in listed


def test_a_shadow_takes_one_person(service: Serving, tmp_path: Path) -> None:
    """It runs at once, and changes nothing."""
    candidate = str(write_shop(tmp_path / "next", shop_files(RAISED, TWO)))
    started = run(service, tmp_path, "paula", "trial", "start", candidate, "--format", "json")
    trial = json.loads(started.stdout)
    assert (trial["mode"], trial["state"]) == ("shadow", "running")
    assert propose(service, "150.00", "G-7")["outcome"] == "incomplete"
    second = run(service, tmp_path, "paula", "trial", "start", candidate)
    assert (second.exit_code, "trial_running" in second.stderr) == (1, True)
    assert run(service, tmp_path, "paula", "trial", "end", trial["id"]).exit_code == 0


def test_wrong_usage_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    """A guardrail without a pilot, and a folder that is not there."""
    assert remit("policy", "trial", "start", str(tmp_path), "--share", "10").exit_code == 2
    assert remit("policy", "trial", "start", str(tmp_path / "none")).exit_code == 2


def test_every_end_has_its_words() -> None:
    """A trial that ended says who or what ended it, in one sentence."""
    trial = {
        "name": "shop",
        "version": "sha256:1",
        "mode": "pilot",
        "sites": None,
        "share_percent": 10,
        "state": "ended",
        "ended_at": "2026-03-02T12:00:00Z",
        "ended_by": "paula",
        "beside": "sha256:0",
        "decided": None,
        "compared": None,
    }
    reasons = get_args(TrialReason)
    said = [list(trial_lines({**trial, "reason": reason}, 5))[1] for reason in reasons]
    assert "  a pilot for 10 % of guests, ended 2026-03-02T12:00:00Z: paula ended it" in said
    assert len(set(said)) == len(reasons)
