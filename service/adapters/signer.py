"""Signing checkpoints: Ed25519 (RFC 8032), and where the key is kept."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.adapters.vault import MasterKeyError, kept_key, parsed_key
from service.core.note import VerifierKey

SIGNING_KEY_VARIABLE: Final = "REMIT_SIGNING_KEY"
OLD_SIGNING_KEY_VARIABLE: Final = "REMIT_OLD_SIGNING_KEY"


class SigningKeyError(Exception):
    """There is no usable signing key. The message says what to do."""


class Ed25519Signer:
    """Signs as the log ``name``. Who has the verifier key can check it; nobody can imitate it."""

    def __init__(self, name: str, seed: bytes) -> None:
        """``seed`` is the private key (32 bytes); ``name`` is the log's origin.

        Raises `NoteError` for a name that no verifier key can have.
        """
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.verifier_key: Final = VerifierKey(name=name, public_key=public)

    def sign(self, message: bytes) -> bytes:
        """The signature (64 bytes), always the same for the same message."""
        return self._private.sign(message)


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this key (32 bytes) signed the message. A key that is none has signed nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signer_of(given: str | None, beside: Path | None) -> Callable[[str], Ed25519Signer]:
    """The signer under each name, with the key of `signing_key`. Raises `SigningKeyError`."""
    return _naming(signing_key(given, beside))


def find_signer(old: str | None) -> Callable[[str], Ed25519Signer] | None:
    """The same with the key of `OLD_SIGNING_KEY_VARIABLE`, where one is given."""
    return _naming(_parsed(OLD_SIGNING_KEY_VARIABLE, old)) if old else None


def _naming(seed: bytes) -> Callable[[str], Ed25519Signer]:
    return cache(lambda name: Ed25519Signer(name, seed))


def signing_key(given: str | None, beside: Path | None) -> bytes:
    """The seed of the signing key: the given text, else the file beside an embedded database.

    ``given`` is the value of `SIGNING_KEY_VARIABLE`; ``beside`` the database's file, or
    ``None`` where the database is a server: replicas must sign as one. A file is made at
    the first call, readable by its owner only. Raises `SigningKeyError`.
    """
    if given:
        return _parsed(SIGNING_KEY_VARIABLE, given)
    if beside is None:
        raise SigningKeyError(
            f"a PostgreSQL database needs a signing key that all replicas share: set "
            f"{SIGNING_KEY_VARIABLE} to 32 random bytes, for example from: openssl rand -hex 32"
        )
    path = beside.with_name(beside.name + ".signing.key")
    try:
        return kept_key(path)
    except MasterKeyError as error:
        raise SigningKeyError(f"{path} cannot be used: {error}") from error


def _parsed(where: str, text: str) -> bytes:
    try:
        return parsed_key(text)
    except MasterKeyError as error:
        raise SigningKeyError(
            f"{where} is neither 64 hexadecimal digits nor the base64 of 32 bytes; "
            "make one with: openssl rand -hex 32"
        ) from error
