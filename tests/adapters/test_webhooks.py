"""Posting letters to a real server that behaves well, and to some that do not."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from service.adapters.webhooks import BODY_BYTES_MAX, Webhooks
from service.core.receiver import ReceiverKind
from tests.adapters.letters import LETTER, code, failure, here, hooked
from tests.certificates import server_context
from tests.receiving import Manner, answer, drip, drop, hang, receiving

POSTING = Webhooks()


@contextmanager
def silent() -> Iterator[int]:
    """A port where connections are taken and nobody ever says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_letter_is_signed_and_taken() -> None:
    """As Standard Webhooks says, so that its library accepts it; to the whole of the URL."""
    with receiving() as receiver:
        assert code(POSTING, hooked(receiver.url)) is None
        (taken,) = receiver.wait_for(1)
    assert taken.verified() == {
        "type": "escalation.opened",
        "timestamp": "2026-03-02T02:00:00Z",
        "data": {"escalation": {"id": "esc_1"}, "facts": {"stay.id": "S-1"}},
    }
    assert (taken.id, taken.path) == ("ntc_1", "/in?x=1")
    assert taken.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert taken.headers["content-type"] == "application/json"


def test_a_signature_is_of_one_secret_and_body() -> None:
    """Another secret, or a byte changed, is refused by the library."""
    with receiving() as receiver:
        assert code(POSTING, hooked(receiver.url)) is None
        (taken,) = receiver.wait_for(1)
    with pytest.raises(WebhookVerificationError):
        taken.verified("whsec_" + "b3RoZXJz" * 4)
    with pytest.raises(WebhookVerificationError):
        replace(taken, body=taken.body.replace(b"S-1", b"S-2")).verified()


def test_slack_is_told_in_plain_text() -> None:
    """What a policy or a fact says is no markup and calls nobody; there is a button."""
    with receiving() as receiver:
        assert code(POSTING, hooked(receiver.url, "slack")) is None
        (taken,) = receiver.wait_for(1)
    assert "webhook-signature" not in taken.headers
    texts = [block["text"] for block in taken.json["blocks"] if block["type"] == "section"]
    assert {text["type"] for text in texts} == {"plain_text"}
    assert texts[0]["text"] == LETTER.title
    assert "*bold* <!here> [x](http://e) é" in texts[1]["text"]
    assert taken.json["blocks"][-1]["elements"][0]["url"] == LETTER.link


def test_slacks_notification_calls_nobody() -> None:
    """The one text that Slack reads markup in has its three characters escaped."""
    with receiving() as receiver:
        letter = replace(LETTER, title="<!channel> & co")
        assert code(POSTING, hooked(receiver.url, "slack"), letter) is None
        (taken,) = receiver.wait_for(1)
    assert taken.json["text"] == "&lt;!channel&gt; &amp; co"


def test_teams_gets_a_card() -> None:
    """In a message, as the trigger of its workflows takes it, without Markdown."""
    with receiving() as receiver:
        assert code(POSTING, hooked(receiver.url, "teams")) is None
        (taken,) = receiver.wait_for(1)
    (attachment,) = taken.json["attachments"]
    assert taken.json["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {element["type"] for element in card["body"]} == {"RichTextBlock"}
    assert card["body"][0]["inlines"][0]["text"] == LETTER.title
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open the case", "url": LETTER.link}
    ]


@pytest.mark.parametrize(("kind", "bytes_max"), [("slack", 4_000), ("teams", 28 * 1024)])
def test_a_long_letter_is_cut_for_people(kind: ReceiverKind, bytes_max: int) -> None:
    """Chats refuse long messages; what is left out stands in the case."""
    long = replace(LETTER, lines=tuple((f"fact.{n}", "é" * 280) for n in range(200)))
    with receiving() as receiver:
        assert code(POSTING, hooked(receiver.url, kind), long) is None
        (taken,) = receiver.wait_for(1)
    assert "fact.0: é" in str(taken.json)
    assert len(taken.body.decode()) < bytes_max
    assert len(taken.body) < 28 * 1024


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        (answer(200), None),
        (answer(202), None),
        (answer(400), "http_400"),
        (answer(500), "http_500"),
        (answer(503), "http_503"),
        (answer(410), "http_410"),
        (drop, "connection_lost"),
        (hang, "timeout"),
        (drip, "timeout"),
    ],
)
def test_only_a_letter_that_was_taken_is_delivered(manner: Manner, expected: str | None) -> None:
    """Whatever else the receiver does, it is a failure, and known within the time-out."""
    begun = time.monotonic()
    with receiving(manner) as receiver:
        assert code(POSTING, hooked(receiver.url)) == expected
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """It could lead where the operator did not say, past every check."""
    with receiving() as elsewhere, receiving(answer(status, Location=elsewhere.url)) as receiver:
        assert code(POSTING, hooked(receiver.url)) == "redirected"
        assert elsewhere.arrived == []


