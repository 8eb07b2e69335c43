"""The balancer that the operator's page shows, for real: nginx before three replicas."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.attack.clients import START_SECONDS, Client, Plan, Wish, attack
from tests.attack.policy import TILL, proposal
from tests.attack.target import Target
from tests.attack.test_contention import said, setbacks
from tests.markdown_page import Page

PAGE = Page(Path(__file__).parents[2] / "docs" / "operating.md")
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
AROUND = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
access_log off;
{temporary}
include {folder}/remit.conf;
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def shown() -> str:
    """The configuration on the page."""
    (fence,) = [fence for fence in PAGE.fences if fence.language == "nginx"]
    return fence.text


def written(folder: Path, config: str) -> Path:
    """A whole configuration around the one on the page, for a user without rights."""
    temporary = "\n".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    (folder / "remit.conf").write_text(config)
    whole = folder / "nginx.conf"
    whole.write_text(AROUND.format(folder=folder, temporary=temporary))
    return whole


def nginx(folder: Path, config: Path, *more: str) -> list[str]:
    return [str(NGINX), "-p", str(folder), "-c", str(config), "-e", f"{folder}/error.log", *more]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def test_the_configuration_is_one(tmp_path: Path) -> None:
    """What the page shows is accepted by nginx as it stands."""
    config = written(tmp_path, shown())
    tried = subprocess.run(
        nginx(tmp_path, config, "-t"), capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stderr


@pytest.fixture
def balanced(target: Target) -> Iterator[int]:
    """The port of an nginx before the three replicas."""
    folder, port = Path(tempfile.mkdtemp(prefix="remit-")), free_port()
    folder.chmod(0o755)  # the worker is another user where this is root
    config = shown().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    for shown_port, replica in zip((8001, 8002, 8003), target.replicas, strict=True):
        config = re.sub(rf":{shown_port}\b", f":{replica.port}", config)
    process = subprocess.Popen(nginx(folder, written(folder, config)))
    try:
        wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "nginx ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail("nginx does not listen")


def test_a_replica_dies_behind_the_balancer(target: Target, balanced: int) -> None:
    """Callers know one address; one replica is killed, and each key is decided once."""
    site, before = target.new_site(), target.decided()
    wishes = [Wish(body=proposal(site, f"{site}-{n}"), key=f"{site}-{n}") for n in range(240)]
    plans = [
        Plan(ports=[balanced], secret=target.secret, wishes=wishes[n::2], threads=4)
        for n in range(2)
    ]
    running = attack(plans)
    time.sleep(START_SECONDS + 0.15)
    target.replicas[1].kill()
    time.sleep(0.2)
    target.replicas[1].start()
    outcomes = target.end(running)
    assert said(outcomes) == {"approved": TILL // 10, "denied": 240 - TILL // 10}
    assert set(setbacks(outcomes)) <= {"502"}
    assert target.decided() == before + 240


def test_the_balancer_hides_what_is_the_operators(target: Target, balanced: int) -> None:
    """Whether a replica is ready is not for callers; what is theirs they get, with its id."""
    connection = HTTPConnection("127.0.0.1", balanced, timeout=30)
    answers = []
    for path in ("/readyz", "/healthz"):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        answers.append((response.status, response.getheader("X-Request-Id")))
    connection.close()
    (hidden, _), (status, request) = answers
    assert (hidden, status) == (404, 200)
    assert request
    client = Client([balanced], target.secret)
    outcome = client.fulfil(Wish(body=proposal(target.new_site(), "balanced"), key="balanced"))
    client.close()
    assert outcome.answer["outcome"] == "approved"
    target.told.append(outcome.told)
