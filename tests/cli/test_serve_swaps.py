"""``remit serve`` follows its folder while everybody works: no request fails or mixes versions."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TypeVar

import httpx
import pytest

from service.bootstrap import compile_files
from tests.app.house import POLICY, proposal, shop_files, write_shop
from tests.cli.test_serve import DEMO, Serving, serving

CLIENTS = 64
SWAPS = 4
READY_SECONDS = 20

Told = TypeVar("Told")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    write_shop(tmp_path / "shop", saved(0))
    with serving(tmp_path, *DEMO) as started:
        yield started


def saved(turn: int) -> dict[str, bytes]:
    """A set in which the least that a clerk may give says which one it is."""
    changed = POLICY.replace("up_to: 100}", f"up_to: {50 + turn}}}")
    return shop_files(changed.replace("limit: 2000", "limit: 2000000"))


VERSIONS = [compile_files(saved(turn)).rulebook.version for turn in range(SWAPS + 1)]


def in_force(service: Serving, version: str) -> bool:
    """Whether a version is in force soon."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if httpx.get(f"{service.address}/readyz").json()["policy"] == version:
            return True
        time.sleep(0.05)
    return False


def told_meanwhile(
    service: Serving, folder: Path, send: Callable[[httpx.Client, int, int], Told]
) -> list[Told]:
    """What 64 clients are told, again and again, while the folder is saved turn by turn.

    They send with their number, and with how often they have sent before.
    """
    done = Event()
    headers = {"Authorization": f"Bearer {service.secret('ana')}"}

    def work(number: int) -> list[Told]:
        told: list[Told] = []
        with httpx.Client(base_url=service.address, headers=headers, timeout=60) as client:
            while not done.is_set():
                told.append(send(client, number, len(told)))
        return told

    with ThreadPoolExecutor(CLIENTS) as threads:
        working = [threads.submit(work, number) for number in range(CLIENTS)]
        try:
            for turn in range(1, SWAPS + 1):
                write_shop(folder / "shop", saved(turn))
                assert in_force(service, VERSIONS[turn])
        finally:
            done.set()
        return [one for each in working for one in each.result()]


def test_a_folder_is_saved_under_load(service: Serving, tmp_path: Path) -> None:
    """Each of 64 clients is answered each time, under one version that was in force meanwhile.

    The cap that the answer names is the one of the version that it names.
    """

    def ask(client: httpx.Client, number: int, _: int) -> tuple[int, str, str]:
        body = proposal(amount="999.00", guest=f"G-{number}")
        answer = client.post("/v1/resolutions/check", json=body)
        found = answer.json()
        reason = json.dumps(found.get("reasons"))
        return answer.status_code, found["policy"]["version"], reason

    told = told_meanwhile(service, tmp_path, ask)
    assert {status for status, _, _ in told} == {200}
    assert {version for _, version, _ in told} <= set(VERSIONS)
    assert len({version for _, version, _ in told}) > 1
    caps = {(version, cap(reason)) for _, version, reason in told}
    assert caps <= {(version, 50 + turn) for turn, version in enumerate(VERSIONS)}


def test_no_proposal_is_lost_or_mixed_by_a_swap(service: Serving, tmp_path: Path) -> None:
    """64 clients propose while the folder is saved: each is answered, and the log has each once.

    What would pass unasked is what the version says that the answer names, and the entry
    names the same one.
    """

    def propose(client: httpx.Client, number: int, turn: int) -> tuple[int, str, str, str]:
        body = proposal(amount="1.00", guest=f"G-{number}-{turn}")
        answer = client.post("/v1/resolutions", json=body)
        found = answer.json()
        unasked = found["without_escalation_up_to"]["amount"]
        return answer.status_code, found["id"], found["policy"]["version"], unasked

    told = told_meanwhile(service, tmp_path, propose)
    service.stop()
    assert {status for status, *_ in told} == {201}
    assert len({version for _, _, version, _ in told}) > 1
    caps = {(version, unasked) for _, _, version, unasked in told}
    assert caps <= {(version, f"{50 + turn}.00") for turn, version in enumerate(VERSIONS)}
    with closing(sqlite3.connect(tmp_path / "var" / "remit.db")) as database:
        logged = database.execute(
            "SELECT about, policy_version FROM entries WHERE kind = 'decision'"
        ).fetchall()
    assert sorted(logged) == sorted((id_, version) for _, id_, version, _ in told)


def cap(reasons: str) -> int:
    """What the grant ``small`` gives at most, by the words of the reasons."""
    (found,) = [one for one in json.loads(reasons) if one["rule"] == "small"]
    digits = found["message"].split("up to ")[-1].split(".")[0]
    return int("".join(it for it in digits if it.isdigit()))


def test_a_broken_file_is_shown_and_costs_nobody_anything(service: Serving, tmp_path: Path) -> None:
    """The last good set goes on; `/readyz` has the place, the operator's log has the words."""
    version = compile_files(saved(0)).rulebook.version
    (tmp_path / "shop" / "shop.yaml").write_text("remit: 1\nname: shop\nrolls: {}\n")
    until = time.monotonic() + READY_SECONDS
    folder: dict[str, object] = {}
    while not folder.get("problems") and time.monotonic() < until:
        folder = httpx.get(f"{service.address}/readyz").json()["folder"]
        time.sleep(0.05)
    assert folder["version"] == version
    assert folder["differs"]
    assert {"file": "shop.yaml", "line": 3, "code": "unknown_key"} in list(folder["problems"])  # type: ignore[call-overload]
    headers = {"Authorization": f"Bearer {service.secret('ana')}"}
    made = httpx.post(f"{service.address}/v1/resolutions", json=proposal(), headers=headers)
    assert made.json()["policy"]["version"] == version
    write_shop(tmp_path / "shop", saved(1))
    assert in_force(service, compile_files(saved(1)).rulebook.version)
    lines = [json.loads(line) for line in service.stop().splitlines() if "folder_refused" in line]
    assert len(lines) == 1
    assert any("rolls" in problem for problem in lines[0]["problems"])
