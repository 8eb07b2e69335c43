"""What every vault guarantees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.vault import MasterVault
from service.app.ports import Vault


def vault() -> Vault:
    return MasterVault(b"\x07" * 32)


def another_vault() -> Vault:
    return MasterVault(b"\x08" * 32)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_sealed_can_be_unsealed(plain: bytes, context: str) -> None:
    """Unsealing with the same key and context gives the same bytes."""
    key = vault().new_key()
    assert vault().unseal(key, vault().seal(key, plain, context), context) == plain


@given(st.data())
def test_whatever_is_altered_does_not_open(data: st.DataObject) -> None:
    """One changed byte of the key or of the sealed text, or another context, is noticed."""
    key = vault().new_key()
    sealed = vault().seal(key, b"the guest's name", "ent_1")
    for wrapped, text, context in (
        (altered(data, key), sealed, "ent_1"),
        (key, altered(data, sealed), "ent_1"),
        (key, sealed, "ent_2"),
        (key, sealed[: data.draw(st.integers(0, len(sealed) - 1))], "ent_1"),
    ):
        with pytest.raises(ValueError, match="altered"):
            vault().unseal(wrapped, text, context)


def altered(data: st.DataObject, text: bytes) -> bytes:
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.integers(1, 255))
    return text[:place] + bytes([text[place] ^ change]) + text[place + 1 :]


def test_another_master_opens_nothing() -> None:
    """A key that one master wrapped is of no use under another."""
    key = vault().new_key()
    with pytest.raises(ValueError, match="altered"):
        another_vault().seal(key, b"plain", "ent_1")


def test_sealing_twice_looks_different() -> None:
    """Two texts that are the same cannot be told so by what is stored."""
    key = vault().new_key()
    assert vault().seal(key, b"same", "ent_1") != vault().seal(key, b"same", "ent_1")
    assert vault().new_key() != vault().new_key()


def test_a_fingerprint_is_the_same_for_the_same_text_and_master_only() -> None:
    """Fingerprints are equal for one text under one master, and differ for anything else."""
    assert vault().fingerprint("guest.id\0G-1") == vault().fingerprint("guest.id\0G-1")
    assert vault().fingerprint("guest.id\0G-1") != vault().fingerprint("guest.id\0G-2")
    assert vault().fingerprint("guest.id\0G-1") != another_vault().fingerprint("guest.id\0G-1")
    assert len(vault().fingerprint("")) == 32
