"""Checkpoints are posted to a real receiver, signed, and to no address that is not allowed."""

import base64
from dataclasses import replace

import pytest

from service.adapters.checkpointhook import CheckpointHook, find_checkpoint_hook
from service.adapters.clock import SystemClock
from service.adapters.webhooks import Webhooks
from service.app.logrecords import CheckpointRecord
from service.app.sending import Undelivered
from service.core.checkpoint import Checkpoint
from service.core.note import Note
from tests.adapters.letters import AT
from tests.logged import ORIGIN, SEED, sign_with
from tests.receiving import SECRET, answer, receiving

ROOT = bytes(range(32))


def record(number: int = 7, size: int = 300) -> CheckpointRecord:
    signer = sign_with(SEED)(ORIGIN)
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(ROOT).decode()}\n"
    note = Note(text=text).signed(signer.verifier_key, signer.sign).encoded()
    return CheckpointRecord(number=number, origin=ORIGIN, size=size, note=note, at=AT)


def hook_to(url: str, *, allow_private: bool = True) -> CheckpointHook:
    found = find_checkpoint_hook(
        url, SECRET, allow_private=allow_private, clock=SystemClock(), posting=Webhooks()
    )
    assert found is not None
    return found


def test_a_checkpoint_is_posted_signed_and_whole() -> None:
    """Its note byte for byte, what the note says, and a signature that the library accepts."""
    sent = record()
    with receiving() as receiver:
        hook_to(receiver.url).send(sent)
        (taken,) = receiver.wait_for(1)
    body = taken.verified()
    assert body["type"] == "checkpoint.signed"
    assert body["data"]["note"].encode() == sent.note
    said = Checkpoint(origin=ORIGIN, size=300, root=ROOT)
    assert body["data"] == {
        "origin": said.origin,
        "size": said.size,
        "root": said.root.hex(),
        "note": sent.note.decode(),
    }


def test_the_same_checkpoint_has_the_same_id() -> None:
    """A repeated one is known by it; the same size signed again an hour later is another."""
    with receiving() as receiver:
        hook = hook_to(receiver.url)
        for one in (record(), record(), replace(record(), number=8)):
            hook.send(one)
        first, again, later = [taken.id for taken in receiver.wait_for(3)]
    assert first == again != later


def test_a_refusal_is_told_with_its_code() -> None:
    """As those of notices are."""
    with receiving() as receiver:
        receiver.manners.append(answer(503))
        with pytest.raises(Undelivered) as undelivered:
            hook_to(receiver.url).send(record())
    assert undelivered.value.code == "http_503"


def test_a_private_address_takes_permission() -> None:
    """Who sets an address must not reach our insides by it."""
    with receiving() as receiver, pytest.raises(Undelivered) as undelivered:
        hook_to(receiver.url, allow_private=False).send(record())
    assert undelivered.value.code == "private_address"
    assert receiver.arrived == []


def test_no_address_is_nobody() -> None:
    """Without one nothing is posted to anybody."""
    found = find_checkpoint_hook(
        None, None, allow_private=False, clock=SystemClock(), posting=Webhooks()
    )
    assert found is None
