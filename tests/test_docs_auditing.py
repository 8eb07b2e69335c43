"""The auditor's page: each command runs as it stands, and prints what the page shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.audit.finding import Code
from tests.app.test_logkeeper import until
from tests.cli.terminal import remit
from tests.cli.test_serve import Serving, serving
from tests.markdown_page import REGENERATE, Page

ROOT = Path(__file__).parent.parent
PAGE = Page(ROOT / "docs" / "auditing.md")
ADDRESS = "https://remit.example"
SECONDS = 120

_MASKS = (
    (re.compile(r"\b(ent|res|esc|bud|key)_[0-9a-z_]+"), r"\1_…"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z +"), "TIME "),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"(checkpoints +)[\d,]+"), r"\1N"),
    (re.compile(r"(?m)(^root_mismatch: .*\n)+"), "root_mismatch …\n"),  # as many as were kept
    (re.compile(r"\d+ faults"), "N faults"),
    (re.compile(r"(?m)^ +\d+  TIME"), "N TIME"),
    (re.compile(r"Entry \d+"), "Entry N"),
    (re.compile(r"index \d+"), "index N"),
)


class Hotel:
    """A hotel in its first hour, and whom its auditor asks about."""

    def __init__(self, service: Serving) -> None:
        self.service = service
        for number, amount in enumerate(("90.00", "120.00", "180.00")):
            self.propose(f"G-{number}", amount=amount)
        self.denied = self.propose("G-3", resolution="cash", amount="40.00")
        self.case = self.propose("G-4", amount="700.00")
        answer = {"answer": "approve"}
        self.post("max", f"/v1/escalations/{self.case['escalation']['id']}/answer", answer)
        self.ask("ana", "/v1/log")
        until(lambda: bool(self.ask("audra", "/v1/log?kind=refused").json()["entries"]))

    def propose(self, guest: str, resolution: str = "goodwill_credit", **fields: str) -> Any:
        facts = {
            "guest": {"id": guest, "tier": "gold"},
            "stay": {"id": "S-1", "nightly_rate": "320.00", "total": "960.00"},
            "incident": {"severity": 2},
        }
        body = {
            "site": "new_york",
            "resolution": resolution,
            "note": "wet",
            "facts": facts,
            **fields,
        }
        return self.post("ana", "/v1/resolutions", body)

    def is_published(self) -> bool:
        """Whether a checkpoint covers the last entry."""
        entry = self.ask("audra", "/v1/log?limit=1").json()["entries"][0]["id"]
        return self.ask("audra", f"/v1/log/{entry}/proof").is_success

    def ask(self, person: str, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.service.secret(person)}"}
        return httpx.get(self.service.address + path, headers=headers)

    def post(self, person: str, path: str, body: object) -> Any:
        headers = {"Authorization": f"Bearer {self.service.secret(person)}"}
        answer = httpx.post(self.service.address + path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hotel, Path]]:
    folder = tmp_path_factory.mktemp("hour")
    hotel = ROOT / "policies" / "hotel"
    database = f"sqlite:///{folder}/remit.db"
    with serving(folder, "--demo", "--policies", str(hotel), "--database", database) as service:
        found = Hotel(service)
        desk = folder / "desk"
        shutil.copytree(hotel, desk / "hotel")
        (desk / "operator.vkey").write_text(remit("audit", "key", "--database", database).stdout)
        until(found.is_published)
        yield found, desk


def run(command: str, hotel: Hotel, desk: Path) -> str:
    """What a terminal would show."""
    bin_ = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "REMIT_TOKEN": hotel.service.secret("audra"),
    }
    done = subprocess.run(
        ["bash", "-c", command.replace(ADDRESS, hotel.service.address)],
        cwd=desk,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode in (0, 1), done.stdout
    return done.stdout.replace(hotel.service.address, ADDRESS)


def named(command: str, hotel: Hotel) -> str:
    """The command with the ids of this run."""
    command = re.sub(r"\bres_\w+", hotel.case["id"], command)
    return re.sub(r"\bent_[0-9a-z_]+", hotel.denied["entry"]["id"], command)


def masked(text: str) -> str:
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def test_every_command_prints_what_the_page_shows(hour: tuple[Hotel, Path]) -> None:
    """From the first to the last, in one folder, but for ids, hashes and instants."""
    hotel, desk = hour
    fences = [fence for fence in PAGE.fences if fence.word == "hour"]
    assert len(fences) > 8
    for fence in fences:
        commands = [line[2:] for line in fence.text.splitlines() if line.startswith("$ ")]
        shown = []
        for command in commands:
            own = named(command, hotel)
            shown.append(f"$ {own}\n{run(own, hotel, desk)}")
        computed = f"```console hour\n{''.join(shown)}```"
        if REGENERATE:
            PAGE.expect(fence.written, computed)
        else:
            assert masked(fence.written) == masked(computed)


def test_every_fault_is_explained() -> None:
    """The table has each code once, and no other."""
    assert PAGE.tables["faults"].column(0) == [code.value for code in Code]


def test_the_damaged_copy_is_found_out(hour: tuple[Hotel, Path]) -> None:
    """The page's own example of a fault is one."""
    fence = next(fence for fence in PAGE.fences if "sed -i" in fence.text)
    assert "does not hold" in fence.text
    assert Code.TILE_MISMATCH.value in fence.text
    assert Code.ROOT_MISMATCH.value in fence.text
