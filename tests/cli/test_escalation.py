"""``remit escalation`` against a service that runs."""

import json
import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.cli.table import print_table
from tests.app.house import ACCESS, POLICY, proposal, shop_files, write_shop
from tests.cli.terminal import remit
from tests.cli.test_serve import DEMO, Serving, serving


class Desk:
    """A serving process, and people with their keys in files."""

    def __init__(self, service: Serving, folder: Path) -> None:
        self.service = service
        self.folder = folder

    def key_file(self, person: str) -> Path:
        file = self.folder / f"{person}.key"
        file.write_text(self.service.secret(person) + "\n", encoding="ascii")
        return file

    def run(self, person: str, *arguments: str) -> Any:
        where = ("--url", self.service.address, "--key-file", str(self.key_file(person)))
        return remit("escalation", *arguments, *where)

    def json(self, person: str, *arguments: str) -> Any:
        return json.loads(self.run(person, *arguments, "--format", "json").stdout)

    def escalated(self, person: str = "ana", amount: str = "300.00", **fields: Any) -> str:
        body = proposal(amount, note="a leak", **fields)
        headers = {"Authorization": f"Bearer {self.service.secret(person)}"}
        made = httpx.post(f"{self.service.address}/v1/resolutions", json=body, headers=headers)
        return str(made.json()["escalation"]["id"])

    def until(self) -> str:
        """A week from now, by the service's clock."""
        answer = httpx.get(f"{self.service.address}/healthz")
        at = parsedate_to_datetime(answer.headers["date"]) + timedelta(days=7)
        return at.isoformat()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One process for all tests here; each looks only at what it opened itself."""
    folder = tmp_path_factory.mktemp("desk")
    # Room for all of them, in whatever order they come: what they approve adds up.
    roomy = POLICY.replace("limit: 2000, per: [site.id]", "limit: 200000, per: [site.id]")
    assert roomy != POLICY
    write_shop(folder / "shop", shop_files(roomy, ACCESS))
    with serving(folder, *DEMO) as service:
        yield Desk(service, folder)


def test_the_inbox_is_a_table(desk: Desk) -> None:
    """A line each, whole in a pipe, with the counts beside it and not in it."""
    id_ = desk.escalated()
    result = desk.run("mia", "list")
    assert result.exit_code == 0
    header, *lines = result.stdout.splitlines()
    assert header.split()[:3] == ["id", "answer", "by"]
    (line,) = [line for line in lines if line.startswith(id_)]
    assert re.search(r"main +manager +ana +credit 300.00 USD +mia$", line)
    assert re.search(r"\d+ open, \d+ overdue, \d+ asked", result.stderr)
    assert id_ in [one["id"] for one in desk.json("mia", "list")["escalations"]]


def test_an_empty_inbox_says_what_to_do(desk: Desk) -> None:
    """Nothing stands in the output, and the next step beside it."""
    result = desk.run("ana", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "remit escalation list --all" in result.stderr
    everything = desk.run("gus", "list", "--all", "--state", "expired")
    assert everything.stdout == ""
    assert "Nothing was escalated" in everything.stderr


def test_everything_that_may_be_seen_is_listed(desk: Desk) -> None:
    """With --all also what others answer, and what was answered."""
    id_ = desk.escalated("max", "900.00")
    assert id_ not in desk.run("max", "list").stdout
    assert id_ in desk.run("max", "list", "--all", "--state", "open").stdout
    wrong = desk.run("max", "list", "--state", "open")
    assert wrong.exit_code == 2
    assert "--all" in wrong.stderr


def test_a_case_is_told_in_lines(desk: Desk) -> None:
    """What was asked, why it fell outside, what approving would leave."""
    id_ = desk.escalated()
    shown = desk.run("max", "show", id_).stdout
    for words in (
        f"{id_}  open, to manager at main",
        "asked      credit of 300.00 USD by ana (clerk)",
        "note       a leak",
        "unasked    200.00 USD",
        "as max; approving would give it",
        "of 200000.00 in day",
        "digest     ",
    ):
        assert words in shown
    assert desk.json("max", "show", id_)["context"]["you"]["as"] == "max"
    own = desk.run("ana", "show", id_).stdout
    assert "approving" not in own


def test_an_answer_is_given(desk: Desk) -> None:
    """Several alike at once; each of the ways to answer."""
    first, second, third, fourth = (desk.escalated() for _ in range(4))
    both = desk.run("mia", "answer", first, second, "--approve")
    assert both.exit_code == 0
    assert both.stdout == f"{first}  approve: approved\n{second}  approve: approved\n"
    denied = desk.run("mia", "answer", third, "--deny", "--reason", "no leak")
    assert denied.stdout == f"{third}  deny: denied\n"
    asked = desk.run("mia", "answer", fourth, "--ask", "which room?")
    assert asked.stdout == f"{fourth}  ask: asked\n"
    lower = desk.json("mia", "answer", fourth, "--amount", "250.00")["answers"][0]["answer"]
    assert (lower["effect"], lower["decision"]["value"]["amount"]) == ("counter", "250.00")


def test_an_answer_that_is_not_taken_says_why(desk: Desk) -> None:
    """With the reason and the remedy; the exit code tells a script."""
    taken, own = desk.escalated(), desk.escalated("max", "900.00")
    result = desk.run("max", "answer", taken, own, "--approve")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == f"{taken}  approve: approved"
    assert f"{own}  not taken: " in result.stdout
    assert "[own_request]" in result.stdout


@pytest.mark.parametrize(
    "options",
    [[], ["--approve", "--deny"], ["--amount", "5.00", "--quantity", "1"]],
)
def test_one_answer_at_a_time(desk: Desk, options: list[str]) -> None:
    """None and several are wrong usage, and nothing is sent."""
    result = desk.run("max", "answer", "esc_1", *options)
    assert result.exit_code == 2
    assert "say one of" in result.stderr


def test_a_delegate_is_named_shown_and_revoked(desk: Desk) -> None:
    """Who stands in sees for whom, and until when."""
    none = desk.run("grace", "delegate")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "remit escalation delegate --to" in none.stderr
    made = desk.run("grace", "delegate", "--to", "ben", "--until", desk.until(), "--site", "annex")
    assert made.exit_code == 0
    assert re.search(r"active +grace +ben .* annex +every role", made.stdout)
    assert "You answer for grace at annex" in desk.run("ben", "list").stderr
    (listed,) = desk.json("ben", "delegate")["delegations"]
    ended = desk.run("grace", "delegate", "--revoke", listed["id"])
    assert "revoked" in ended.stdout
    assert desk.json("ben", "delegate")["delegations"] == []


@pytest.mark.parametrize(
    "options",
    [["--to", "ben"], ["--site", "main"], ["--revoke", "del_1", "--to", "ben"]],
)
def test_half_a_delegation_is_wrong_usage(desk: Desk, options: list[str]) -> None:
    """Who and until when belong together."""
    assert desk.run("max", "delegate", *options).exit_code == 2


def test_a_refusal_is_told_with_its_remedy(desk: Desk) -> None:
    """In words, with the place, and exit code 1."""
    result = desk.run("max", "delegate", "--to", "nobody", "--until", desk.until())
    assert result.exit_code == 1
    assert "/to: access.csv names no such person" in result.stderr
    assert desk.run("max", "show", "esc_none").exit_code == 1
    assert desk.run("max", "show", "../log").exit_code == 2


def test_without_a_key_it_says_where_to_get_one(desk: Desk, tmp_path: Path) -> None:
    """And where to keep it: never on the command line."""
    result = remit("escalation", "list", "--key-file", tmp_path / "none")
    assert result.exit_code == 2
    assert "remit key create" in result.stderr
    assert "--key-file" in result.stderr


def test_the_key_may_come_from_the_environment(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does for an auditor's commands; a file that was named goes before it."""
    monkeypatch.setenv("REMIT_TOKEN", desk.service.secret("max"))
    where = ("escalation", "list", "--url", desk.service.address)
    assert remit(*where).exit_code == 0
    nobody = tmp_path / "nobody"
    nobody.write_text("rk_nobody", encoding="ascii")
    assert remit(*where, "--key-file", nobody).exit_code == 1


def test_without_a_service_it_says_so(desk: Desk) -> None:
    """An address that nobody answers at, and one that is none."""
    key = desk.key_file("max")
    gone = remit("escalation", "list", "--url", "http://127.0.0.1:1", "--key-file", key)
    assert gone.exit_code == 1
    assert "remit serve" in gone.stderr
    wrong = remit("escalation", "list", "--url", "nonsense", "--key-file", key)
    assert wrong.exit_code == 2


def test_control_characters_of_others_reach_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What somebody proposed cannot colour, move or clear anything here."""
    print_table(["a", "b"], [["x" * 300, "\x1b[31mred\nnext"]])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert printed.splitlines()[1] == "x" * 300 + "   [31mred next"


def test_a_stream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """A process that is told to stop ends its screens and itself, and needs no grace."""
    write_shop(tmp_path / "shop")
    with serving(tmp_path, *DEMO) as service:
        headers = {"Authorization": f"Bearer {service.secret('max')}"}
        url = f"{service.address}/v1/escalations/stream"
        with httpx.stream("GET", url, headers=headers, timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: ready"
            service.process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line.startswith("data")] == ["data: {}"]
        assert service.process.wait(8) == 0
