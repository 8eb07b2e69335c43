"""The copy of a checkpoint is whole, or the one before it, or there is none."""

from pathlib import Path

from service.adapters.checkpointcopy import CheckpointFile


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    """The last one, byte for byte, by whoever looks; and no other file is left."""
    path = tmp_path / "checkpoint"
    assert CheckpointFile(path).find() is None
    for note in (b"one\n", b"two\n"):
        CheckpointFile(path).keep(note)
        assert CheckpointFile(path).find() == note
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    """Also where there was none."""
    file = CheckpointFile(tmp_path / "checkpoint")
    file.forget()
    file.keep(b"one\n")
    file.forget()
    assert file.find() is None


def test_without_a_path_there_is_never_one() -> None:
    """Nothing is written anywhere."""
    file = CheckpointFile(None)
    file.keep(b"one\n")
    file.forget()
    assert file.find() is None
