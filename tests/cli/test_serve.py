"""``remit serve``: starts with a sentence, stops with every answer given, or says why not."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.house import proposal, shop_files, write_shop
from tests.cli.terminal import remit

ROOT = Path(__file__).parents[2]
START_SECONDS = 60


class Serving:
    """A serving process and what it greeted with."""

    def __init__(self, process: subprocess.Popen[str], greeting: str) -> None:
        self.process = process
        self.greeting = greeting
        found = re.search(r"http://\S+", greeting)
        assert found is not None, greeting
        self.address = found[0]

    def secret(self, person: str) -> str:
        found = re.search(rf"^  {person} +(rk_\S+)", self.greeting, re.MULTILINE)
        assert found is not None
        return found[1]

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=START_SECONDS)
        return errors


def greeting_of(process: subprocess.Popen[str], last: str) -> str:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if last in line:
            break
    return "".join(lines)


@contextmanager
def serving(folder: Path, *arguments: str, last: str = "/v1/log") -> Iterator[Serving]:
    command = [sys.executable, "-m", "service", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield Serving(process, greeting_of(process, last))
    finally:
        process.kill()
        with process:  # closes its pipes
            process.wait()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path / "shop")
    return tmp_path


DEMO = ("--demo", "--policies", "shop", "--database", "sqlite:///var/remit.db")


def test_the_demonstration_works_as_it_is_printed(tmp_path: Path) -> None:
    """Every command line that is shown does what its person came for."""
    hotel = str(ROOT / "policies" / "hotel")
    arguments = ("--demo", "--policies", hotel, "--database", "sqlite:///var/remit.db")
    with serving(tmp_path, *arguments) as service:
        lines = [line for line in service.greeting.splitlines() if line.startswith("  curl")]
        agent, manager, auditor = (_curled(line) for line in lines)
        assert agent["outcome"] == "approved"
        assert manager == {"escalations": [], "next": None}
        assert auditor["entries"][0]["body"]["outcome"] == "approved"


def _curled(line: str) -> Any:
    words = shlex.split(line)
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    url = next(word for word in words if word.startswith("http"))
    if "-d" in words:
        data = words[words.index("-d") + 1]
        return httpx.post(url, content=data, headers=headers).json()
    return httpx.get(url, headers=headers).json()


def test_keys_of_an_earlier_demonstration_are_revoked(shop: Path) -> None:
    """Each start shows keys that work, and they are the only ones of its kind."""
    with serving(shop, *DEMO) as first:
        old = first.secret("ana")
        first.stop()
    with serving(shop, *DEMO) as second:
        assert "revoked" in second.greeting
        for secret, status in ((old, 401), (second.secret("ana"), 200)):
            headers = {"Authorization": f"Bearer {secret}"}
            assert httpx.get(f"{second.address}/v1/policy", headers=headers).status_code == status


def test_what_was_taken_is_answered_before_the_end(shop: Path) -> None:
    """A signal to stop loses no answer, and the process ends well."""
    with serving(shop, *DEMO) as service:
        headers = {"Authorization": f"Bearer {service.secret('ana')}"}
        answers: list[int] = []

        def propose(number: int) -> None:
            body = proposal("1.00", guest=f"G-{number}")
            url = f"{service.address}/v1/resolutions"
            try:
                answers.append(httpx.post(url, json=body, headers=headers, timeout=60).status_code)
            except httpx.TransportError:
                answers.append(0)  # the door was closed already: nothing was taken

        threads = [threading.Thread(target=propose, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        service.stop()
        for thread in threads:
            thread.join()
        assert service.process.returncode == 0
    entries = _decisions(shop)
    assert answers.count(201) == entries
    assert set(answers) <= {0, 201}


def _decisions(shop: Path) -> int:
    from service.app.ports import Filter, Page  # noqa: PLC0415 — after the process has ended
    from service.bootstrap import open_services  # noqa: PLC0415
    from service.config import Settings  # noqa: PLC0415

    settings = Settings(policies=shop / "shop", database=f"sqlite:///{shop}/var/remit.db")
    with open_services(settings) as services, services.store.read() as reader:
        return len(reader.list_entries(Filter(kind="decision"), Page(limit=1_000)))


def test_a_second_process_on_the_same_file_is_refused(shop: Path) -> None:
    """One process writes an embedded database; the other one says why it will not."""
    with serving(shop, *DEMO):
        done = subprocess.run(
            [sys.executable, "-m", "service", "serve", "--port", "0", *DEMO],
            cwd=shop,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    assert done.returncode == 1
    assert "another process" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_key_can_be_made_while_it_serves(shop: Path) -> None:
    """A short command takes its turn beside the serving process."""
    arguments = ("--policies", "shop", "--database", "sqlite:///var/remit.db")
    with serving(shop, *arguments, last="remit key create") as service:
        made = subprocess.run(
            [sys.executable, "-m", "service", "key", "create", "--subject", "ana"],
            cwd=shop,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=True,
        )
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        assert httpx.get(f"{service.address}/v1/policy", headers=headers).status_code == 200


def test_a_taken_port_is_a_sentence(shop: Path) -> None:
    """With what to do instead."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = remit("serve", "--port", str(port), "--policies", shop / "shop")
    assert done.exit_code == 1
    assert f"--port {port + 1}" in done.stderr


