"""From the event loop to the committer and back."""

import asyncio
from collections.abc import Sequence

from starlette.types import Scope

from service.api.body import header
from service.api.problems import Unreadable
from service.app.batch import Command, Reply
from service.app.committer import Committer
from service.app.idempotency import KEY_CHARS_MAX
from service.app.propose import Answered


class Line:
    """Sends commands to the committer and awaits their answers.

    What arrives in one turn of the event loop goes off together at the turn's end, so that
    the committer finds a batch instead of the first command of one; a lone command waits
    for nobody. Replies of one batch come back to the event loop in one call.
    """

    def __init__(self, committer: Committer) -> None:
        """Nothing is on its way yet."""
        self._committer = committer
        self._mailbox: _LoopMailbox | None = None

    async def send(self, command: Command) -> Answered:
        """The committed answer to a command. Raises what the command was refused with."""
        loop = asyncio.get_running_loop()
        mailbox = self._mailbox
        if mailbox is None or mailbox.loop is not loop:
            self._mailbox = mailbox = _LoopMailbox(loop)
        waiting: asyncio.Future[Reply] = loop.create_future()
        if not mailbox.outgoing:
            loop.call_soon(self._send_off, mailbox)
        mailbox.outgoing.append((command, waiting))
        answered = await waiting
        if not isinstance(answered, Answered):
            raise TypeError(type(answered))
        return answered

    def _send_off(self, mailbox: "_LoopMailbox") -> None:
        outgoing, mailbox.outgoing = mailbox.outgoing, []
        for command, waiting in outgoing:
            self._committer.send(command, waiting, mailbox)


class _LoopMailbox:
    """Replies into futures of one event loop, from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.outgoing: list[tuple[Command, asyncio.Future[Reply]]] = []

    def post(self, replies: Sequence[tuple[object, Reply | Exception]]) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_deliver, replies)


def _deliver(replies: Sequence[tuple[object, Reply | Exception]]) -> None:
    for waiting, reply in replies:
        if not isinstance(waiting, asyncio.Future) or waiting.done():
            continue  # whoever asked went away; what was decided stands
        if isinstance(reply, Exception):
            waiting.set_exception(reply)
        else:
            waiting.set_result(reply)


def idempotency_key(scope: Scope) -> str | None:
    """The caller's ``Idempotency-Key``: an RFC 8941 string, or bare. Raises `Unreadable`."""
    given = header(scope, b"idempotency-key")
    if given is None:
        return None
    text = given.decode("latin-1").strip()
    key = _unquoted(text) if text.startswith('"') else text
    if key is None or not 0 < len(key) <= KEY_CHARS_MAX or not _is_visible(key):
        raise Unreadable(
            "invalid_idempotency_key",
            "the Idempotency-Key cannot be used",
            f'send 1 to {KEY_CHARS_MAX} visible ASCII characters, like "8e03978e-40d5"',
        )
    return key


def _unquoted(text: str) -> str | None:
    """The value of an RFC 8941 string (section 3.3.3); ``None`` where it is none."""
    inner, found, escaped = text[1:-1], [], False
    if len(text) < 2 or not text.endswith('"'):  # noqa: PLR2004 — two quotes
        return None
    for character in inner:
        if escaped and character not in '"\\':
            return None
        if not escaped and character == '"':
            return None
        escaped = not escaped and character == "\\"
        if not escaped:
            found.append(character)
    return None if escaped else "".join(found)


def _is_visible(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key
