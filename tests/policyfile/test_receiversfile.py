"""A receivers file: what it says is what is used, and every fault of it is told at once."""

from datetime import timedelta
from pathlib import Path

import pytest

from service.core.notice import NoticeEvent
from service.core.receiver import Hook, Mail, Patience, Receiver
from service.policyfile.codes import CODES
from service.policyfile.problem import PolicyErrors, Problem
from service.policyfile.receiversfile import RECEIVER_CODES, RECEIVERS_MAX, read_receivers
from service.policyfile.schema import receivers_schema

SECRET = "whsec_" + "c2VjcmV0" * 4
GOOD = f"""\
remit: 1
console_url: https://remit.example.com/console/escalations/
receivers:
  - id: duty-desk
    kind: webhook
    url: https://hooks.example.com:8443/remit?x=1
    secret: {SECRET}
    events: [escalation.opened, escalation.expired]
    sites: [new_york]
    roles: [duty_manager]
    facts: [stay.id, guest.id]
    timeout: 3s
    retry: {{first: 1s, longest: 2m, attempts: 4, within: 1d}}
  - {{id: chat, kind: slack, url_file: chat.url}}
  - id: desk
    kind: email
    allow_private: true
    smtp:
      host: mail.example.com
      from: remit@example.com
      to: [desk@example.com]
      user: remit
      password_file: smtp.password
"""


def written(folder: Path, text: str) -> Path:
    (folder / "chat.url").write_text("https://chat.example.com/services/T0/B0/x\n")
    (folder / "smtp.password").write_text("let me in\n")
    path = folder / "receivers.yaml"
    path.write_text(text)
    return path


def read(folder: Path, text: str) -> tuple[Receiver, ...]:
    return read_receivers(written(folder, text))


