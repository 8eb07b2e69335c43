"""What is posted: a letter as Standard Webhooks, Slack and Teams want to read it.

Texts go where no markup is read, so that nothing in a policy or a fact can become a link
or call somebody by name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import orjson

from service.app.sending import Letter
from service.core.factvalue import rfc3339
from service.core.receiver import ReceiverKind

SLACK_TEXT_CHARS_MAX: Final = 2_900
"""A section takes 3,000 characters."""

TEAMS_TEXT_CHARS_MAX: Final = 4_000
"""A message takes 28 KiB, and a character of a card may take four bytes."""

_OPEN: Final = "Open the case"
_CARD: Final = "application/vnd.microsoft.card.adaptive"


def standard(letter: Letter) -> bytes:
    """``type``, ``timestamp`` and ``data``, as standardwebhooks.com says."""
    body = {"type": letter.event.value, "timestamp": rfc3339(letter.at), "data": letter.data}
    return orjson.dumps(body)


def slack(letter: Letter) -> bytes:
    """Blocks of plain text for an incoming webhook; ``text`` is what a notification shows."""
    lines = "\n".join(_fitting(letter, SLACK_TEXT_CHARS_MAX))
    blocks: list[dict[str, Any]] = [{"type": "section", "text": _plain(letter.title)}]
    if lines:
        blocks.append({"type": "section", "text": _plain(lines)})
    if letter.link is not None:
        button = {"type": "button", "text": _plain(_OPEN), "url": letter.link}
        blocks.append({"type": "actions", "elements": [button]})
    return orjson.dumps({"text": _escaped(letter.title), "blocks": blocks})


def teams(letter: Letter) -> bytes:
    """An adaptive card in a message, as the webhook trigger of Teams' workflows takes it."""
    body = [
        _run(letter.title, weight="Bolder", size="Medium"),
        *(_run(line) for line in _fitting(letter, TEAMS_TEXT_CHARS_MAX)),
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if letter.link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": _OPEN, "url": letter.link}]
    attachment = {"contentType": _CARD, "contentUrl": None, "content": card}
    return orjson.dumps({"type": "message", "attachments": [attachment]})


BODIES: Final[Mapping[ReceiverKind, Callable[[Letter], bytes]]] = {
    "webhook": standard,
    "slack": slack,
    "teams": teams,
}
"""The body of each kind of receiver that is posted to."""


def _fitting(letter: Letter, characters_max: int) -> Iterator[str]:
    """As many of the lines as fit, whole."""
    left = characters_max
    for label, text in letter.lines:
        line = f"{label}: {text}"
        left -= len(line) + 1
        if left < 0:
            return
        yield line


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    """Slack's three characters that mean something."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _run(text: str, **look: str) -> dict[str, Any]:
    """A paragraph that is not read as Markdown, unlike a card's TextBlock."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}
