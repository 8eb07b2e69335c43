"""The policies of a source: what a service serves, a database keeps, or a copy holds.

A version is the digest of its files, so it matters to nobody where they came from.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from service.cli.auditsource import is_address, remote
from service.cli.copyfile import put
from service.cli.serve import read_settings

if TYPE_CHECKING:
    from service.audit.remote import RemoteSource
    from service.core.rulebook import Rulebook

POLICIES: Final = "policies"
"""The folder of a copy that has the policies: a file each, named by the version's digest."""

_VERSIONS: Final = "v1/policy/versions"

Files: TypeAlias = Mapping[str, bytes]
"""The files of a set by their relative paths."""


def rulebooks(source: str, folders: list[Path]) -> "Callable[[str], Rulebook | None]":
    """The rules of a version: from these folders, or from the source; believed by digest."""
    from service.policyfile.folder import read_folder
    from service.policyfile.load import load_set

    given = {
        loaded.rulebook.version: loaded.rulebook
        for loaded in (load_set(read_folder(folder)) for folder in folders)
    }
    files_of = _reader(source)

    @cache
    def find(version: str) -> "Rulebook | None":
        if version in given:
            return given[version]
        files = files_of(version)
        if files is None:
            return None
        rulebook = load_set(files).rulebook
        return rulebook if rulebook.version == version else None

    return find


def copy_policies(source: str, folder: Path) -> int:
    """Every version that a service or a database has, into a copy; how many there are."""
    count = 0
    for version, files in _all(source):
        path = folder / POLICIES / f"{version.partition(':')[2]}.json"
        encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
        put(path, json.dumps({"version": version, "files": encoded}).encode())
        count += 1
    return count


def _all(source: str) -> Iterator[tuple[str, Files]]:
    """Nothing from a copy, which is one already."""
    if is_address(source):
        yield from _served(remote(source))
    elif "://" in source:
        yield from _kept(source)


def _reader(source: str) -> Callable[[str], Files | None]:
    if is_address(source):
        service = remote(source)
        return lambda version: _find_served(service, version)
    if "://" in source:
        return dict(_kept(source)).get
    return lambda version: _find_copied(Path(source) / POLICIES, version)


def _kept(database: str) -> Iterator[tuple[str, Files]]:
    from service.bootstrap import open_archive

    with open_archive(read_settings(database=database)) as books:
        yield from books.archive.policies()


def _served(service: "RemoteSource") -> Iterator[tuple[str, Files]]:
    """Every version that a service shows us; none where we may not see them."""
    from service.audit.source import SourceError

    after: str | None = None
    while True:
        cursor = "" if after is None else f"?after={quote(after)}"
        try:
            page = json.loads(service.read(_VERSIONS + cursor))
        except SourceError:
            return
        for line in page["versions"]:
            files = _find_served(service, line["version"])
            if files is not None:
                yield line["version"], files
        after = page["next"]
        if after is None:
            return


def _find_served(service: "RemoteSource", version: str) -> Files | None:
    from service.audit.source import Missing

    try:
        found = json.loads(service.read(f"{_VERSIONS}/{version}"))
    except Missing:
        return None
    return {name: text.encode() for name, text in found["files"].items()}


def _find_copied(folder: Path, version: str) -> Files | None:
    path = folder / f"{version.partition(':')[2]}.json"
    if not path.is_file():
        return None
    files: Mapping[str, str] = json.loads(path.read_bytes())["files"]
    return {name: base64.b64decode(text) for name, text in files.items()}
