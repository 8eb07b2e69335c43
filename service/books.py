"""What an auditor may read who can open the database itself."""

from dataclasses import dataclass
from typing import Self

from service.app.archive import Archive
from service.app.export import Exporter, Sheets
from service.app.exportopen import Opener
from service.app.logsearch import LogSearch
from service.app.people import People
from service.app.ports import Ids, Store, Vault
from service.app.signing import Signing
from service.app.snapshot import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The log and the policies, beside a service that may be running."""

    archive: Archive
    search: LogSearch
    exporter: Exporter
    people: People
    library: Library

    @classmethod
    def of(
        cls,
        store: Store,
        library: Library,
        vault: Vault | None,
        signing: Signing,
        sheets: Sheets,
        ids: Ids,
    ) -> Self:
        """Over a database. Without a vault nobody can be searched for, and nothing opened."""
        search = LogSearch(store, library, vault)
        exporter = Exporter(store, search, signing, sheets, Opener(store, vault, ids))
        return cls(
            archive=Archive(store),
            search=search,
            exporter=exporter,
            people=People(store, library),
            library=library,
        )
