"""From the event loop to the committer and back."""

import asyncio
from collections.abc import Sequence

from starlette.types import Scope

from service.api.body import header
from service.api.problems import Unreadable
from service.app.batch import Command, Reply
from service.app.committer import Committer
from service.app.idempotency import IN_PROGRESS_SECONDS, KEY_CHARS_MAX, in_progress
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
        """The committed answer to a command. Raises what the command was refused with.

        Whoever repeats a request that is still being decided waits a second for it; the
        first one may have gone away by then, and is decided all the same.
        """
        mailbox = self._mailbox_of(asyncio.get_running_loop())
        waiting, key = self._queued(command, mailbox), command.idempotency_key()
        if key is None:
            return _answered(await waiting)
        if key in mailbox.running:
            return await _answered_soon(waiting)
        mailbox.running.add(key)
        waiting.add_done_callback(lambda done: mailbox.ended(key, done))
        return _answered(await asyncio.shield(waiting))

    def _mailbox_of(self, loop: asyncio.AbstractEventLoop) -> "_LoopMailbox":
        mailbox = self._mailbox
        if mailbox is None or mailbox.loop is not loop:
            self._mailbox = mailbox = _LoopMailbox(loop)
        return mailbox

    def _queued(self, command: Command, mailbox: "_LoopMailbox") -> "asyncio.Future[Reply]":
        waiting: asyncio.Future[Reply] = mailbox.loop.create_future()
        if not mailbox.outgoing:
            mailbox.loop.call_soon(self._send_off, mailbox)
        mailbox.outgoing.append((command, waiting))
        return waiting

    def _send_off(self, mailbox: "_LoopMailbox") -> None:
        outgoing, mailbox.outgoing = mailbox.outgoing, []
        for command, waiting in outgoing:
            self._committer.send(command, waiting, mailbox)


class _LoopMailbox:
    """Replies into futures of one event loop, from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.outgoing: list[tuple[Command, asyncio.Future[Reply]]] = []
        self.running: set[str] = set()

    def ended(self, key: str, done: "asyncio.Future[Reply]") -> None:
        """A request with this key is decided. Its failure counts as seen, should nobody wait."""
        self.running.discard(key)
        if not done.cancelled():
            done.exception()

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


def _answered(reply: Reply) -> Answered:
    if not isinstance(reply, Answered):
        raise TypeError(type(reply))
    return reply


async def _answered_soon(waiting: "asyncio.Future[Reply]") -> Answered:
    try:
        return _answered(await asyncio.wait_for(waiting, IN_PROGRESS_SECONDS))
    except TimeoutError:
        raise in_progress() from None


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
