"""Publications as managers read them, and what has to be known before one is asked for."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final

import orjson

from service.app.accessports import Access
from service.app.errors import Forbidden, NotFound
from service.app.policycheck import check, checked_json, fit, remarks
from service.app.policycommand import EVERYWHERE
from service.app.ports import Page, Store
from service.app.principal import Principal, for_caller, require
from service.app.publication import no_publication, publication_json
from service.app.publicationports import VersionRecord
from service.app.snapshot import Compile, Library, Snapshot
from service.core.factvalue import rfc3339
from service.policyfile.digest import digest_version

Files = Mapping[str, bytes]

_READS: Final = (("policy", "publish"), ("policy", "confirm"), ("log", "read"))
"""Who sees the files of a version: who changes policies, and who re-derives decisions."""


class Publications:
    """Checks sets and shows versions. Changes nothing.

    One set is compiled at a time: what waits costs no memory and no other request its turn.
    """

    def __init__(self, store: Store, library: Library, compile_files: Compile) -> None:
        """Keep the ports."""
        self._store = store
        self._library = library
        self._compile = compile_files
        self._turn = Lock()

    def check(self, principal: Principal, files: Files, *, strict: bool = False) -> bytes:
        """What would keep a set from being put in force, and what is odd about it, as JSON.

        With ``strict`` it is not ``ok`` where anything is remarked. Raises `Forbidden`.
        """
        self._require_author(principal)
        with self._turn:
            checked = check(files, self._compile)
            lints = remarks(files, checked)
        return orjson.dumps(checked_json(checked, lints, digest_version(files), strict=strict))

    def candidate(self, principal: Principal, files: Files) -> Snapshot:
        """A set that may be put in force. Raises `Forbidden` and `PolicyRefused`."""
        self._require_author(principal)
        with self._turn:
            return self._remembered(fit(check(files, self._compile)))

    def remember(self, files: Files) -> None:
        """Compile and test a set before a batch needs it. Raises `PolicyRefused`."""
        with self._turn:
            self._remembered(fit(check(files, self._compile)))

    def earlier(self, principal: Principal, version: str) -> Snapshot:
        """A version that was published before. Raises `Forbidden` and `NotFound`.

        Its suites are not run again: it was in force, and who takes something back is in
        a hurry.
        """
        self._require_author(principal)
        with self._store.read() as reader:
            if reader.find_policy(version) is None:
                raise no_version(version)
        return self._library.get(version)

    def waiting(self, principal: Principal, id: str) -> None:  # noqa: A002
        """Compile what waits to be confirmed, so that nobody waits for it in the batch.

        Raises `Forbidden`, `NotFound`, and `PolicyRefused` where it loads no more.
        """
        access = self._library.in_force().access
        require(access, principal, "policy", "confirm", EVERYWHERE)
        with self._store.read() as reader:
            record = reader.publications.find(id)
        if record is None:
            raise no_publication(id)
        with self._turn:
            self._remembered(fit(check(record.files, self._compile)))

    def versions(self, principal: Principal, page: Page) -> bytes:
        """Every version, the last first published first. Raises `Forbidden`."""
        self._require_any(principal, (("policy", "read"), *_READS))
        with self._store.read() as reader:
            found = reader.publications.versions(page.after, page.limit)
            head = reader.head()
        next_ = found[-1].version if len(found) == page.limit else None
        versions = [_version_json(one, head) for one in found]
        return orjson.dumps({"versions": versions, "next": next_})

    def version(self, principal: Principal, version: str) -> bytes:
        """One version with its files. Raises `Forbidden` and `NotFound`."""
        self._require_any(principal, _READS)
        with self._store.read() as reader:
            record = reader.find_policy(version)
            head = reader.head()
        if record is None:
            raise no_version(version)
        shown = VersionRecord(**{name: getattr(record, name) for name in VersionRecord.__slots__})
        return orjson.dumps({**_version_json(shown, head), "files": _texts(record.files)})

    def list(self, principal: Principal, page: Page) -> bytes:
        """Publications, newest first. Raises `Forbidden`."""
        self._require_any(principal, _READS)
        with self._store.read() as reader:
            found = reader.publications.latest(page.after, page.limit)
        next_ = found[-1].id if len(found) == page.limit else None
        shown = [publication_json(one) for one in found]
        return orjson.dumps({"publications": shown, "next": next_})

    def one(self, principal: Principal, id: str) -> bytes:  # noqa: A002
        """One publication with its files. Raises `Forbidden` and `NotFound`."""
        self._require_any(principal, _READS)
        with self._store.read() as reader:
            record = reader.publications.find(id)
        if record is None:
            raise no_publication(id)
        return orjson.dumps({**publication_json(record), "files": _texts(record.files)})

    def _remembered(self, snapshot: Snapshot) -> Snapshot:
        self._library.keep(snapshot)
        return snapshot

    def _require_author(self, principal: Principal) -> None:
        access = self._library.in_force().access
        require(access, principal, "policy", "publish", EVERYWHERE)

    def _require_any(self, principal: Principal, rights: Sequence[tuple[str, str]]) -> None:
        access = for_caller(self._library.in_force().access, principal)
        if not any(_holds(access, principal.id, *right) for right in rights):
            raise Forbidden(
                "not_permitted",
                f"{principal.id} may not read the versions of the policy",
                "ask whoever keeps access.csv for a role with: policy, publish",
            )


def no_version(version: str) -> NotFound:
    """There is no such version."""
    return NotFound(
        "no_version",
        f"no policy {version[:80]!r} was ever published here",
        "list them: GET /v1/policy/versions",
    )


def _holds(access: Access, person: str, thing: str, action: str) -> bool:
    sites = access.sites(person, thing, action)
    return sites is None or (thing == "policy" and action == "read" and bool(sites))


def _version_json(record: VersionRecord, head: str | None) -> dict[str, Any]:
    return {
        "version": record.version,
        "rules": record.rules,
        "name": record.name,
        "published_at": rfc3339(record.published_at),
        "published_by": record.published_by,
        "in_force": record.version == head,
    }


def _texts(files: Files) -> dict[str, str]:
    """A set that loads is UTF-8 throughout."""
    return {name: data.decode() for name, data in files.items()}
