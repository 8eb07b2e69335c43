"""The folder of a policy set, read from the disk once and whole."""

import os
from collections.abc import Iterator
from pathlib import Path

from service.policyfile.digest import ACCESS_FILE, MODEL_FILE
from service.policyfile.problem import PolicyErrors, Problem
from service.policyfile.source import FILE_BYTES_MAX

FILES_MAX = 1000
"""How many files a set may have."""


def read_folder(
    folder: Path, *, files_max: int = FILES_MAX, file_bytes_max: int = FILE_BYTES_MAX
) -> dict[str, bytes]:
    """The bytes of the set's files by relative POSIX path, in order of the paths.

    The set's files are ``*.yaml`` (and ``*.yml``, so that the loader can refuse it) in the
    folder and all below it, and ``access.csv`` and ``model.conf``; what begins with a dot is
    passed over, so a mounted volume may keep its own links. Raises `PolicyErrors` for a
    folder that is not there, for links that lead out of it, for too many files and for
    files too large.
    """
    if not folder.is_dir():
        raise PolicyErrors(
            [_problem(".", "no_folder", "There is no such folder.", "Name another.")]
        )
    found: list[Problem] = []
    files: dict[str, bytes] = {}
    for path in _set_files(folder, found):
        name = path.relative_to(folder).as_posix()
        if len(files) == files_max:
            found.append(_too_many(files_max))
            break
        data = _read(folder, path, name, file_bytes_max, found)
        if data is not None:
            files[name] = data
    if found:
        raise PolicyErrors(found)
    return dict(sorted(files.items()))


def _set_files(folder: Path, found: list[Problem]) -> Iterator[Path]:
    for directory, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in subfolders:
            if (Path(directory) / name).is_symlink():
                shown = (Path(directory) / name).relative_to(folder).as_posix()
                found.append(
                    _problem(shown, "link", "The folder is a link.", "Put the files here.")
                )
        for name in sorted(names):
            if _is_of_set(name) and not name.startswith("."):
                yield Path(directory) / name


def _is_of_set(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or name in (ACCESS_FILE, MODEL_FILE)


def _read(
    folder: Path, path: Path, name: str, file_bytes_max: int, found: list[Problem]
) -> bytes | None:
    target = path.resolve()
    if not target.is_relative_to(folder.resolve()):
        found.append(
            _problem(name, "link", "The file is a link out of the folder.", "Put the file here.")
        )
        return None
    if not target.is_file():
        found.append(_problem(name, "not_a_file", "This is no file.", "Delete it."))
        return None
    with target.open("rb") as stream:
        data = stream.read(file_bytes_max + 1)
    if len(data) > file_bytes_max:
        found.append(_too_large(name, file_bytes_max))
        return None
    return data


def _too_many(files_max: int) -> Problem:
    return _problem(
        ".",
        "too_many_files",
        f"The folder has more than {files_max} files.",
        "Merge policy files; their number does not matter to the rules.",
    )


def _too_large(name: str, file_bytes_max: int) -> Problem:
    return _problem(
        name,
        "file_too_large",
        f"The file has more than {file_bytes_max} bytes.",
        "Split it into several files; they are merged.",
    )


def _problem(file: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file=file, line=1, column=1, path="", code=code, message=message, remedy=remedy)