def problems(folder: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(PolicyErrors) as caught:
        read(folder, text)
    return caught.value.problems


def one(**keys: str) -> str:
    """A file with one receiver of the given keys."""
    usual = {"id": "desk", "kind": "webhook", "url": "https://hooks.example.com/", "secret": SECRET}
    lines = [f"    {key}: {value}" for key, value in (usual | keys).items() if value]
    return "receivers:\n  -\n" + "\n".join(lines) + "\n"


def test_everything_that_is_said_is_read(tmp_path: Path) -> None:
    """Each key of each kind, and the values of the files that are named."""
    duty, chat, desk = read(tmp_path, GOOD)
    assert duty == Receiver(
        id="duty-desk",
        kind="webhook",
        to=Hook(url="https://hooks.example.com:8443/remit?x=1", secret=SECRET),
        events=frozenset({NoticeEvent.OPENED, NoticeEvent.EXPIRED}),
        sites=frozenset({"new_york"}),
        roles=frozenset({"duty_manager"}),
        facts=("stay.id", "guest.id"),
        link="https://remit.example.com/console/escalations/",
        patience=Patience(
            timeout=timedelta(seconds=3),
            first=timedelta(seconds=1),
            longest=timedelta(minutes=2),
            attempts=4,
            within=timedelta(days=1),
        ),
    )
    assert chat.to == Hook(url="https://chat.example.com/services/T0/B0/x")
    assert desk.to == Mail(
        host="mail.example.com",
        port=587,
        tls="starttls",
        sender="remit@example.com",
        to=("desk@example.com",),
        user="remit",
        password="let me in",
    )


def test_what_is_left_out_restricts_nothing_but_facts(tmp_path: Path) -> None:
    """Every event of every site and role, no fact, no private address."""
    (receiver,) = read(tmp_path, one())
    assert receiver.wants(NoticeEvent.DENIED, "anywhere", "anybody")
    assert (receiver.facts, receiver.allow_private, receiver.link) == ((), False, None)
    assert receiver.patience == Patience()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    """A receiver in a log line or a traceback tells neither URL nor secret nor password."""
    shown = repr(read(tmp_path, GOOD))
    for hidden in (SECRET, "hooks.example.com", "services/T0", "let me in"):
        assert hidden not in shown


BAD = {
    "unknown_key": one(urll="https://x.example.com/"),
    "unknown_value": one(kind="pager"),
    "missing_key": one(secret=""),
    "not_a_url": one(url="ftp://hooks.example.com/"),
    "unencrypted": one(url="http://hooks.example.com/"),
    "secret_malformed": one(secret="whsec_c2hvcnQ="),
    "said_twice": one(secret_file="a.secret"),
    "unreadable_file": one(secret="", secret_file="nowhere.secret"),
    "other_kind": one(kind="slack"),
    "duplicate_id": one() + one().partition("\n")[2],
    "duplicate_item": one(sites="[vienna, vienna]"),
    "empty_list": one(events="[]"),
    "out_of_range": one(timeout="2m"),
    "no_value": "receivers:\n",
    "yaml_syntax": "receivers: [",
    "too_many_receivers": "receivers:\n"
    + "".join(
        f"  - {{id: r{number}, kind: slack, url: 'https://x.example.com/'}}\n"
        for number in range(RECEIVERS_MAX + 1)
    ),
}


@pytest.mark.parametrize("code", sorted(BAD))
def test_each_fault_is_told(tmp_path: Path, code: str) -> None:
    """At a line of the file, with what to write instead, under a code that is explained."""
    found = problems(tmp_path, BAD[code])
    assert [problem.code for problem in found] == [code]
    assert found[0].file == "receivers.yaml"
    assert found[0].remedy
    assert code in RECEIVER_CODES or code in CODES


@pytest.mark.parametrize(
    "url",
    [
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https:///path",
        "https://hooks.example.com:99999999/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/ü",
        "//hooks.example.com/",
        "https://evil.example.com\\@hooks.example.com/",
    ],
)
def test_odd_urls_are_refused(tmp_path: Path, url: str) -> None:
    """What programs read differently is not read at all."""
    assert [problem.code for problem in problems(tmp_path, one(url=f"'{url}'"))] == ["not_a_url"]


def test_a_url_in_a_file_is_checked_too(tmp_path: Path) -> None:
    """A file that holds something else than a URL is no better than a line that does."""
    (tmp_path / "other.url").write_text("http://hooks.example.com/\n")
    text = one(url="", url_file="other.url")
    assert [problem.code for problem in problems(tmp_path, text)] == ["unencrypted"]


def test_unencrypted_ways_are_for_private_networks(tmp_path: Path) -> None:
    """Where the operator allows these, and says so."""
    (receiver,) = read(tmp_path, one(url="http://10.0.0.7/", allow_private="true"))
    assert receiver.allow_private
    mail = GOOD.replace("host: mail.example.com", "host: mail.example.com\n      tls: none")
    assert len(read(tmp_path, mail)) == 3
    found = problems(tmp_path, mail.replace("    allow_private: true\n", ""))
    assert [problem.code for problem in found] == ["unencrypted"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """In several receivers, each at its own line."""
    text = GOOD.replace(SECRET, "whsec_x").replace("chat.url", "no.url")
    text = text.replace("      user: remit\n", "")
    found = problems(tmp_path, text)
    assert [(problem.code, problem.path) for problem in found] == [
        ("secret_malformed", "receivers[0].secret"),
        ("unreadable_file", "receivers[1].url_file"),
        ("missing_key", "receivers[2].smtp.password_file"),
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """As a problem like any other."""
    with pytest.raises(PolicyErrors) as caught:
        read_receivers(tmp_path / "nowhere.yaml")
    assert [problem.code for problem in caught.value.problems] == ["unreadable_file"]


def test_editors_know_the_shape() -> None:
    """Every key of the schema has a description, or a model that has one."""
    schema = receivers_schema()
    for model in [schema, *schema["$defs"].values()]:
        for name, shown in model.get("properties", {}).items():
            assert "$ref" in shown or shown.get("description"), name
