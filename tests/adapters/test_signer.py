"""The signing key signs as RFC 8032 says, and is kept where only its owner reads it."""

from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.signer import (
    SIGNING_KEY_VARIABLE,
    Ed25519Signer,
    SigningKeyError,
    signing_key,
    verify_ed25519,
)
from service.core.note import NoteError, parse_verifier_key

NAME = "log.example/remit"
SIGNER = Ed25519Signer(NAME, bytes(range(32)))


def test_signatures_are_those_of_the_rfc() -> None:
    """The second test of RFC 8032, section 7.1 gives its public key and its signature."""
    seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    signer = Ed25519Signer(NAME, bytes.fromhex(seed))
    assert signer.verifier_key.public_key.hex() == public
    assert signer.sign(b"\x72").hex() == signature
    assert verify_ed25519(bytes.fromhex(public), bytes.fromhex(signature), b"\x72")


def test_a_published_key_has_its_published_text() -> None:
    """The key of the Go checksum database's own tests has the name, id and text they give."""
    seed = bytes.fromhex("810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173")
    published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    signer = Ed25519Signer("PeterNeumann", seed)
    assert signer.verifier_key.encoded() == published


@given(st.binary(), st.binary())
def test_a_signature_is_of_one_message(message: bytes, other: bytes) -> None:
    """What was signed verifies, and nothing else under the same signature does."""
    key, signature = SIGNER.verifier_key.public_key, SIGNER.sign(message)
    assert verify_ed25519(key, signature, message)
    assert verify_ed25519(key, signature, other) is (message == other)
    assert not verify_ed25519(bytes(reversed(key)), signature, message)


@pytest.mark.parametrize(
    ("key", "signature"), [(b"", bytes(64)), (bytes(31), bytes(64)), (bytes(32), b"")]
)
def test_what_is_no_key_has_signed_nothing(key: bytes, signature: bytes) -> None:
    """Keys and signatures of another length are a no, not an error."""
    assert not verify_ed25519(key, signature, b"message")


def test_the_verifier_key_reads_back() -> None:
    """What an operator hands out is what a verifier reads."""
    assert parse_verifier_key(SIGNER.verifier_key.encoded()) == SIGNER.verifier_key


def test_a_log_whose_name_cannot_be_written_is_refused() -> None:
    """A name with a space is noticed before anything is signed under it."""
    with pytest.raises(NoteError):
        Ed25519Signer("grand hotel", bytes(32))


@pytest.mark.parametrize("text", ["0f" * 32, "Dw8P" * 10 + "Dw8=", "Dw8P" * 10 + "Dw8\n"])
def test_a_given_key_is_taken(text: str, tmp_path: Path) -> None:
    """64 hexadecimal digits or base64 are the key, and no file is made."""
    assert signing_key(text, tmp_path / "remit.db") == b"\x0f" * 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["x", "0f" * 31, "Dw8P" * 10])
def test_a_given_text_that_is_no_key_is_refused(text: str) -> None:
    """The message names the variable and says how to make a key."""
    with pytest.raises(SigningKeyError, match=f"{SIGNING_KEY_VARIABLE} is neither.*openssl"):
        signing_key(text, None)


def test_a_server_s_database_needs_a_given_key() -> None:
    """Replicas sign as one, so none of them makes a key of its own."""
    with pytest.raises(SigningKeyError, match=SIGNING_KEY_VARIABLE):
        signing_key(None, None)


def test_an_embedded_database_gets_a_key_once(tmp_path: Path) -> None:
    """The key beside the database is made at the first start and is the same ever after."""
    database = tmp_path / "remit.db"
    made = signing_key(None, database)
    assert signing_key(None, database) == made
    assert len(made) == 32
    (kept,) = tmp_path.iterdir()
    assert (kept.name, S_IMODE(kept.stat().st_mode)) == ("remit.db.signing.key", 0o600)


@pytest.mark.parametrize(("mode", "text"), [(0o644, "0f" * 32), (0o600, "spoilt")])
def test_a_key_file_that_cannot_be_trusted_is_refused(mode: int, text: str, tmp_path: Path) -> None:
    """A file that others may read, or that holds no key, is named and not used or replaced."""
    kept = tmp_path / "remit.db.signing.key"
    kept.write_text(text)
    kept.chmod(mode)
    with pytest.raises(SigningKeyError, match=r"remit\.db\.signing\.key"):
        signing_key(None, tmp_path / "remit.db")
    assert kept.read_text() == text
