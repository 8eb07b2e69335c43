"""What every database guarantees alike of whatever somebody asks for and another confirms."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import pytest

from service.adapters.sql.store import SqlStore
from service.app.ports import Reader
from service.app.records import Writes


class Record(Protocol):
    """Something that was asked for."""

    @property
    def id(self) -> str:
        """What it is found by."""


Kept = TypeVar("Kept", bound=Record)
Kept_co = TypeVar("Kept_co", bound=Record, covariant=True)


class Requests(Protocol[Kept_co]):
    """A reader of them."""

    def find(self, id: str) -> Kept_co | None:  # noqa: A002
        """One of them."""

    def latest(self, after: str | None, limit: int) -> Sequence[Kept_co]:
        """Newest first."""


def assert_found(store: SqlStore, of: Callable[[Reader], Requests[Kept]], kept: list[Kept]) -> None:
    """Every field of each comes back; an unknown one is nothing."""
    with store.read() as reader:
        assert [of(reader).find(one.id) for one in kept] == kept
        assert of(reader).find("none") is None


def assert_listed(
    store: SqlStore, of: Callable[[Reader], Requests[Kept]], kept: list[Kept]
) -> None:
    """The newest first, page by page, by the id of the last one seen. ``kept``: oldest first."""
    oldest, newest = kept
    with store.read() as reader:
        assert of(reader).latest(None, 1) == [newest]
        assert of(reader).latest(newest.id, 5) == [oldest]
        assert of(reader).latest(oldest.id, 5) == []


def assert_changed(
    store: SqlStore,
    of: Callable[[Reader], Requests[Kept]],
    change: Callable[[Kept], Writes],
    changed: Kept,
    unknown: Kept,
) -> None:
    """What is there is replaced; a change of what is not there is a defect, not a silence."""
    with store.begin() as tx:
        tx.write(change(changed))
    with store.read() as reader:
        assert of(reader).find(changed.id) == changed
    with pytest.raises(LookupError), store.begin() as tx:
        tx.write(change(unknown))
