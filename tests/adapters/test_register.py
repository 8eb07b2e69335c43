"""The register of erasures outlives the database, and is never read half."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.adapters.register import RegisterFile
from tests.stored import AT, ERASURE

ONE = replace(ERASURE, state="done", confirmed_by="otto", confirmed_at=AT, kept_until=AT)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """Each erasure once, however often it was added."""
    register = RegisterFile(tmp_path / "erasures")
    assert list(register.read()) == []
    register.keep([ONE])
    register.keep([ONE])
    assert list(register.read()) == [ONE]


@pytest.mark.parametrize("line", ["x", "[]", "{}", '{"id": 1}', '{"id": "era_1"}'])
def test_a_damaged_register_is_refused(tmp_path: Path, line: str) -> None:
    """Who is in it is unknown then, so nobody may be served before it is mended."""
    (tmp_path / "erasures").write_text(line + "\n")
    with pytest.raises(ValueError, match="erasures:1: this is no erasure"):
        RegisterFile(tmp_path / "erasures").read()


def test_without_a_file_nothing_is_kept() -> None:
    """A server's operator who names no file is on their own."""
    register = RegisterFile(None)
    register.keep([ONE])
    assert list(register.read()) == []
