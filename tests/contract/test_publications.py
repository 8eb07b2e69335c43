"""What every database guarantees of publications and of the versions that they made."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.adapters.sql.store import SqlStore
from service.app.ports import Reader
from service.app.publicationports import PublicationReader
from service.app.publicationrecords import PublicationRecord
from service.app.records import Writes
from tests.contract.asked import assert_changed, assert_found, assert_listed
from tests.stored import AT, POLICY

FIRST = PublicationRecord(
    id="pub_1",
    state="requested",
    effect="publish",
    version="sha256:" + "c" * 64,
    rules="sha256:" + "d" * 64,
    name="grand-hotel",
    replaces=POLICY.version,
    changes="sha256:" + "e" * 64,
    comment="für Größeres",
    requested_by="robo",
    requested_kind="ai",
    requested_owner="paula",
    requested_at=AT,
    files={"hotel.yaml": b"remit: 1\n", "access.csv": b""},
)
SECOND = replace(
    FIRST,
    id="pub_2",
    state="published",
    effect="rollback",
    comment=None,
    requested_kind="human",
    requested_owner=None,
    confirmed_by="peter",
    confirmed_at=AT + timedelta(microseconds=1),
)


@pytest.fixture
def store(store: SqlStore) -> SqlStore:
    with store.begin() as tx:
        tx.write(Writes(publications=[FIRST, SECOND]))
    return store


def publications(reader: Reader) -> PublicationReader:
    return reader.publications


def test_a_publication_comes_back_as_it_was_written(store: SqlStore) -> None:
    """Every field, read and locked; an unknown one is nothing."""
    assert_found(store, publications, [FIRST, SECOND])
    with store.begin() as tx:
        assert tx.publications.lock("pub_1") == FIRST
        assert tx.publications.lock("pub_3") is None


def test_a_confirmation_is_a_change(store: SqlStore) -> None:
    """And a change of what is not there is a defect, not a silence."""

    def change(record: PublicationRecord) -> Writes:
        return Writes(publication_changes=[record])

    done = replace(FIRST, state="published", confirmed_by="peter", confirmed_at=AT)
    assert_changed(store, publications, change, done, replace(FIRST, id="pub_3"))


def test_publications_are_listed_newest_first(store: SqlStore) -> None:
    """Page by page, by the id of the last one seen."""
    assert_listed(store, publications, [FIRST, SECOND])


def test_versions_are_listed_by_when_they_were_first_published(store: SqlStore) -> None:
    """Two of one instant are both seen, and each once; after an unknown one comes nothing."""
    later = AT + timedelta(seconds=1)
    made = [
        replace(POLICY, version=f"sha256:{name * 64}", published_at=at)
        for name, at in (("a", AT), ("b", later), ("c", later))
    ]
    with store.begin() as tx:
        tx.write(Writes(policies=made))
    found: list[str] = []
    with store.read() as reader:
        while page := reader.publications.versions(found[-1] if found else None, 1):
            found += [one.version for one in page]
        assert reader.publications.versions("sha256:0", 5) == []
    assert found == [made[2].version, made[1].version, made[0].version]
