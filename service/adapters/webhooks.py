"""Posting letters: signed (Standard Webhooks), once, to a checked address, with no detour."""

import re
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook

from service import __version__
from service.adapters.addresses import Resolve, resolved
from service.adapters.noticebodies import BODIES
from service.adapters.outgoing import Outgoing, tls_context
from service.app.sending import Letter, Undelivered
from service.core.receiver import Hook, Receiver

BODY_BYTES_MAX: Final = 65_536
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_GONE: Final = 410
_REDIRECTS: Final = range(300, 400)
_TAKEN: Final = range(200, 300)


class Webhooks:
    """See `service.app.sending.Sender`; for webhooks, Slack and Teams.

    Any 2xx is a letter taken. A redirect is not followed and counts as a failure. 410
    says that nobody is there any more, which is final. Of an answer nothing is read but
    its head.
    """

    def __init__(self, resolve: Resolve = resolved) -> None:
        """``resolve`` finds the addresses of names."""
        self._resolve = resolve

    def send(self, receiver: Receiver, letter: Letter, at: datetime) -> None:
        """Post a letter once. Raises `Undelivered`."""
        if not isinstance(receiver.to, Hook):
            raise TypeError(receiver.kind)
        self.post(receiver, receiver.to, letter.id, BODIES[receiver.kind](letter), at)

    def post(self, receiver: Receiver, hook: Hook, id_: str, body: bytes, at: datetime) -> None:
        """Post a body of JSON once, signed where the hook has a secret. Raises `Undelivered`.

        ``id_`` is what the receiver knows a repeated one by.
        """
        if len(body) > BODY_BYTES_MAX:
            raise Undelivered("too_large", final=True)
        headers = {"Content-Type": "application/json", "User-Agent": f"Remit/{__version__}"}
        if hook.secret is not None:
            headers |= _signature(hook.secret, id_, at, body)
        with (
            Outgoing(receiver.patience.timeout, self._resolve) as outgoing,
            _posted(outgoing, receiver, hook, body, headers) as response,
        ):
            outgoing.check()
            _judge(response)


def _signature(secret: str, id_: str, at: datetime, body: bytes) -> dict[str, str]:
    at = at.astimezone(UTC)
    return {
        "Webhook-Id": id_,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign(id_, at, body.decode()),
    }


def _posted(
    outgoing: Outgoing, receiver: Receiver, hook: Hook, body: bytes, headers: dict[str, str]
) -> HTTPResponse:
    url = urlsplit(hook.url)
    host = url.hostname or ""
    is_secure = url.scheme == "https"
    port = url.port or (443 if is_secure else 80)
    connection = HTTPConnection(host, port)
    if is_secure:
        connection = HTTPSConnection(host, port, context=tls_context(hook.ca_file))
    connection.sock = outgoing.connect(host, port, allow_private=receiver.allow_private)
    if is_secure:
        connection.sock = outgoing.encrypt(hook.ca_file, host)
    try:
        connection.request("POST", _target(url), body=body, headers=headers)
        return connection.getresponse()
    except HTTPException as error:
        raise ConnectionError(type(error).__name__) from error


def _target(url: SplitResult) -> str:
    query = f"?{url.query}" if url.query else ""
    return f"{url.path or '/'}{query}"


def _judge(response: HTTPResponse) -> None:
    status = response.status
    if status in _REDIRECTS:
        raise Undelivered("redirected")
    if status not in _TAKEN:
        raise Undelivered(f"http_{status}", final=status == _GONE, wait=_wait(response))


def _wait(response: HTTPResponse) -> timedelta:
    """What the receiver asks for in ``Retry-After``, where it says so in seconds."""
    asked = response.getheader("Retry-After", "").strip()
    return timedelta(seconds=int(asked)) if _SECONDS.fullmatch(asked) else timedelta(0)
