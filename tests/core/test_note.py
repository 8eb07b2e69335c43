"""Signed notes are those of the specification, byte for byte, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.note import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    Note,
    NoteError,
    Signature,
    VerifierKey,
    parse_note,
    parse_verifier_key,
    strict_base64,
)
from tests.core.outsiders import count_signatures
from tests.core.trees import KEYS, OTHER, SIGNER, VERIFY, flipped

VECTORS = Path(__file__).parent.parent / "vectors"
PUBLISHED = json.loads((VECTORS / "signed_notes.json").read_text("utf-8"))["notes"]
NOTE = Note(text="Nothing is lost.\n").signed(SIGNER.verifier_key, SIGNER.sign)

LINES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]))
TEXTS = st.lists(LINES, min_size=1).map(lambda lines: "".join(f"{line}\n" for line in lines))
NAMES = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: "+" not in name and not any(each.isspace() for each in name)
)
SIGNATURES = st.builds(
    Signature,
    name=NAMES,
    key_id=st.binary(min_size=4, max_size=4),
    signature=st.binary(min_size=1, max_size=80),
)
NOTES = st.builds(
    Note,
    text=TEXTS,
    signatures=st.lists(SIGNATURES, min_size=1, max_size=4).map(tuple),
)


def is_believed(data: bytes, keys: tuple[VerifierKey, ...] = KEYS) -> bool:
    try:
        parse_note(data).signers(keys, VERIFY)
    except NoteError:
        return False
    return True


# ── published examples ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("example", PUBLISHED, ids=lambda example: str(example["keys"][0]))
def test_the_published_examples_verify(example: dict[str, Any]) -> None:
    """The specification's own note, and Go's, carry the signatures of the keys beside them."""
    data = "\n".join([example["text"], *example["signatures"], ""]).encode()
    keys = tuple(parse_verifier_key(key) for key in example["keys"])
    note = parse_note(data)
    assert note.signers(keys, VERIFY) == keys
    assert (note.text, note.encoded()) == (example["text"], data)
    assert count_signatures(data, example["keys"]) == len(keys)


def test_others_accept_what_is_signed_here() -> None:
    """A verifier nobody here wrote finds one signature of each key, and none of a stranger's."""
    both = NOTE.signed(OTHER.verifier_key, OTHER.sign).encoded()
    ours, other = SIGNER.verifier_key.encoded(), OTHER.verifier_key.encoded()
    assert count_signatures(NOTE.encoded(), [ours]) == 1
    assert count_signatures(both, [ours, other]) == 2
    assert count_signatures(NOTE.encoded(), [other]) == 0


# ── parse and format ──────────────────────────────────────────────────────────────────


@given(NOTES)
def test_what_is_written_is_read_again(note: Note) -> None:
    """Any text and any signatures, of kinds unknown here too, survive writing and reading."""
    assert parse_note(note.encoded()) == note


@given(st.binary())
def test_what_is_read_would_be_written_again(data: bytes) -> None:
    """Bytes that are accepted as a note are the only way to write that note."""
    for candidate in (data, b"text\n\n\xe2\x80\x94 name " + data, data + NOTE.encoded()):
        try:
            note = parse_note(candidate)
        except NoteError:
            continue
        assert note.encoded() == candidate


def test_the_last_empty_line_separates_the_signatures() -> None:
    """A text may hold empty lines, at its end too."""
    note = replace(NOTE, text="a\n\nb\n\n", signatures=NOTE.signatures)
    assert parse_note(note.encoded()).text == "a\n\nb\n\n"


