"""Letters by mail, handed in at a real server."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from service.adapters.mail import Mails
from service.core.receiver import Mail, MailTls, Receiver
from tests.adapters.letters import LETTER, SHORT, code, here
from tests.certificates import server_context
from tests.receiving import hang, receiving

SENDING = Mails(here)
NAME = "mail.example.com"


class Mailbox:
    """What was handed in, and how the server behaves."""

    def __init__(self, says: str = "250 taken", refuses: str = "") -> None:
        self.says = says
        self.refuses = refuses
        self.letters: list[tuple[Envelope, bool, bool]] = []

    async def handle_RCPT(  # noqa: N802 — aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address == self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(  # noqa: N802 — aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.letters.append((envelope, session.ssl is not None, bool(session.authenticated)))
        return self.says

    def letter(self) -> EmailMessage:
        ((envelope, _, _),) = self.letters
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message


def _login(
    _server: SMTP, _session: Session, _envelope: Envelope, _way: str, given: Any
) -> AuthResult:
    is_known = isinstance(given, LoginPassword) and given.password == b"let me in"
    return AuthResult(success=is_known, handled=False)


class Server(SMTP):
    """Remembers its connections, so that all of them can be ended."""

    transports: list[asyncio.BaseTransport]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.append(transport)
        super().connection_made(transport)


@contextmanager
def server(mailbox: Mailbox, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server on loopback. With TLS it takes nothing without."""
    secure: dict[str, Any] = {
        "tls_context": tls,
        "require_starttls": True,
        "authenticator": _login,
        "auth_required": True,
    }
    loop = asyncio.new_event_loop()
    transports: list[asyncio.BaseTransport] = []
    kind = type("Bound", (Server,), {"transports": transports})
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(
        loop.create_server(
            lambda: kind(mailbox, loop=loop, **({} if tls is None else secure)), "127.0.0.1", 0
        ),
        loop,
    ).result(30)
    try:
        yield opened.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(opened, transports), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(opened: asyncio.Server, transports: list[asyncio.BaseTransport]) -> None:
    """Take no more connections, and wait until those that there were have ended."""
    opened.close()
    begun = asyncio.all_tasks() - {asyncio.current_task()}
    if begun:
        await asyncio.wait(begun, timeout=5)
    for transport in transports:
        transport.close()
    await asyncio.sleep(0.05)


def mailed(port: int, tls: MailTls = "none", **more: Any) -> Receiver:
    to = Mail(
        host=NAME,
        port=port,
        tls=tls,
        sender="remit@example.com",
        to=("desk@example.com", "max@example.com"),
        **more,
    )
    return Receiver(id="desk", kind="email", to=to, allow_private=True, patience=SHORT)


def test_a_letter_is_handed_in() -> None:
    """In plain text, for everybody who is named, with the link and the lines."""
    mailbox = Mailbox()
    with server(mailbox) as port:
        assert code(SENDING, mailed(port)) is None
    letter = mailbox.letter()
    assert letter["Subject"] == LETTER.title
    assert letter["To"] == "desk@example.com, max@example.com"
    assert letter["Message-ID"] == "<ntc_1@example.com>"
    assert letter.get_content_type() == "text/plain"
    text = letter.get_content()
    assert "Why: *bold* <!here> [x](http://e) é" in text
    assert str(LETTER.link) in text


def test_the_way_is_encrypted_and_the_sender_known(tmp_path: Path) -> None:
    """STARTTLS with the certificate of the name, then the password."""
    tls, trusted = server_context(tmp_path, NAME)
    mailbox = Mailbox()
    with server(mailbox, tls) as port:
        secured = mailed(port, "starttls", ca_file=str(trusted), user="remit", password="let me in")
        assert code(SENDING, secured) is None
    ((_, is_encrypted, is_known),) = mailbox.letters
    assert (is_encrypted, is_known) == (True, True)


def test_a_wrong_password_and_certificate_are_told(tmp_path: Path) -> None:
    """Nothing is handed in, and a password goes to nobody whose name is not proved."""
    tls, trusted = server_context(tmp_path, NAME)
    other, _ = server_context(tmp_path, "other.example.com")
    mailbox = Mailbox()
    with server(mailbox, tls) as port, server(mailbox, other) as imitated:
        wrong = {"ca_file": str(trusted), "user": "remit", "password": "let me out"}
        assert code(SENDING, mailed(port, "starttls", **wrong)) == "smtp_535"
        assert code(SENDING, mailed(imitated, "starttls", **wrong)) == "certificate_refused"
        assert code(SENDING, mailed(port, user="remit", password="let me in")) is not None
    assert mailbox.letters == []


def test_a_server_without_tls_gets_nothing() -> None:
    """A way that cannot be encrypted is not gone unencrypted instead."""
    mailbox = Mailbox()
    with server(mailbox) as port:
        assert code(SENDING, mailed(port, "starttls")) in {"smtp_500", "smtp_502", "smtp_454"}
    assert mailbox.letters == []


@pytest.mark.parametrize(
    ("mailbox", "expected"),
    [
        (Mailbox(says="451 later"), "smtp_451"),
        (Mailbox(says="552 too much"), "smtp_552"),
        (Mailbox(refuses="max@example.com"), "smtp_recipients"),
    ],
)
def test_a_letter_that_was_not_taken_is_no_letter(mailbox: Mailbox, expected: str) -> None:
    """The server's code says why; one refused among several counts, too."""
    with server(mailbox) as port:
        assert code(SENDING, mailed(port)) == expected


def test_a_server_that_never_speaks_is_left() -> None:
    """Within the time-out; here it waits for a request that never comes."""
    with receiving(hang) as receiver:
        assert code(SENDING, mailed(receiver.port)) == "timeout"


def test_a_mail_server_may_not_be_private_by_itself() -> None:
    """The check of addresses is the one of webhooks."""
    mailbox = Mailbox()
    with server(mailbox) as port:
        assert code(SENDING, replace(mailed(port), allow_private=False)) == "private_address"
    assert mailbox.letters == []
