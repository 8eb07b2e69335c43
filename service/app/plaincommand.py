"""A command that touches no case and no budget: what every such one has in common."""

from collections.abc import Mapping

from service.app.batch import Batch
from service.app.idempotency import Claim, replay_of
from service.app.propose import Answered, replayed
from service.app.records import BudgetRecord, IdempotencyRecord, SurrogateRecord


class PlainCommand:
    """The stages of `batch.Command` that it has no use for, and its kept answer."""

    def __init__(self, claim: Claim | None) -> None:
        """``claim`` is the caller's idempotency key, if one came."""
        self.claim = claim

    def idempotency_key(self) -> str | None:
        """See `batch.Command`."""
        return None if self.claim is None else self.claim.key

    def surrogates(self, batch: Batch) -> Mapping[bytes, SurrogateRecord]:  # noqa: ARG002
        """See `batch.Command`."""
        return {}

    def subject(self, batch: Batch) -> str | None:  # noqa: ARG002
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
        key = self.idempotency_key()
        record = replay_of(self.claim, None if key is None else batch.idempotency.get(key))
        return None if record is None else replayed(record)

    def kept(self, batch: Batch, body: bytes, status: int) -> Answered:
        """The answer, which the same key gets again."""
        if self.claim is not None:
            record = IdempotencyRecord(
                key=self.claim.key, fingerprint=self.claim.fingerprint, status=status, answer=body
            )
            batch.idempotency[self.claim.key] = record
            batch.writes.idempotency.append(record)
        return Answered(body=body, status=status)
