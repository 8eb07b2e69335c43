"""A receipt that is verified offline, as https://c2sp.org/tlog-proof writes it.

It holds a checkpoint and the inclusion proof of one entry under it. Whoever has the
entry's bytes, the log's origin and its verifier key needs nothing else.
"""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from service.core.checkpoint import Checkpoint, open_checkpoint, strict_integer
from service.core.merkle import HASH_BYTES, leaf_hash
from service.core.note import NOTE_BYTES_MAX, NoteError, VerifierKey, Verify, strict_base64
from service.core.proof import InclusionProof, ProofError

HEADER: Final = "c2sp.org/tlog-proof@v1"
TLOG_PROOF_BYTES_MAX: Final = 2 * NOTE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """An entry's index, its inclusion proof and the signed checkpoint, byte for byte.

    ``extra`` is whatever the log adds; nothing vouches for it. Nothing here is verified
    until `verify` says so.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encoded(self) -> bytes:
        """The receipt's bytes; files of it end in ``.tlog-proof``."""
        extra = [] if self.extra is None else [f"extra {_base64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(_base64, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    def verify(
        self, entry: bytes, *, origin: str, keys: Collection[VerifierKey], verify: Verify
    ) -> Checkpoint:
        """The checkpoint, once it is proved that the log holds these very bytes at ``index``.

        Raises `NoteError` (and `CheckpointError`) as `open_checkpoint`, and `ProofError`
        where the entry is not in the tree of the checkpoint.
        """
        checkpoint = open_checkpoint(self.checkpoint, origin=origin, keys=keys, verify=verify)
        proof = InclusionProof(index=self.index, size=checkpoint.size, hashes=self.hashes)
        proof.verify(leaf_hash(entry), checkpoint.root)
        return checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """The receipt in these bytes, not yet verified. Raises `ProofError` where it is malformed."""
    if len(data) > TLOG_PROOF_BYTES_MAX:
        raise ProofError(f"a proof has at most {TLOG_PROOF_BYTES_MAX} bytes")
    above, _, checkpoint = data.partition(b"\n\n")
    try:
        proof = _parsed(above.decode("ascii").split("\n"), checkpoint)
    except (UnicodeDecodeError, NoteError) as error:
        raise ProofError(f"the proof cannot be read: {error}") from error
    if proof.encoded() != data:
        raise ProofError("the proof is not written as proofs are")
    return proof


def _parsed(lines: list[str], checkpoint: bytes) -> TlogProof:
    if lines.pop(0) != HEADER:
        raise ProofError(f"a proof begins with {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = strict_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise ProofError("the proof lacks the index of the entry")
    index = strict_integer(lines.pop(0).removeprefix("index "))
    hashes = tuple(strict_base64(line) for line in lines)
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError(f"a hash has {HASH_BYTES} bytes")
    return TlogProof(index=index, hashes=hashes, checkpoint=checkpoint, extra=extra)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
