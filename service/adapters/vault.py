"""Keys and sealing: AES-256-GCM and HMAC-SHA256 under keys derived from one master key."""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.adapters.ids import Entropy, random_bytes

MASTER_KEY_VARIABLE: Final = "REMIT_MASTER_KEY"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_OPEN_KEYS_MAX: Final = 8_192
_FOR_OTHERS: Final = 0o077


class MasterKeyError(Exception):
    """There is no usable master key. The message says what to do."""


class MasterVault:
    """Everything that only the master key can do.

    A wrapped or sealed text is a nonce (12 bytes), the ciphertext and its tag (16).
    """

    def __init__(self, master: bytes, entropy: Callable[[int], bytes] | None = None) -> None:
        """Derive (HKDF-SHA256, RFC 5869) one key for each purpose. ``master`` has 32 bytes."""
        if len(master) != _KEY_BYTES:
            raise MasterKeyError(f"a master key has {_KEY_BYTES} bytes, not {len(master)}")
        self._entropy = Entropy() if entropy is None else entropy
        self._fingerprints = _derived(master, b"remit/1 fingerprint")
        self._wrapping = AESGCM(_derived(master, b"remit/1 wrap"))
        self._unwrapped = lru_cache(_OPEN_KEYS_MAX)(self._unwrap)

    def fingerprint(self, text: str) -> bytes:
        """HMAC-SHA256 of the text: 32 bytes."""
        return hmac.digest(self._fingerprints, text.encode(), sha256)

    def new_key(self) -> bytes:
        """A fresh 256-bit data key, wrapped: 60 bytes."""
        return self._encrypt(self._wrapping, self._entropy(_KEY_BYTES), b"")

    def seal(self, wrapped: bytes, plain: bytes, context: str) -> bytes:
        """Encrypt under a data key. Raises `ValueError` where this master did not wrap it."""
        return self._encrypt(self._unwrapped(wrapped), plain, context.encode())

    def unseal(self, wrapped: bytes, sealed: bytes, context: str) -> bytes:
        """What was sealed. Raises `ValueError` where key, text or context is not the same."""
        return _decrypt(self._unwrapped(wrapped), sealed, context.encode())

    def _unwrap(self, wrapped: bytes) -> AESGCM:
        return AESGCM(_decrypt(self._wrapping, wrapped, b""))

    def _encrypt(self, key: AESGCM, plain: bytes, context: bytes) -> bytes:
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + key.encrypt(nonce, plain, context)


def master_key(given: str | None, beside: Path | None, *, used: bool) -> bytes:
    """The master key: the given text, else the file beside an embedded database.

    ``given`` is the value of `MASTER_KEY_VARIABLE`; ``beside`` the database's file, or
    ``None`` where the database is a server: replicas must share a key, so one made
    here would be wrong. ``used`` says that the database holds what its master key
    sealed: a new one would open nothing and begin every budget anew, so a missing file
    is an error then. Raises `MasterKeyError`.
    """
    if given:
        return parsed_key(given)
    if beside is None:
        raise MasterKeyError(
            f"a PostgreSQL database needs a master key that all replicas share: set "
            f"{MASTER_KEY_VARIABLE} to 32 random bytes, for example from: openssl rand -hex 32"
        )
    path = beside.with_name(beside.name + ".master.key")
    if used and not path.exists():
        raise MasterKeyError(
            f"{beside} was sealed with a master key and {path} is gone: put the file back, "
            f"or set {MASTER_KEY_VARIABLE} to what it held"
        )
    return kept_key(path)


def parsed_key(text: str) -> bytes:
    """32 bytes from 64 hexadecimal digits or base64. Raises `MasterKeyError`."""
    stripped = text.strip()
    try:
        if len(stripped) == 2 * _KEY_BYTES:
            return bytes.fromhex(stripped)
        unpadded = stripped.rstrip("=")
        padded = unpadded + "=" * (-len(unpadded) % 4)
        key = b64decode(padded.translate(str.maketrans("-_", "+/")), validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise MasterKeyError(
            "the master key is neither 64 hexadecimal digits nor the base64 of 32 bytes; "
            "make one with: openssl rand -hex 32"
        )
    return key


def kept_key(path: Path) -> bytes:
    """The key in a file, made at the first call and readable by its owner only.

    The file appears with its whole content or not at all, so that two processes that
    start together get the same key. Raises `MasterKeyError` where others may read it.
    """
    try:
        return _read_key(path)
    except FileNotFoundError:
        _make_key(path)
        return _read_key(path)


def _read_key(path: Path) -> bytes:
    with path.open("rb") as file:
        if S_IMODE(os.fstat(file.fileno()).st_mode) & _FOR_OTHERS:
            raise MasterKeyError(f"others may read {path}; run: chmod 600 {path}")
        return parsed_key(file.read().decode("ascii", "replace"))


def _make_key(path: Path) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{random_bytes(8).hex()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b64encode(random_bytes(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _link_once(fresh, path)
    finally:
        fresh.unlink()


def _link_once(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return  # another process was first, and its key counts
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derived(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(master)


def _decrypt(key: AESGCM, sealed: bytes, context: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise ValueError("altered, or sealed under another key or context") from error
