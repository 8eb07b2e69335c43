"""What commands have in common: stages that they have no use for, and a kept answer."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.app.batch import Batch, Kept
from service.app.idempotency import Claim, replay_of
from service.app.propose import Answered, replayed
from service.app.records import BudgetRecord, EntryRecord, IdempotencyRecord, SurrogateRecord


class PlainCommand:
    """A command that touches nothing, until it says in a stage of its own what it does."""

    def __init__(self, claim: Claim | None = None) -> None:
        """``claim`` is the caller's idempotency key, if one came."""
        self.claim = claim

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None if self.claim is None else self.claim.key

    def read(self, batch: Batch) -> None:
        """See `batch.Command`."""

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> str | Kept | None:  # noqa: ARG002
        """See `batch.Command`."""
        return None

    def escalation_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def resolution_id(self) -> str | None:
        """See `batch.Command`."""
        return None

    def budgets(self, batch: Batch) -> Mapping[str, BudgetRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def find_answer(self, batch: Batch) -> Answered | None:
        """What was answered before under the same key. Raises `Mismatch` and `Gone`."""
        record = self.find_replay(batch)
        return None if record is None else replayed(record)

    def find_replay(self, batch: Batch) -> IdempotencyRecord | None:
        """The record of that answer. Raises `Mismatch` and `Gone`."""
        key = self.idempotency_key()
        return replay_of(self.claim, None if key is None else batch.idempotency.get(key))

    def answered(
        self, batch: Batch, shown: Mapping[str, Any], entry: EntryRecord, status: int
    ) -> Answered:
        """What is shown, with the entry that tells of it, as the answer that is `kept`."""
        told = {"id": entry.id, "leaf": entry.leaf.hex()}
        return self.kept(batch, orjson.dumps({**shown, "entry": told}), status)

    def kept(self, batch: Batch, body: bytes, status: int) -> Answered:
        """The answer, which the same key gets again."""
        if self.claim is not None:
            record = IdempotencyRecord(
                key=self.claim.key, fingerprint=self.claim.fingerprint, status=status, answer=body
            )
            batch.idempotency[self.claim.key] = record
            batch.writes.idempotency.append(record)
        return Answered(body=body, status=status)
