"""The log of a running shop, brought up to date and read by the verifier."""

import json
from datetime import timedelta

from service.audit.note import VerifierKey, parse_key
from service.audit.verify import Report, verify
from tests.app.holding import HoldingHouse
from tests.app.house import House
from tests.app.test_logkeeper import until
from tests.audit.archivesource import ArchiveSource


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
    return verify(ArchiveSource(house.services.store), [key_of(house)])
