"""Where the master key comes from, and what is made of it."""

from base64 import b64encode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.adapters.vault import MasterKeyError, MasterVault, kept_key, master_key, parsed_key

KEY = bytes(range(224, 256))
FINGERPRINT = "8a4498fa137b69b806668797741a7e98f525f1c805f509e8b68d24fc638cfcce"
WRAPPED = (
    "05050505050505050505050536989eb9d47beeab33103627f42aa63310fd"
    "011a4d83e71c843dde5fdcd34140ddbfaa1cd1e503553f577bd0ac3a4c60"
)
SEALED = "050505050505050505050505033c41b223c1c8017846e5cf973a2e0344ef4a94f7"


def test_what_is_derived_never_changes() -> None:
    """Fingerprints and sealed texts of earlier versions stay readable: these bytes are fixed."""
    vault = MasterVault(KEY, entropy=lambda count: b"\x05" * count)
    assert vault.fingerprint("guest.id\0G-1").hex() == FINGERPRINT
    wrapped = vault.new_key()
    assert wrapped.hex() == WRAPPED
    assert vault.seal(wrapped, b"plain", "ent_1").hex() == SEALED


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        b64encode(KEY).decode(),
        urlsafe_b64encode(KEY).decode(),
        urlsafe_b64encode(KEY).decode().rstrip("="),
        f" {KEY.hex()}\n",
    ],
)
def test_a_given_key_is_hexadecimal_or_base64(text: str) -> None:
    """32 bytes are read from 64 hexadecimal digits or from either base64, padded or not."""
    assert parsed_key(text) == KEY


@pytest.mark.parametrize("text", ["", "secret", KEY.hex()[:-2], "g" * 64, "é" * 43, "A" * 44])
def test_anything_else_is_no_key(text: str) -> None:
    """A text that is not exactly 32 bytes is refused, with a command that makes one."""
    with pytest.raises(MasterKeyError, match="openssl rand -hex 32"):
        parsed_key(text)


def test_a_master_key_of_another_length_is_refused() -> None:
    """No vault works under a short key."""
    with pytest.raises(MasterKeyError):
        MasterVault(b"short")


def test_a_given_key_wins_over_the_file(tmp_path: Path) -> None:
    """With a key given, none is made."""
    assert master_key(KEY.hex(), tmp_path / "remit.db", used=False) == KEY
    assert not list(tmp_path.iterdir())


def test_a_server_database_needs_a_given_key() -> None:
    """Without a database file and a key nothing starts, and the message says what to set."""
    with pytest.raises(MasterKeyError, match="REMIT_MASTER_KEY"):
        master_key(None, None, used=False)


def test_the_embedded_key_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    """The first start makes a key beside the database with mode 600; later starts read it."""
    first = master_key(None, tmp_path / "remit.db", used=False)
    (path,) = tmp_path.iterdir()
    assert path.name == "remit.db.master.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert master_key(None, tmp_path / "remit.db", used=True) == first
    assert len(first) == 32


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    """However many make the file at the same instant, all end with the same key."""
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: kept_key(tmp_path / "a.key"), range(16)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """A file that others may touch stops the start, with the command that mends it."""
    path = tmp_path / "a.key"
    kept_key(path)
    path.chmod(mode)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        kept_key(path)


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    """Where the database was sealed already a missing file is an error: a new key opens nothing."""
    with pytest.raises(MasterKeyError, match="put the file back"):
        master_key(None, tmp_path / "remit.db", used=True)
    assert not list(tmp_path.iterdir())


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    """A file without a key in it is an error, never a reason to make another."""
    path = tmp_path / "a.key"
    path.touch()
    path.chmod(0o600)
    with pytest.raises(MasterKeyError):
        kept_key(path)
