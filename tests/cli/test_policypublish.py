"""``remit policy publish``, ``history`` and ``rollback`` against a service that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from tests.app.house import ACCESS, POLICY, shop_files, write_shop
from tests.cli.terminal import remit
from tests.cli.test_serve import DEMO, Serving, serving

TWO = f"""\
{ACCESS}p, author, policy, publish
p, author, policy, confirm
g, paula, author, *
g, peter, author, *
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One process for all tests here."""
    folder = tmp_path_factory.mktemp("publish")
    write_shop(folder / "shop", shop_files(POLICY, TWO))
    with serving(folder, *DEMO) as started:
        yield started


def run(service: Serving, folder: Path, person: str, *arguments: str) -> Result:
    file = folder / f"{person}.key"
    file.write_text(service.secret(person) + "\n", encoding="ascii")
    where = ("--url", service.address, "--key-file", str(file))
    return remit("policy", *arguments, *where)


def versions(service: Serving, folder: Path) -> list[dict[str, str]]:
    shown = run(service, folder, "paula", "history", "--format", "json")
    found: list[dict[str, str]] = json.loads(shown.stdout)["versions"]
    return found


def test_a_set_is_published_by_two_and_taken_back_by_two(service: Serving, tmp_path: Path) -> None:
    """The first is told what the second has to type; each command names the next one."""
    (first,) = versions(service, tmp_path)
    shop = write_shop(tmp_path / "next", shop_files(POLICY.replace("2000", "2500"), TWO))
    asked = run(service, tmp_path, "paula", "publish", str(shop), "--comment", "spring")
    assert asked.exit_code == 0, asked.output
    assert "waits for a second person: remit policy publish --confirm pub_" in asked.stdout
    publication = asked.stdout.split()[0]
    assert publication in run(service, tmp_path, "peter", "publish", "--waiting").stdout
    alone = run(service, tmp_path, "paula", "publish", "--confirm", publication)
    assert (alone.exit_code, "second_person_required" in alone.stderr) == (1, True)
    done = run(service, tmp_path, "peter", "publish", "--confirm", publication)
    assert f"remit policy rollback {first['version']}" in done.stdout
    assert "Nothing waits" in run(service, tmp_path, "peter", "publish", "--waiting").stdout
    newest = versions(service, tmp_path)[0]
    assert newest["in_force"]
    assert newest["version"] in done.stdout
    back = run(service, tmp_path, "peter", "rollback", first["version"], "--format", "json")
    again = json.loads(back.stdout)["id"]
    assert run(service, tmp_path, "paula", "publish", "--confirm", again).exit_code == 0
    assert "yes" in run(service, tmp_path, "paula", "history").stdout.splitlines()[-1]


def test_a_set_that_does_not_load_is_told_line_by_line(service: Serving, tmp_path: Path) -> None:
    """Exit code 1, and every problem with its remedy."""
    broken = shop_files(POLICY.replace("role: clerk", "role: clark"), TWO)
    shop = write_shop(tmp_path / "broken", broken)
    told = run(service, tmp_path, "paula", "publish", str(shop))
    assert told.exit_code == 1
    assert "/files/shop.yaml: line" in told.stderr
    assert "[policy_invalid]" in told.stderr


def test_what_to_publish_has_to_be_said(service: Serving, tmp_path: Path) -> None:
    """Nothing, or two things at once, is wrong usage."""
    assert run(service, tmp_path, "paula", "publish").exit_code == 2
    both = run(service, tmp_path, "paula", "publish", str(tmp_path), "--waiting")
    assert both.exit_code == 2
    assert run(service, tmp_path, "paula", "publish", str(tmp_path / "none")).exit_code == 2
