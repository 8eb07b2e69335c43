"""Checkpoints: what the log says it is, signed, as https://c2sp.org/tlog-checkpoint writes it.

The text of the note is the log's origin, its size, the root in base64, and any further
lines, each on a line of its own.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from service.core.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX
from service.core.note import (
    Note,
    NoteError,
    Sign,
    VerifierKey,
    Verify,
    parse_note,
    strict_base64,
)

_LINES_MIN: Final = 3
_DIGITS_MAX: Final = len(str(SIZE_MAX))


class CheckpointError(NoteError):
    """A checkpoint that is malformed, or another log's. The message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The tree of ``size`` leaves of the log ``origin`` has this root (32 bytes).

    Raises `CheckpointError` for lines that are empty or hold control characters, and
    for a size or root that no tree can have.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A checkpoint that exists can be written."""
        for line in (self.origin, *self.extensions):
            if not line or any(each < " " for each in line):
                raise CheckpointError("a line is not empty and has no control characters")
        if not 0 <= self.size <= SIZE_MAX:
            raise CheckpointError(f"no tree has {self.size} leaves")
        if len(self.root) != HASH_BYTES:
            raise CheckpointError(f"a root has {HASH_BYTES} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise CheckpointError("a tree without leaves has another root")

    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    def signed(self, key: VerifierKey, sign: Sign) -> bytes:
        """The signed note that the log serves: `Note.signed` of the text."""
        return Note(text=self.text()).signed(key, sign).encoded()


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note. Raises `CheckpointError`."""
    lines = text.split("\n")
    if lines.pop() or len(lines) < _LINES_MIN:
        raise CheckpointError("a checkpoint has a line each for origin, size and root")
    origin, size, root, *extensions = lines
    checkpoint = Checkpoint(
        origin=origin,
        size=strict_integer(size),
        root=_root(root),
        extensions=tuple(extensions),
    )
    if checkpoint.text() != text:
        raise CheckpointError("the checkpoint is not written as checkpoints are")
    return checkpoint


def open_checkpoint(
    data: bytes, *, origin: str, keys: Collection[VerifierKey], verify: Verify
) -> Checkpoint:
    """The checkpoint in a signed note, believed because one of ``keys`` signed it.

    Raises `NoteError` where the note is malformed, a known key's signature is wrong or
    no known key signed, and `CheckpointError` where it is no checkpoint of ``origin``.
    """
    note = parse_note(data)
    note.signers(keys, verify)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise CheckpointError(f"this is a checkpoint of {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint


def strict_integer(text: str) -> int:
    """A size or an index in decimal, without signs or leading zeros. Raises `CheckpointError`."""
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS_MAX:
        raise CheckpointError(f"{text[:_DIGITS_MAX]!r} is no size or index of a tree")
    number = int(text)
    if str(number) != text or number > SIZE_MAX:
        raise CheckpointError(f"{text!r} is no size or index of a tree")
    return number


def _root(text: str) -> bytes:
    try:
        return strict_base64(text)
    except NoteError as error:
        raise CheckpointError(f"the root cannot be read: {error}") from error
