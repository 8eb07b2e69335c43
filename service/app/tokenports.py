"""What tokens need: somebody who knows signatures, and a database that remembers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.app.tokenrecords import TokenPersonRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A token whose signature holds. ``signer`` is the digest of the key that made it.

    ``signing_input`` are the characters that were signed (RFC 7515, section 5.1).
    """

    payload: bytes
    signing_input: str
    signer: bytes


class Signatures(Protocol):
    """The issuer's keys, and whether one of them signed a token."""

    def verify(self, token: str, at: datetime) -> Signed:
        """A token that one of the keys signed. May fetch keys.

        Raises `TokenRefused` for anything else, `Unavailable` where no keys can be had.
        """

    def stands(self, signer: bytes, at: datetime) -> bool:
        """Whether a key is still the issuer's, by keys that are fresh. Waits for nothing."""


class TokenReader(Protocol):
    """What the database knows of tokens, in a read as in a write transaction."""

    def revocations(self, ids: Collection[str]) -> Mapping[str, datetime]:
        """Those of the ids (of tokens and of people) that were revoked, and when."""

    def people(self, ids: Collection[str]) -> Mapping[str, TokenPersonRecord]:
        """Those of the people who came with a token."""

    def latest_people(self, since: datetime, limit: int) -> Sequence[TokenPersonRecord]:
        """Whose token was issued since an instant, the latest first."""


def person_id(person: str) -> str:
    """What revocations of all of a person's tokens are found by. No token's id looks like it."""
    return f"person:{person}"
