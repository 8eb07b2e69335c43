"""Checkpoints as https://c2sp.org/tlog-checkpoint writes them: origin, size, root."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from service.audit.note import NoteError, VerifierKey, decoded, parse_note
from service.core.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX

_LINES_MIN: Final = 3


class Checkpoint(NamedTuple):
    """The log ``origin`` had ``size`` entries under this root. ``note`` is what was signed."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...]
    note: bytes

    def check(self, keys: Iterable[VerifierKey]) -> None:
        """Raises `UnsignedError` or `WrongSignatureError` unless one of ``keys`` signed it."""
        parse_note(self.note).check(keys)


def parse_checkpoint(note: bytes) -> Checkpoint:
    """The checkpoint in a signed note, its signatures not yet checked. Raises `NoteError`."""
    lines = parse_note(note).text.split("\n")
    if lines.pop() or len(lines) < _LINES_MIN or not all(lines):
        raise NoteError("a checkpoint has a line each for its origin, its size and its root")
    origin, size, root, *extensions = lines
    checkpoint = Checkpoint(origin, parse_size(size), decoded(root), tuple(extensions), note)
    if len(checkpoint.root) != HASH_BYTES:
        raise NoteError(f"a root has {HASH_BYTES} bytes, not {len(checkpoint.root)}")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise NoteError("a log without entries has another root")
    return checkpoint


def parse_size(text: str) -> int:
    """A decimal number without signs and leading zeros. Raises `NoteError`."""
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(SIZE_MAX)):
        raise NoteError(f"{text[:30]!r} is no size or index of a log")
    number = int(text)
    if str(number) != text or number > SIZE_MAX:
        raise NoteError(f"{text!r} is no size or index of a log")
    return number
