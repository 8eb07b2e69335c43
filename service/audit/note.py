"""Signed notes and verifier keys as https://c2sp.org/signed-note@v1.0.0 writes them.

Strict: what is not byte for byte as it would be written is refused. Only Ed25519 keys
are believed; signatures of other keys are passed over, as the format demands.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTE_BYTES_MAX: Final = 1_000_000

_ED25519: Final = 1
_SIGNATURES_MAX: Final = 100
_KEY_ID_BYTES: Final = 4
_MARK: Final = "— "


class NoteError(ValueError):
    """A note or a key that cannot be read. The message says why."""


class UnsignedError(NoteError):
    """A note that none of the trusted keys has signed."""


class WrongSignatureError(NoteError):
    """A note with a trusted key's name under it that this key did not sign."""


class VerifierKey(NamedTuple):
    """Whom to believe: a name, the key's id (4 bytes) and its Ed25519 public key (32 bytes)."""

    name: str
    key_id: bytes
    public: bytes

    def written(self) -> str:
        """The text that operators hand out: ``name+id+key``."""
        encoded = base64.b64encode(bytes([_ED25519]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made the signature (RFC 8032) of the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Note(NamedTuple):
    """A text and its signatures: the signer's name, key id and signature of each."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def check(self, keys: Iterable[VerifierKey]) -> None:
        """Raises `WrongSignatureError` or `UnsignedError` unless one of ``keys`` signed."""
        message, is_signed = self.text.encode(), False
        for key in keys:
            for name, key_id, signature in self.signatures:
                if (name, key_id) != (key.name, key.key_id):
                    continue
                if not key.has_signed(message, signature):
                    raise WrongSignatureError(f"the signature of {key.name} is wrong")
                is_signed = True
        if not is_signed:
            signers = ", ".join(f"{name}+{id_.hex()}" for name, id_, _ in self.signatures)
            raise UnsignedError(f"no trusted key has signed; signed by: {signers}")


def parse_key(text: str) -> VerifierKey:
    """A verifier key from ``name+id+key``. Raises `NoteError`."""
    name, id_text, encoded = ([*text.strip().split("+", 2), "", ""])[:3]
    typed = decoded(encoded)
    _check_name(name)
    if len(typed) != 33 or typed[0] != _ED25519:  # noqa: PLR2004 — a byte for the kind, 32 for the key
        raise NoteError("this is no Ed25519 verifier key, which looks like name+1a2b3c4d+AbC…")
    key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:_KEY_ID_BYTES]
    if key_id.hex() != id_text:
        raise NoteError(f"the key of {name} has the id {key_id.hex()}, and {id_text} stands there")
    return VerifierKey(name, key_id, typed[1:])


def parse_note(data: bytes) -> Note:
    """The note in these bytes, not yet checked. Raises `NoteError`."""
    if len(data) > NOTE_BYTES_MAX:
        raise NoteError(f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8 text") from None
    if any(character < " " and character != "\n" for character in whole):
        raise NoteError("a note has no control characters but newlines")
    text, blank, under = whole.rpartition("\n\n")
    lines = under.split("\n")
    if not blank or lines.pop() or not lines or len(lines) > _SIGNATURES_MAX:
        raise NoteError("a note is a text, an empty line and 1 to 100 signatures, each on a line")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def decoded(text: str) -> bytes:
    """The bytes of base64 (RFC 4648, section 4) in its one canonical form. Raises `NoteError`."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise NoteError(f"{text[:60]!r} is not base64") from None
    if base64.b64encode(data).decode("ascii") != text:
        raise NoteError(f"{text[:60]!r} is not base64 as it is written")
    return data


def _signature(line: str) -> tuple[str, bytes, bytes]:
    if not line.startswith(_MARK):
        raise NoteError("a signature's line begins with an em dash and a space")
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    _check_name(name)
    keyed = decoded(encoded)
    if len(keyed) <= _KEY_ID_BYTES:
        raise NoteError(f"the signature of {name} is cut short")
    return name, keyed[:_KEY_ID_BYTES], keyed[_KEY_ID_BYTES:]


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError("a key's name is not empty and has neither spaces nor a plus")