GOOD = NOTE.encoded().decode()
LINE = NOTE.signatures[0].line()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing is lost.\n",
        "Nothing is lost.\n\n",
        GOOD.removesuffix("\n"),
        GOOD + "\n",
        GOOD + "another line\n",
        GOOD.replace("\n\n", "\n"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("—", "-"),
        GOOD.replace("— ", "—  "),
        GOOD.replace("=\n", "\n"),
        GOOD.replace("=\n", "==\n"),
        GOOD.replace(LINE, LINE + " "),
        GOOD.replace("log.example/remit", "log.example/re mit"),
        GOOD.replace("log.example/remit", "log.example/re\u2003mit"),
        GOOD.replace("log.example/remit", "log.example/re+mit"),
        GOOD.replace("log.example/remit", ""),
        "\x01" + GOOD,
        GOOD.replace("lost", "\tlost"),
        "text\n\n— name AAAAAA==\n",  # a key id and nothing
        "text\n\n— name AAAA\n",
        "text\n\n— name\n",
    ],
)
def test_anything_but_a_note_is_refused(text: str) -> None:
    """What the specification does not allow is refused, not repaired."""
    with pytest.raises(NoteError):
        parse_note(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    """A note is UTF-8."""
    with pytest.raises(NoteError, match="UTF-8"):
        parse_note(b"\xff" + NOTE.encoded())


def test_notes_have_bounds() -> None:
    """A note of a hundred signatures is read; one more, or a megabyte, is refused."""
    most = replace(NOTE, signatures=NOTE.signatures * SIGNATURES_MAX)
    assert parse_note(most.encoded()) == most
    too_many = replace(NOTE, signatures=NOTE.signatures * (SIGNATURES_MAX + 1))
    with pytest.raises(NoteError, match="signatures"):
        parse_note(too_many.encoded())
    too_long = replace(NOTE, text="x" * NOTE_BYTES_MAX + "\n")
    with pytest.raises(NoteError, match="bytes"):
        parse_note(too_long.encoded())


@pytest.mark.parametrize("text", ["", "no end", "a\tb\n", "\x7f\x1f\n", "\ud800\n"])
def test_a_text_that_is_none_makes_no_note(text: str) -> None:
    """What could not be read again is not written."""
    with pytest.raises(NoteError):
        Note(text=text)


@pytest.mark.parametrize("encoded", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q-==", "é", "="])
def test_base64_has_one_spelling(encoded: str) -> None:
    """Missing padding, stray bits, blanks and other alphabets are refused."""
    with pytest.raises(NoteError, match="base64"):
        strict_base64(encoded)


# ── who signed ────────────────────────────────────────────────────────────────────────


@given(st.integers(0, len(NOTE.encoded()) - 1), st.integers(1, 255))
def test_no_altered_note_is_believed(at: int, bits: int) -> None:
    """A single flipped byte anywhere is noticed, by us and by a verifier nobody here wrote."""
    altered = flipped(NOTE.encoded(), at, bits)
    assert not is_believed(altered)
    assert count_signatures(altered, [SIGNER.verifier_key.encoded()]) == 0


def test_a_stranger_s_signature_is_ignored() -> None:
    """Signatures of unknown keys neither help nor hurt, even where only the name is known."""
    namesake = VerifierKey(name=SIGNER.verifier_key.name, public_key=bytes(32))
    both = NOTE.signed(OTHER.verifier_key, OTHER.sign)
    assert both.signers(KEYS, VERIFY) == KEYS
    assert both.signers((*KEYS, namesake), VERIFY) == KEYS
    with pytest.raises(NoteError, match="known key"):
        NOTE.signers((OTHER.verifier_key, namesake), VERIFY)
    with pytest.raises(NoteError, match="known key"):
        NOTE.signers((), VERIFY)


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    """A right signature beside it does not make up for a wrong one, in either order."""
    right = NOTE.signatures[0]
    for signature in (flipped(right.signature, 5, 1), right.signature[:-1]):
        wrong = replace(right, signature=signature)
        for pair in ((right, wrong), (wrong, right)):
            with pytest.raises(NoteError, match="wrong"):
                replace(NOTE, signatures=pair).signers(KEYS, VERIFY)


def test_a_signature_of_another_length_is_wrong_whatever_the_verifier_says() -> None:
    """A careless verifier does not make a cut signature right."""
    cut = replace(NOTE.signatures[0], signature=NOTE.signatures[0].signature[:-1])
    with pytest.raises(NoteError, match="wrong"):
        replace(NOTE, signatures=(cut,)).signers(KEYS, lambda *_: True)


# ── verifier keys ─────────────────────────────────────────────────────────────────────

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


@given(NAMES, st.binary(min_size=32, max_size=32))
def test_a_verifier_key_is_read_as_it_was_written(name: str, public_key: bytes) -> None:
    """Any name and any key survive the text that is handed to verifiers."""
    key = VerifierKey(name=name, public_key=public_key)
    assert parse_verifier_key(key.encoded()) == key


def test_every_mangling_of_a_verifier_key_is_refused() -> None:
    """No part of a key's text is a key, and no text with one character changed."""
    parts = {PETER[i:j] for i in range(len(PETER)) for j in range(i + 1, len(PETER) + 1)}
    changed = {PETER[:i] + chr(ord(PETER[i]) + 1) + PETER[i + 1 :] for i in range(len(PETER))}
    for text in (parts | changed | {"", PETER.replace("c74f20a3", "C74F20A3")}) - {PETER}:
        with pytest.raises(NoteError):
            parse_verifier_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_keys_of_another_length_or_kind_are_refused(text: str) -> None:
    """A key too long and an unknown kind are refused although their ids are right."""
    with pytest.raises(NoteError):
        parse_verifier_key(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x00b"])
def test_a_name_that_cannot_be_written_makes_no_key(name: str) -> None:
    """Spaces of any kind, a plus and control characters would be read as something else."""
    with pytest.raises(NoteError):
        VerifierKey(name=name, public_key=bytes(32))
