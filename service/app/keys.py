"""API keys: made once, shown once, stored as digests, revoked for good."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from service.app.entry import Head, entry_of
from service.app.errors import NotFound, Unauthenticated
from service.app.ports import Ids, Store
from service.app.principal import Principal
from service.app.records import KeyRecord, Writes
from service.app.tokenports import person_id
from service.app.tokenrecords import TokenRevocationRecord
from service.core.factvalue import FactError, check_text, rfc3339
from service.core.refusal import Fault, Refused
from service.core.request import AgentKind

PREFIX: Final = "rk_"
NAME_CHARS_MAX: Final = 128
_TOKEN_ID: Final = re.compile(r"tok_[0-9a-f]{32}")

_UNKNOWN: Final = "this API key is unknown, revoked or expired"
_SEND: Final = "send: Authorization: Bearer rk_…, with a key from: remit key create"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key and its secret, which nobody can read again."""

    record: KeyRecord
    secret: str


class EndedKey(Unauthenticated):
    """A key that was revoked or has expired; ``principal`` is who held it.

    For the log alone: callers are told what they are told of a key that nobody ever had.
    """

    def __init__(self, principal: Principal, code: str) -> None:
        """Codes: ``key_revoked``, ``key_expired``."""
        super().__init__(code, _UNKNOWN, _SEND)
        self.principal = principal


def digest_of(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256. It has 256 random bits, so no salt is due."""
    return hashlib.sha256(secret.encode()).digest()


def _check(subject: str, kind: AgentKind, owner: str | None) -> None:
    for name, text in (("subject", subject), ("owner", owner)):
        if text is not None:
            _check_name(name, text)
    if kind == "ai" and owner is None:
        raise _refused(
            "owner_required",
            "owner",
            "an AI agent acts for a person, and none is named",
            "name the person who answers for it: --owner max",
        )
    if kind == "human" and owner is not None:
        raise _refused(
            "owner_not_allowed",
            "owner",
            "a person answers for themselves",
            "leave the owner out, or say: --kind ai",
        )


def _check_name(name: str, text: str) -> None:
    try:
        check_text(text, NAME_CHARS_MAX)
    except FactError as error:
        raise _refused(error.code, name, error.message, error.remedy) from None


def _refused(code: str, name: str, what: str, instead: str) -> Refused:
    return Refused((Fault(code=code, pointer=f"/{name}", message=what, remedy=instead),))


class Keys:
    """Makes, lists, revokes and recognises API keys. Each change is an entry of the log."""

    def __init__(self, store: Store, ids: Ids) -> None:
        """Keep the ports."""
        self._store = store
        self._ids = ids

    def create(
        self,
        *,
        subject: str,
        kind: AgentKind = "human",
        owner: str | None = None,
        expires_at: datetime | None = None,
        by: str,
    ) -> NewKey:
        """A new key for somebody. Raises `Refused`: an agent that is no person needs an owner."""
        _check(subject, kind, owner)
        secret = PREFIX + self._ids.secret()
        with self._store.begin() as tx:
            record = KeyRecord(
                id=self._ids.new("key", tx.at),
                digest=digest_of(secret),
                subject=subject,
                kind=kind,
                owner=owner,
                created_at=tx.at,
                expires_at=expires_at,
            )
            body = {
                "by": {"id": by},
                "effect": "created",
                "subject": subject,
                "kind_of_agent": kind,
                "owner": owner,
                "expires_at": None if expires_at is None else rfc3339(expires_at),
            }
            head = Head(id=self._ids.new("ent", tx.at), kind="key", at=tx.at, about=record.id)
            tx.write(Writes(keys=[record], entries=[entry_of(head, body)]))
        return NewKey(record=record, secret=secret)

    def list(self) -> Sequence[KeyRecord]:
        """Every key, oldest first."""
        with self._store.read() as reader:
            return reader.list_keys()

    def revoke(self, id: str, *, by: str) -> KeyRecord:  # noqa: A002
        """Revoke a key. Holds from the next batch on. Raises `NotFound`."""
        found = next((key for key in self.list() if key.id == id), None)
        if found is None:
            raise NotFound("no_key", f"there is no key {id!r}", "list them: remit key list")
        if found.revoked_at is None:
            with self._store.begin() as tx:
                head = Head(id=self._ids.new("ent", tx.at), kind="key", at=tx.at, about=id)
                body = {"by": {"id": by}, "effect": "revoked", "subject": found.subject}
                tx.write(Writes(revoked_keys=[id], entries=[entry_of(head, body)]))
        return found

    def revoke_token(self, id: str, *, by: str) -> None:  # noqa: A002
        """Refuse a token from now on, known or not. Raises `NotFound` for what is no id of one."""
        if not _TOKEN_ID.fullmatch(id):
            raise NotFound(
                "no_key",
                f"{id!r} is no id of a token",
                "copy it from the log (by.key of what was done with it), or name its --jti",
            )
        with self._store.begin() as tx:
            body = {"by": {"id": by}, "effect": "token_revoked"}
            head = Head(id=self._ids.new("ent", tx.at), kind="key", at=tx.at, about=id)
            revoked = TokenRevocationRecord(id=id, revoked_at=tx.at)
            tx.write(Writes(token_revocations=[revoked], entries=[entry_of(head, body)]))

    def revoke_person(self, subject: str, *, by: str) -> Sequence[KeyRecord]:
        """Revoke every key of somebody, and every token issued until now; which keys those were.

        Raises `Refused` for what is no name.
        """
        _check_name("subject", subject)
        live = [key for key in self.list() if key.subject == subject and key.revoked_at is None]
        about = person_id(subject)
        with self._store.begin() as tx:
            body = {
                "by": {"id": by},
                "effect": "person_revoked",
                "subject": subject,
                "keys": [key.id for key in live],
            }
            head = Head(id=self._ids.new("ent", tx.at), kind="key", at=tx.at, about=about)
            tx.write(
                Writes(
                    revoked_keys=[key.id for key in live],
                    token_revocations=[TokenRevocationRecord(id=about, revoked_at=tx.at)],
                    entries=[entry_of(head, body)],
                )
            )
        return live

    def authenticate(self, secret: str, at: datetime) -> Principal:
        """Who holds a secret. Raises `Unauthenticated` for unknown keys, `EndedKey` for ended."""
        with self._store.read() as reader:
            found = reader.find_key(digest_of(secret))
        if found is None:
            raise Unauthenticated("unknown_key", _UNKNOWN, _SEND)
        holder = Principal(id=found.subject, kind=found.kind, owner=found.owner, key=found.id)
        if found.revoked_at is not None:
            raise EndedKey(holder, "key_revoked")
        if found.expires_at is not None and found.expires_at <= at:
            raise EndedKey(holder, "key_expired")
        return holder
