"""Who signs for the log: which key, under which name, and who vouches for a new one.

The log's keys are rows (`LogKeyRecord`), and each was announced by an entry. The last one
signs; its origin is the log's. A process that was given another key announces it only
where it holds the key before as well: then each checkpoint bears both signatures, so that
whoever knows the old key learns of the new one from what the old one signed.
"""

from collections.abc import Callable, Sequence

from service.app.logalarm import LogAlarm
from service.app.logports import Signer
from service.app.logrecords import CheckpointRecord, LogKeyRecord
from service.core.checkpoint import Checkpoint, open_checkpoint
from service.core.note import Note, NoteError, VerifierKey, Verify, parse_verifier_key

SignAs = Callable[[str], Signer]
"""The signer that bears a name, which is an origin."""


class Signing:
    """The keys of this process. ``origin`` is the name of a log that has none yet."""

    def __init__(
        self, origin: str, sign_as: SignAs, sign_before: SignAs | None, verify: Verify
    ) -> None:
        """``sign_before`` signs with the key before, while one replaces the other."""
        self.origin = origin
        self._sign_as = sign_as
        self._sign_before = sign_before
        self._verify = verify

    def signer(self, origin: str) -> Signer:
        """The signer of this process under a name."""
        return self._sign_as(origin)

    def vouches(self, key: LogKeyRecord) -> bool:
        """Whether this process holds the key that the log has used so far."""
        before = self._sign_before
        return before is not None and _text(before(key.origin)) == key.key

    def signers(self, keys: Sequence[LogKeyRecord]) -> tuple[Signer, ...]:
        """Who signs the next checkpoint: this process's key, and the one before if given.

        Raises `LogAlarm` where the log's key is not this process's.
        """
        last = keys[-1]
        signer = self._sign_as(last.origin)
        if _text(signer) != last.key:
            raise self._other_key(_text(signer), keys)
        known = {key.key for key in keys if key.origin == last.origin}
        before = None if self._sign_before is None else self._sign_before(last.origin)
        if before is None or _text(before) not in known - {last.key}:
            return (signer,)
        return signer, before

    def opened(self, keys: Sequence[LogKeyRecord], record: CheckpointRecord) -> Checkpoint:
        """The checkpoint of a kept note, signed by a key of its log. Raises `LogAlarm`."""
        try:
            return open_checkpoint(
                record.note,
                origin=record.origin,
                keys=verifier_keys(keys, record.origin),
                verify=self._verify,
            )
        except NoteError as error:
            raise LogAlarm(
                "checkpoint_unreadable",
                f"the kept checkpoint {record.number} cannot be believed: {error}",
                "somebody changed it in the database: compare with the copies that others keep",
            ) from error

    def _other_key(self, mine: str, keys: Sequence[LogKeyRecord]) -> LogAlarm:
        if mine in {key.key for key in keys}:
            return LogAlarm(
                "old_signing_key",
                f"the log has gone on to the signing key {keys[-1].key}, and this process has "
                f"the older {mine}",
                "give this process the new key (REMIT_SIGNING_KEY) and start it again",
            )
        return unknown_key(mine, keys[-1])


def unknown_key(mine: str, last: LogKeyRecord) -> LogAlarm:
    """The alarm of a process whose key nobody vouches for."""
    return LogAlarm(
        "unknown_signing_key",
        f"the log is signed with {last.key}, and this process has the key {mine}",
        "give it the log's key; to replace that one, set REMIT_OLD_SIGNING_KEY to it as well; "
        "where it is lost, start a new origin: remit audit restart",
    )


def verifier_keys(keys: Sequence[LogKeyRecord], origin: str) -> tuple[VerifierKey, ...]:
    """The verifier keys that a log has used under a name."""
    return tuple(parse_verifier_key(key.key) for key in keys if key.origin == origin)


def signed_note(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """The checkpoint as a note, signed by each in order."""
    note = Note(text=checkpoint.text())
    for signer in signers:
        note = note.signed(signer.verifier_key, signer.sign)
    return note.encoded()


def _text(signer: Signer) -> str:
    return signer.verifier_key.encoded()
