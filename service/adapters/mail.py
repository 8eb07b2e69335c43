"""Letters by mail: plain text, handed in at one server under TLS."""

import smtplib
import socket
from contextlib import closing, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from service.adapters.addresses import Resolve, resolved
from service.adapters.outgoing import Outgoing
from service.app.sending import Letter, Undelivered
from service.core.receiver import Mail, Receiver

_READY: Final = 220


class Mails:
    """See `service.app.sending.Sender`; for mail.

    The subject never holds a fact. A letter that is sent again has the same
    ``Message-ID``, so that a mailbox may know it. An answer of 5xx is tried again like
    any other: mostly somebody mends the settings.
    """

    def __init__(self, resolve: Resolve = resolved) -> None:
        """``resolve`` finds the addresses of names."""
        self._resolve = resolve

    def send(self, receiver: Receiver, letter: Letter, at: datetime) -> None:
        """Hand a letter in. Raises `Undelivered`; also where one of several was refused."""
        if not isinstance(receiver.to, Mail):
            raise TypeError(receiver.kind)
        with Outgoing(receiver.patience.timeout, self._resolve) as outgoing:
            try:
                _hand_in(outgoing, receiver, receiver.to, message_of(receiver.to, letter, at))
            except smtplib.SMTPResponseException as error:
                raise Undelivered(f"smtp_{error.smtp_code}") from error
            except smtplib.SMTPRecipientsRefused as error:
                raise Undelivered("smtp_recipients") from error
            except smtplib.SMTPNotSupportedError as error:
                raise Undelivered("smtp_not_supported") from error


def message_of(mail: Mail, letter: Letter, at: datetime) -> EmailMessage:
    """The letter as a message."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Subject"] = letter.title
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.id}@{mail.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [letter.title, "", *(f"{label}: {text}" for label, text in letter.lines)]
    if letter.link is not None:
        lines += ["", letter.link]
    message.set_content("\n".join(lines) + "\n")
    return message


def _hand_in(outgoing: Outgoing, receiver: Receiver, mail: Mail, message: EmailMessage) -> None:
    with closing(_Client(outgoing, receiver, mail)) as client:
        client.connect(mail.host, mail.port)
        client.ehlo_or_helo_if_needed()
        if mail.tls == "starttls":
            client.encrypt()
        if mail.user is not None:
            client.login(mail.user, mail.password or "")
        refused = client.send_message(message, mail.sender, list(mail.to))
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)
        # The message was taken, whatever comes of the farewell.
        with suppress(OSError):
            client.quit()


class _Client(smtplib.SMTP):
    """A client over a connection to a checked address."""

    def __init__(self, outgoing: Outgoing, receiver: Receiver, mail: Mail) -> None:
        super().__init__(local_hostname=mail.sender.partition("@")[2])
        self._outgoing = outgoing
        self._receiver = receiver
        self._mail = mail

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:  # noqa: ANN401, ARG002
        """What `connect` opens."""
        allowed = self._receiver.allow_private
        found = self._outgoing.connect(host, port, allow_private=allowed)
        if self._mail.tls == "implicit":
            return self._outgoing.encrypt(self._mail.ca_file, host)
        return found

    def encrypt(self) -> None:
        """STARTTLS (RFC 3207): what the server said before is forgotten."""
        code, said = self.docmd("STARTTLS")
        if code != _READY:
            raise smtplib.SMTPResponseException(code, said)
        self.sock = self._outgoing.encrypt(self._mail.ca_file, self._mail.host)
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False
        self.ehlo()
