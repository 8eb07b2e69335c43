"""Signed notes: text with signatures, as https://c2sp.org/signed-note@v1.0.0 writes them.

Nothing is signed or verified here: the callables that do are handed in. What is parsed
is accepted only if it is exactly what would be written again.
"""

import base64
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

NOTE_BYTES_MAX: Final = 1_000_000
SIGNATURES_MAX: Final = 100
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

Sign: TypeAlias = Callable[[bytes], bytes]
"""The Ed25519 signature (RFC 8032, 64 bytes) of a message under one private key."""

Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether, for ``(public_key, signature, message)``, the Ed25519 signature is right."""

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_DASH: Final = "— "


class NoteError(ValueError):
    """A note or verifier key that is malformed or not to be trusted. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A name and an Ed25519 public key (RFC 8032, 32 bytes): whom to believe.

    Raises `NoteError` for a name that is empty or has spaces or a plus.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        """A key that exists can be written."""
        _check_name(self.name)
        if len(self.public_key) != PUBLIC_KEY_BYTES:
            raise NoteError(f"an Ed25519 public key has {PUBLIC_KEY_BYTES} bytes")

    @property
    def key_id(self) -> bytes:
        """4 bytes that tell keys of one name apart; they prove nothing."""
        typed = _ED25519 + self.public_key
        return hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:_KEY_ID_BYTES]

    def encoded(self) -> str:
        """The text that is handed to verifiers: name, key id in hexadecimal, key in base64."""
        key = base64.b64encode(_ED25519 + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who is said to have signed, and the signature, which may be of a kind unknown here."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line under the note, without its end."""
        return (
            f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text, which ends in a newline, and who signed it.

    Raises `NoteError` for a text with other control characters.
    """

    text: str
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        """A note that exists can be written."""
        if not self.text.endswith("\n"):
            raise NoteError("the text of a note ends in a newline")
        _check_characters(self.text)
        for each in self.signatures:
            _check_name(each.name)
            if len(each.key_id) != _KEY_ID_BYTES or not each.signature:
                raise NoteError(f"the signature of {each.name} is cut short")

    def encoded(self) -> bytes:
        """The note's bytes. Without a signature they are no note that anyone would parse."""
        lines = [f"{each.line()}\n" for each in self.signatures]
        return "".join([self.text, "\n", *lines]).encode()

    def signed(self, key: VerifierKey, sign: Sign) -> "Note":
        """The note with one more signature, made by ``sign`` under ``key``'s private half."""
        signature = Signature(name=key.name, key_id=key.key_id, signature=sign(self.text.encode()))
        return replace(self, signatures=(*self.signatures, signature))

    def signers(self, keys: Collection[VerifierKey], verify: Verify) -> tuple[VerifierKey, ...]:
        """Those of ``keys`` whose signature the note carries: at least one.

        Signatures of other keys are ignored. Raises `NoteError` where a known key's
        signature is wrong, or where none of the keys has signed.
        """
        found = tuple(key for key in keys if self._is_signed_by(key, verify))
        if not found:
            raise NoteError("no signature is by a known key")
        return found

    def _is_signed_by(self, key: VerifierKey, verify: Verify) -> bool:
        message = self.text.encode()
        by_key = [
            each.signature
            for each in self.signatures
            if (each.name, each.key_id) == (key.name, key.key_id)
        ]
        for signature in by_key:
            if len(signature) != SIGNATURE_BYTES or not verify(key.public_key, signature, message):
                raise NoteError(f"the signature of {key.name} is wrong")
        return bool(by_key)


def parse_verifier_key(text: str) -> VerifierKey:
    """The key of ``name+hash+base64``. Raises `NoteError` unless it is an Ed25519 key."""
    name, _, rest = text.partition("+")
    typed = strict_base64(rest.partition("+")[2])
    if typed[:1] != _ED25519:
        raise NoteError("this is no Ed25519 verifier key")
    key = VerifierKey(name=name, public_key=typed[1:])
    if key.encoded() != text:
        raise NoteError(f"the key of {name} does not have the id that stands in it")
    return key


def parse_note(data: bytes) -> Note:
    """The note in these bytes. It is not verified: see `Note.signers`. Raises `NoteError`."""
    if len(data) > NOTE_BYTES_MAX:
        raise NoteError(f"a note has at most {NOTE_BYTES_MAX} bytes")
    try:
        text, blank, under = data.decode().rpartition("\n\n")
    except UnicodeDecodeError as error:
        raise NoteError("a note is UTF-8 text") from error
    if not blank or not under.endswith("\n"):
        raise NoteError("a note is a text, an empty line and signatures, each on a line")
    lines = under[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"a note has at most {SIGNATURES_MAX} signatures")
    note = Note(text=text + "\n", signatures=tuple(_parse_line(line) for line in lines))
    if note.encoded() != data:
        raise NoteError("the note is not written as notes are")
    return note


def strict_base64(text: str) -> bytes:
    """The bytes of canonical base64 (RFC 4648, section 4). Raises `NoteError` for any other."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NoteError("this is not base64") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise NoteError("this is not base64 as it is written")
    return decoded


def _parse_line(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteError("a signature's line begins with a dash and a space")
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    keyed = strict_base64(encoded)
    return Signature(name=name, key_id=keyed[:_KEY_ID_BYTES], signature=keyed[_KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    _check_characters(name)
    if not name or "+" in name or any(each.isspace() for each in name):
        raise NoteError("a key's name is not empty and has neither spaces nor a plus")


def _check_characters(text: str) -> None:
    if any(each < " " and each != "\n" for each in text):
        raise NoteError("a note has no control characters but newlines")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteError("a note is UTF-8 text") from error