def test_a_set_that_does_not_load_prevents_the_start(tmp_path: Path) -> None:
    """Every problem is printed, with its place, and no database is made."""
    broken = {
        "access.csv": b"g, ana, nobody, main\n",
        "shop.yaml": b"remit: 1\nname: shop\ncurrency: XXX\nfoo: 1\n",
    }
    write_shop(tmp_path / "shop", broken)
    database = tmp_path / "remit.db"
    done = remit(
        "serve",
        "--port",
        "0",
        "--policies",
        tmp_path / "shop",
        "--database",
        f"sqlite:///{database}",
    )
    assert done.exit_code == 1
    assert "shop.yaml:3" in done.stderr
    assert "shop.yaml:4" in done.stderr
    assert "access.csv:1" in done.stderr
    assert not database.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--demo", "--host", "0.0.0.0"], "this machine only"),  # noqa: S104 — refused
        (["--log-level", "loud"], "debug, info"),
        (["--port", "70000"], "65535"),
    ],
)
def test_a_setting_that_cannot_be_is_wrong_usage(arguments: list[str], says: str) -> None:
    """It ends with 2 before anything is opened."""
    done = remit("serve", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_the_log_is_one_object_a_line(shop: Path) -> None:
    """Ours and the server's own lines alike, and no key is in them."""
    with serving(shop, *DEMO) as service:
        headers = {"Authorization": f"Bearer {service.secret('audra')}"}
        url = f"{service.address}/v1/resolutions"
        assert httpx.post(url, json=proposal(guest="G-secret"), headers=headers).status_code == 403
        errors = service.stop()
    lines = [json.loads(line) for line in errors.splitlines()]
    told = next(line for line in lines if line.get("status") == 403)
    assert (told["path"], told["level"]) == ("/v1/resolutions", "info")
    assert told["request_id"].startswith("req_")
    assert "rk_" not in errors
    assert "G-secret" not in errors


def test_a_changed_folder_is_published_at_the_start(shop: Path) -> None:
    """On an embedded database the folder has its way, and the log says what was before."""
    with serving(shop, *DEMO) as service:
        service.stop()
    files = shop_files()
    changed = files["shop.yaml"].replace(b"limit: 2000", b"limit: 2500")
    write_shop(shop / "shop", {**files, "shop.yaml": changed})
    with serving(shop, *DEMO) as service:
        headers = {"Authorization": f"Bearer {service.secret('audra')}"}
        url = f"{service.address}/v1/log?kind=policy"
        newest, seed = httpx.get(url, headers=headers).json()["entries"]
    assert newest["body"]["before"] == seed["body"]["version"]
