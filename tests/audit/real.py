"""The log of a running shop, brought up to date and read by the verifier."""

import json
from collections.abc import Iterator
from datetime import timedelta

from service.app.archive import Archive
from service.app.errors import NotFound
from service.audit.note import VerifierKey, parse_key
from service.audit.source import Missing
from service.audit.verify import Report, verify
from tests.app.holding import HoldingHouse
from tests.app.house import House
from tests.app.test_logkeeper import until


class ArchiveSource:
    """A database as a source."""

    def __init__(self, house: House) -> None:
        self._archive = Archive(house.services.store)

    def read(self, path: str) -> bytes:
        try:
            return self._archive.read(path)
        except NotFound:
            raise Missing(path) from None

    def checkpoints(self) -> Iterator[bytes]:
        return self._archive.checkpoints()


def publish(house: House) -> None:
    """Wait until a checkpoint covers whatever was committed by now."""
    newest = house.entries()[0].id

    def is_covered() -> bool:
        if isinstance(house, HoldingHouse):
            house.clock.advance(timedelta(seconds=1))
        return house.services.transparency.is_published(newest)

    until(is_covered)


def key_of(house: House) -> VerifierKey:
    return parse_key(json.loads(house.services.transparency.keys())["key"])


def verified(house: House) -> Report:
    publish(house)
    return verify(ArchiveSource(house), [key_of(house)])
