"""Checkpoints as webhooks: signed (Standard Webhooks), to a checked address, with no detour."""

import hashlib

import orjson

from service.adapters.webhooks import Webhooks
from service.app.logrecords import CheckpointRecord
from service.app.ports import Clock
from service.core.checkpoint import parse_checkpoint
from service.core.factvalue import rfc3339
from service.core.note import parse_note
from service.core.receiver import Hook, Receiver

EVENT = "checkpoint.signed"


class CheckpointHook:
    """See `service.app.checkpointpost.CheckpointSender`."""

    def __init__(self, hook: Hook, clock: Clock, posting: Webhooks, *, allow_private: bool) -> None:
        """Where to, and whether that may lie within a private network."""
        self._hook = hook
        self._clock = clock
        self._posting = posting
        self._receiver = Receiver(
            id="checkpoints", kind="webhook", to=hook, allow_private=allow_private
        )

    def send(self, record: CheckpointRecord) -> None:
        """Post it once: its note, and what that says, for programs that read no notes."""
        now = self._clock.now()
        self._posting.post(self._receiver, self._hook, _id(record), _body(record), now)


def find_checkpoint_hook(
    url: str | None, secret: str | None, *, allow_private: bool, clock: Clock, posting: Webhooks
) -> CheckpointHook | None:
    """Whom checkpoints are posted to; ``None`` where nobody is named."""
    if url is None:
        return None
    hook = Hook(url=url, secret=secret)
    return CheckpointHook(hook, clock, posting, allow_private=allow_private)


def _id(record: CheckpointRecord) -> str:
    """Another one for each that was signed, whichever process posts it, and whichever log."""
    return f"ckp_{record.number}_{hashlib.sha256(record.note).hexdigest()[:16]}"


def _body(record: CheckpointRecord) -> bytes:
    root = parse_checkpoint(parse_note(record.note).text).root
    data = {
        "origin": record.origin,
        "size": record.size,
        "root": root.hex(),
        "note": record.note.decode(),
    }
    return orjson.dumps({"type": EVENT, "timestamp": rfc3339(record.at), "data": data})
