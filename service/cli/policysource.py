"""Where a policy set is read from: a folder, a revision of git, a published version."""

import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NoReturn

import typer

from service.cli.render import misused, read_set, tell_problems

if TYPE_CHECKING:
    from service.policyfile.load import PolicySet

PUBLISHED: Final = "sha256:"
_GIT_SECONDS: Final = 30
_ARCHIVE_BYTES_MAX: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A set as it was named, and its files."""

    name: str
    files: Mapping[str, bytes]


def read_both(old: str, new: str, database: str | None) -> tuple[Named, Named]:
    """Two sets by name. A revision without a path means the folder that the other one names.

    Ends with 2 where there is no such folder, revision or version.
    """
    folders = [Path(name) for name in (old, new) if Path(name).is_dir()]
    beside = folders[0] if folders else None
    return read_named(old, database, beside), read_named(new, database, beside)


def read_named(name: str, database: str | None, beside: Path | None = None) -> Named:
    """A set by name: ``policies/hotel``, ``main:policies/hotel``, ``main``, ``sha256:…``.

    ``beside`` is the folder that a revision alone means. Ends with 2 where there is none.
    """
    if name.startswith(PUBLISHED):
        return Named(name=name, files=_published(name, database))
    if Path(name).is_dir():
        return Named(name=name, files=read_set(Path(name)))
    revision, colon, path = name.partition(":")
    if colon and path:
        return Named(name=name, files=_committed(Path(), revision, Path(path)))
    if beside is not None:
        return Named(name=name, files=_committed(beside, revision, Path()))
    return misused(
        f"There is no folder {name}. Name a folder, a revision and a path like "
        "main:policies/hotel, or a published version like sha256:…"
    )


def load_named(named: Named) -> "PolicySet":
    """The set. Ends with 1 where it does not load, every problem told."""
    from service.policyfile.load import load_set
    from service.policyfile.problem import PolicyErrors

    try:
        return load_set(named.files)
    except PolicyErrors as errors:
        tell_problems(errors.problems, Path(named.name))
        raise typer.Exit(1) from None


def _published(version: str, database: str | None) -> Mapping[str, bytes]:
    from service.bootstrap import open_store
    from service.cli.serve import failures_told, read_settings

    settings = read_settings(database=database)
    with failures_told(), open_store(settings) as store, store.read() as reader:
        found = reader.find_policy(version)
    if found is None:
        misused(f"No version {version} was published in this database.")
    return found.files


def _committed(beside: Path, revision: str, path: Path) -> Mapping[str, bytes]:
    """The files of a folder at a revision; ``path`` is from ``beside``, which git tracks."""
    if revision.startswith("-"):
        misused(f"{revision} is no revision.")
    prefix = _git(beside, "rev-parse", "--show-prefix").decode().strip()
    inside = PurePosixPath(prefix, path.as_posix())
    top = Path(_git(beside, "rev-parse", "--show-toplevel").decode().strip())
    tree = f"{revision}:{'' if str(inside) == '.' else inside}"
    return _unpacked(_git(top, "archive", "--format=tar", tree))


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, check=False, timeout=_GIT_SECONDS)  # noqa: S603 - no shell, and the revision begins with no dash
    except FileNotFoundError:
        misused("git is not installed here, so only folders and published versions can be read.")
    except subprocess.TimeoutExpired:
        misused(f"git did not answer within {_GIT_SECONDS} seconds.")
    if ran.returncode:
        _told_by_git(ran.stderr)
    return ran.stdout


def _told_by_git(said: bytes) -> NoReturn:
    first = said.decode(errors="replace").strip().splitlines()
    misused(f"git says: {first[0] if first else 'nothing'}")


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """The set's files out of an archive, in memory: nothing is written anywhere."""
    from service.policyfile.folder import FILES_MAX

    if len(archive) > _ARCHIVE_BYTES_MAX:
        misused("There is more in that folder than a policy set may hold.")
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.isfile() and _is_of_set(member.name) and len(files) < FILES_MAX:
                stream = tar.extractfile(member)
                files[member.name] = b"" if stream is None else stream.read()
    return dict(sorted(files.items()))


def _is_of_set(path: str) -> bool:
    from service.policyfile.digest import ACCESS_FILE, MODEL_FILE

    parts = path.split("/")
    is_named = path.endswith((".yaml", ".yml")) or parts[-1] in (ACCESS_FILE, MODEL_FILE)
    return is_named and not any(part.startswith(".") for part in parts)
