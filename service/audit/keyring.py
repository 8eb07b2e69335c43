"""Whom to believe: the keys that the auditor was given, and those that the log announced."""

from collections.abc import Iterable, Sequence

from service.audit.checkpoint import Checkpoint
from service.audit.finding import Code, Finding, Findings
from service.audit.note import NoteError, UnsignedError, VerifierKey, WrongSignatureError, parse_key


class Keyring:
    """Trusted keys. Below a checkpoint that a trusted key has signed, the log names others.

    So who has an old key goes on to the new one where the old one signed over its
    announcement, and who has the newest believes what the log says of those before it.
    """

    def __init__(self, keys: Sequence[VerifierKey], findings: Findings) -> None:
        """Begin with what the auditor was given."""
        self._keys = list(keys)
        self._findings = findings
        self._announced: list[tuple[int, VerifierKey]] = []

    def announce(self, announced: Iterable[tuple[int, str]]) -> None:
        """Entries at these indexes name these keys."""
        for index, text in announced:
            try:
                self._announced.append((index, parse_key(text)))
            except NoteError as error:
                what = f"the key that it announces cannot be read: {error}"
                self._findings.add(Finding(Code.ENTRY_MALFORMED, what, index))

    def learn(self, latest: Checkpoint) -> None:
        """Believe every key that the log names, where its latest checkpoint is believed."""
        try:
            latest.check(self._keys)
        except NoteError:
            return  # older ones may lead to it; whatever is wrong is found then
        self._believe(latest.size)

    def check(self, checkpoint: Checkpoint) -> None:
        """Find out whether a checkpoint is to be believed. Ask in the order of the sizes."""
        found = fault_of(checkpoint, self._keys)
        if found is None:
            self._believe(checkpoint.size)
        else:
            self._findings.add(found)

    def _believe(self, size: int) -> None:
        """What stands below a believed checkpoint is believed."""
        self._keys += [key for index, key in self._announced if index < size]
        self._announced = [each for each in self._announced if each[0] >= size]


def fault_of(checkpoint: Checkpoint, keys: Sequence[VerifierKey]) -> Finding | None:
    """Why a checkpoint is not to be believed; ``None`` where one of the keys has signed it."""
    place = f"the checkpoint of {checkpoint.size} entries"
    names = sorted({key.name for key in keys})
    if checkpoint.origin not in names:
        what = f"it is of {checkpoint.origin!r}, and the trusted keys are of {' and '.join(names)}"
        return Finding(Code.OTHER_ORIGIN, what, place=place)
    try:
        checkpoint.check([key for key in keys if key.name == checkpoint.origin])
    except WrongSignatureError as error:
        return Finding(Code.SIGNATURE_WRONG, str(error), place=place)
    except UnsignedError as error:
        return Finding(Code.SIGNATURE_MISSING, str(error), place=place)
    return None
