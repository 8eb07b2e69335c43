"""The policies of a source, for who decides again what a service decided."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.house import ACCESS, POLICY, proposal, shop_files, write_shop
from tests.cli.terminal import remit
from tests.cli.test_serve import DEMO, Serving, serving


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    """A service that has decided something and signed for it."""
    write_shop(tmp_path / "shop", shop_files(POLICY, ACCESS))
    with serving(tmp_path, *DEMO) as running:
        headers = {"Authorization": f"Bearer {running.secret('ana')}"}
        asked = f"{running.address}/v1/resolutions?wait=published"
        made = httpx.post(asked, json=proposal("20.00"), headers=headers, timeout=20)
        assert made.headers["Log-Published"] == "true"
        yield running


def test_a_service_is_asked_for_the_policies_of_its_day(
    service: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor with an address and a key decides again, and takes the policies along."""
    monkeypatch.setenv("REMIT_TOKEN", service.secret("audra"))
    again = remit("audit", "rederive", service.address)
    assert again.stdout == "1 decided again, 1 the same.\n", again.output
    copy = tmp_path / "copy"
    done = remit("audit", "export", service.address, "--format", "tiles", "--out", copy)
    assert "1 policy version" in done.stderr, done.output
    assert remit("audit", "rederive", copy).stdout == again.stdout


def test_a_policy_that_was_changed_on_the_way_is_not_believed(
    service: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version is the digest of its files, whoever hands them over."""
    monkeypatch.setenv("REMIT_TOKEN", service.secret("audra"))
    copy = tmp_path / "copy"
    remit("audit", "export", service.address, "--format", "tiles", "--out", copy)
    (kept,) = (copy / "policies").iterdir()
    told = json.loads(kept.read_text("utf-8"))
    told["files"]["README.md"] = told["files"].pop("access.csv")
    kept.write_text(json.dumps(told), "utf-8")
    done = remit("audit", "rederive", copy)
    assert (done.exit_code, "is not there" in done.stdout) == (1, True), done.output


def test_without_the_right_to_them_it_says_so(
    service: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may not read the log cannot decide anything again, and learns what is missing."""
    monkeypatch.setenv("REMIT_TOKEN", service.secret("ana"))
    done = remit("audit", "rederive", service.address)
    assert (done.exit_code, "REMIT_TOKEN" in done.stderr) == (1, True), done.output
