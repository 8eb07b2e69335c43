"""The roles that somebody holds today who is not calling, in a batch."""

from service.app.batch import Batch
from service.app.tokenpeople import remembered, told_by


def roles_today(batch: Batch, person: str, site: str) -> tuple[str, ...]:
    """By their latest token, or by the access file, lowest rank first."""
    people = remembered(batch.tx.tokens, {person}, batch.at)
    return told_by(batch.snapshot.access, people.values()).roles(person, site)
