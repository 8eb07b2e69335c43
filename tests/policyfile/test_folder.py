"""Reading a folder: what belongs to a set, and the bounds."""

from pathlib import Path

import pytest

from service.policyfile.folder import read_folder
from service.policyfile.problem import PolicyErrors


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def codes(folder: Path, *, files_max: int = 10, file_bytes_max: int = 100) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        read_folder(folder, files_max=files_max, file_bytes_max=file_bytes_max)
    return [problem.code for problem in caught.value.problems]


def test_a_set_is_its_policies_suites_and_access_list(tmp_path: Path) -> None:
    """Subfolders belong to the set; other files and whatever begins with a dot do not."""
    belongs = ("a.yaml", "access.csv", "b/c.yaml", "b/c_test.yaml", "model.conf", "old.yml")
    write(tmp_path, *belongs, "README.md", ".hidden.yaml", ".git/config.yaml", "b/notes.txt")
    assert read_folder(tmp_path) == {name: name.encode() for name in belongs}


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    """Nobody can fill the memory with small files."""
    write(tmp_path, "a.yaml", "b.yaml", "c.yaml")
    assert codes(tmp_path, files_max=2) == ["too_many_files"]
    assert len(read_folder(tmp_path, files_max=3)) == 3


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    """Nobody can fill the memory with one file."""
    (tmp_path / "a.yaml").write_bytes(b"#" * 101)
    assert codes(tmp_path) == ["file_too_large"]


def test_links_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    """A set holds all that it means, so that its digest says it all."""
    write(tmp_path, "outside.yaml", "set/a.yaml", "elsewhere/b.yaml")
    (tmp_path / "set" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (tmp_path / "set" / "folder").symlink_to(tmp_path / "elsewhere")
    assert codes(tmp_path / "set") == ["link", "link"]


def test_links_within_a_mounted_volume_are_followed(tmp_path: Path) -> None:
    """Container platforms mount files as links into a hidden folder beside them."""
    write(tmp_path, "..data/a.yaml")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "..data" / "a.yaml")
    assert read_folder(tmp_path) == {"a.yaml": b"..data/a.yaml"}


def test_what_is_not_there_is_told_as_a_problem(tmp_path: Path) -> None:
    """A missing folder and a folder with the name of a file are refused in plain words."""
    assert codes(tmp_path / "nowhere") == ["no_folder"]
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert codes(tmp_path) == ["not_a_file"]
