"""``remit audit erase`` against a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import Result

from tests.app.house import ACCESS, POLICY, proposal, shop_files, write_shop
from tests.cli.terminal import remit
from tests.cli.test_serve import DEMO, Serving, serving


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One process for all tests here."""
    folder = tmp_path_factory.mktemp("erase")
    write_shop(folder / "shop", shop_files(POLICY, ACCESS))
    with serving(folder, *DEMO) as started:
        yield started


def run(service: Serving, folder: Path, person: str, *arguments: str, stdin: bytes = b"") -> Result:
    file = folder / f"{person}.key"
    file.write_text(service.secret(person) + "\n", encoding="ascii")
    where = ("--url", service.address, "--key-file", str(file))
    return remit("audit", "erase", *arguments, *where, stdin=stdin)


def test_two_people_at_two_terminals(service: Serving, tmp_path: Path) -> None:
    """The first is told what the second has to type; who it is stands on no command line."""
    headers = {"Authorization": f"Bearer {service.secret('ana')}"}
    httpx.post(f"{service.address}/v1/resolutions", json=proposal(guest="G-9"), headers=headers)
    empty = run(service, tmp_path, "olga", "--list")
    assert "Nobody was erased yet" in empty.stdout
    asked = run(service, tmp_path, "olga", stdin=b"G-9\n")
    assert asked.exit_code == 0, asked.output
    assert "waits for a second person: remit audit erase --confirm era_" in asked.stdout
    erasure = asked.stdout.split()[0]
    alone = run(service, tmp_path, "olga", "--confirm", erasure)
    assert alone.exit_code == 1
    done = run(service, tmp_path, "otto", "--confirm", erasure)
    assert f"{erasure} is done, confirmed by otto. Caps go on counting until" in done.stdout
    listed = json.loads(run(service, tmp_path, "olga", "--list", "--format", "json").stdout)
    assert [one["id"] for one in listed["erasures"]] == [erasure]


def test_nobody_named_is_wrong_usage(service: Serving, tmp_path: Path) -> None:
    """An empty input asks for nothing."""
    told = run(service, tmp_path, "olga")
    assert told.exit_code == 2
    assert "nobody was named" in told.output
