"""Notes, checkpoints and keys, read by the verifier's own code: strictly, or not at all."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.audit.checkpoint import parse_checkpoint
from service.audit.note import NoteError, UnsignedError, WrongSignatureError, parse_key, parse_note
from tests.audit.logs import KEY
from tests.core.trees import OTHER, SIGNER, checkpoint

VECTORS = Path(__file__).parents[1] / "vectors"
NOTE = checkpoint(7)


def test_a_key_is_written_as_it_was_read() -> None:
    """Reading and writing are inverse."""
    text = SIGNER.verifier_key.encoded()
    assert parse_key(text).written() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        SIGNER.verifier_key.encoded().replace("+", "+0", 1),
        SIGNER.verifier_key.encoded() + "A",
        "a b+00000000+AQ==",
        SIGNER.verifier_key.encoded().rpartition("+")[0] + "+AgAA",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    """A key's id stands in it, so that a slip of the pen is no other key."""
    with pytest.raises(NoteError):
        parse_key(text)


def test_a_signed_checkpoint_is_read() -> None:
    """Origin, size and root, and the signature over them."""
    found = parse_checkpoint(NOTE)
    assert (found.origin, found.size) == (SIGNER.verifier_key.name, 7)
    found.check([KEY])


def test_a_signature_of_another_is_none() -> None:
    """A note that no trusted key has signed is not believed, however well it is formed."""
    with pytest.raises(UnsignedError):
        parse_note(NOTE).check([parse_key(OTHER.verifier_key.encoded())])


def test_a_changed_text_is_not_believed() -> None:
    """The signature is over every byte."""
    with pytest.raises(WrongSignatureError):
        parse_note(NOTE.replace(b"\n7\n", b"\n8\n")).check([KEY])


@given(place=st.integers(0, len(NOTE) - 1), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_no_flipped_bit_is_believed(place: int, bit: int) -> None:
    """It is malformed, unsigned or wrongly signed, wherever it is."""
    data = bytearray(NOTE)
    data[place] ^= 1 << bit
    with pytest.raises(NoteError):
        parse_checkpoint(bytes(data)).check([KEY])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        NOTE + b"\n",
        NOTE[:-1],
        NOTE.replace(b"\n7\n", b"\n07\n"),
        NOTE.replace(b"\n7\n", b"\n-7\n"),
        NOTE.replace(b"\n7\n", b"\n\n"),
        NOTE.replace(b"\n7\n", b"\n7\r\n"),
        NOTE.replace("—".encode(), b"-"),
    ],
)
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    """There is one way to write one."""
    with pytest.raises(NoteError):
        parse_checkpoint(data)


def test_published_notes_are_judged_as_they_are_marked() -> None:
    """Notes of the format's own examples and of other implementations."""
    published = orjson.loads((VECTORS / "signed_notes.json").read_bytes())
    assert published["notes"]
    for example in published["notes"]:
        under = "".join(f"{line}\n" for line in example["signatures"])
        note = parse_note(f"{example['text']}\n{under}".encode())
        note.check([parse_key(text) for text in example["keys"]])