def test_who_is_gone_is_left_alone() -> None:
    """410 is final; a busy receiver says for how long it wants to be."""
    with receiving(answer(410), answer(429, Retry_After="17")) as receiver:
        gone, busy = (failure(POSTING, hooked(receiver.url)) for _ in range(2))
    assert gone is not None
    assert busy is not None
    assert (gone.final, busy.final, busy.wait) == (True, False, timedelta(seconds=17))


def test_who_takes_no_connection_is_told() -> None:
    """Nobody at the port, and somebody who never says a word."""
    assert code(POSTING, hooked(f"http://127.0.0.1:{free_port()}/")) == "connection_refused"
    with silent() as port:
        assert code(POSTING, hooked(f"http://127.0.0.1:{port}/")) == "timeout"
        assert code(POSTING, hooked(f"https://127.0.0.1:{port}/")) == "timeout"


def test_private_addresses_are_not_reached() -> None:
    """Unless the operator allows it, nothing arrives, by number or by name."""
    with receiving() as receiver:
        for host in ("127.0.0.1", "localhost"):
            refused = hooked(f"http://{host}:{receiver.port}/", allow_private=False)
            assert code(POSTING, refused) == "private_address"
        named = hooked("http://hooks.example.com/", allow_private=False)
        assert code(Webhooks(here), named) == "private_address"
        assert receiver.arrived == []


def test_a_name_is_resolved_once() -> None:
    """A second answer of its server cannot lead elsewhere than to what was checked."""
    asked: list[str] = []

    def once(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with receiving() as receiver:
        named = hooked(f"http://hooks.example.com:{receiver.port}/")
        assert code(Webhooks(once), named) is None
        (taken,) = receiver.wait_for(1)
    assert asked == ["hooks.example.com"]
    assert taken.headers["host"] == f"hooks.example.com:{receiver.port}"


def test_the_certificate_is_the_names(tmp_path: Path) -> None:
    """The connection goes to the address, and the name is what TLS and HTTP are told."""
    tls, trusted = server_context(tmp_path, "hooks.example.com")
    asked: list[str | None] = []
    tls.sni_callback = lambda _, name, __: asked.append(name)
    with receiving(tls=tls) as receiver:
        at = f":{receiver.port}/"
        sending = Webhooks(here)
        named = hooked(f"https://hooks.example.com{at}", ca_file=str(trusted))
        assert code(sending, named) is None
        (taken,) = receiver.wait_for(1)
        others = hooked(f"https://other.example.com{at}", ca_file=str(trusted))
        assert code(sending, others) == "certificate_refused"
        untrusted = hooked(f"https://hooks.example.com{at}")
        assert code(sending, untrusted) == "certificate_refused"
    assert taken.headers["host"] == f"hooks.example.com:{receiver.port}"
    assert taken.verified()
    assert asked == ["hooks.example.com", "other.example.com", "hooks.example.com"]


def test_a_letter_that_is_too_large_is_not_sent() -> None:
    """It is given up at once, since it would not become smaller."""
    huge = replace(LETTER, data={"facts": {"stay.id": "x" * BODY_BYTES_MAX}})
    with receiving() as receiver:
        found = failure(POSTING, hooked(receiver.url), huge)
        assert receiver.arrived == []
    assert found is not None
    assert (found.code, found.final) == ("too_large", True)


def test_a_slow_name_does_not_outlast_the_time_out() -> None:
    """Who was busy with the look-up when the time was up sends nothing any more."""
    with receiving() as receiver:

        def slowly(_host: str, _port: int) -> list[str]:
            receiver.closing.wait(1.3)
            return ["127.0.0.1"]

        named = hooked(f"http://hooks.example.com:{receiver.port}/")
        assert code(Webhooks(slowly), named) == "timeout"
        assert receiver.arrived == []
