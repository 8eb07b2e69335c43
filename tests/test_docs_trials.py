"""Trials on the page for managers: the commands print what is shown, on requests that are made.

The ids of trials and entries are the page's. After a change, write the outputs anew with
``REGENERATE=1 python -m pytest tests/test_docs_trials.py``, then read the difference.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.test_logkeeper import until
from tests.cli.test_serve import Serving, serving
from tests.test_docs_managing import INSTANT, PAGE, printed

ID = re.compile(r"\b(tri|ent)_[0-9a-z]{26}\b")
SHOWN = "{}_01kjpfzw00000000000000000{}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Serving]:
    """A service with the page's first policy in force; ana proposes and paula tries."""
    first = next(fence for fence in PAGE.fences if fence.word == "run")
    printed(first.text.splitlines()[0], tmp_path)
    with (tmp_path / "shop" / "access.csv").open("a", encoding="utf-8") as access:
        access.write("g, ana, clerk, *\ng, paula, author, *\n")
    with serving(tmp_path, "--demo", "--no-watch", "--policies", "shop", last="  paula") as started:
        yield started


class Following:
    """A reader who types what the page shows, with the ids that they got."""

    def __init__(self, service: Serving, folder: Path) -> None:
        self._service = service
        self._folder = folder
        self._key = folder / "paula.key"
        self._key.write_text(service.secret("paula"), encoding="ascii")
        self._shown: dict[str, str] = {}

    def typed(self, line: str) -> str:
        for real, shown in self._shown.items():
            line = line.replace(shown, real)
        asks = f" --url {self._service.address} --key-file {self._key}"
        return printed(line + (asks if line.startswith("remit") else ""), self._folder)

    def as_shown(self, said: str) -> str:
        return INSTANT.sub("2026-03-02T12:00:00.000000Z", ID.sub(self._renamed, said))

    def propose(self, *amounts: str) -> None:
        headers = {"Authorization": f"Bearer {self._service.secret('ana')}"}
        for number, amount in enumerate(amounts):
            facts = {"customer": {"id": f"C-{number}"}, "case": {"id": f"K-{number}-{amount}"}}
            body = {"site": "main", "resolution": "goodwill_credit", "amount": amount}
            where = f"{self._service.address}/v1/resolutions"
            made = httpx.post(where, json={**body, "facts": facts}, headers=headers)
            assert made.status_code == 201, made.text

    def until_compared(self, trial: str, decisions: int) -> None:
        line = f"remit policy trial show {trial} --flips 0"
        until(lambda: f"compared: {decisions} decisions" in self.typed(line))

    def _renamed(self, found: re.Match[str]) -> str:
        real, kind = found[0], found[1]
        if real not in self._shown:
            before = sum(shown.startswith(kind) for shown in self._shown.values())
            self._shown[real] = SHOWN.format(kind, "abcdefgh"[before])
        return self._shown[real]


def test_a_trial_is_watched_as_shown(served: Serving, tmp_path: Path) -> None:
    """Between the commands colleagues go on proposing; a guardrail ends the pilot."""
    reader = Following(served, tmp_path)
    shadow, pilot = (SHOWN.format("tri", letter) for letter in "ab")
    for fence in [fence for fence in PAGE.fences if fence.word == "tried"]:
        if f"show {shadow}" in fence.text:
            reader.propose("30.00", "55.00", "58.00", "80.00")
            reader.until_compared(shadow, 4)
        if f"show {pilot}" in fence.text:
            reader.propose("52.00", "54.00", "56.00")
            reader.until_compared(pilot, 2)
        said = "".join(reader.typed(line) for line in fence.text.splitlines())
        assert "Traceback" not in said, said
        computed = f"{fence.written}\n\n```text\n{reader.as_shown(said)}```"
        PAGE.expect(f"{fence.written}\n\n{PAGE.after(fence).written}", computed)
