"""Proofs, checked as RFC 9162 spells it out, step by step.

Sections 2.1.3.2 (inclusion) and 2.1.4.2 (consistency). A proof with a hash too many or
too few is no proof.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from service.audit.checkpoint import Checkpoint, parse_checkpoint, parse_size
from service.audit.note import NOTE_BYTES_MAX, NoteError, decoded
from service.core.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash

HEADER: Final = "c2sp.org/tlog-proof@v1"

Subtree = Callable[[int, int], bytes]
"""The hash of the subtree over the leaves from the first index up to but without the second."""


class ProofError(ValueError):
    """A proof that proves nothing. The message says where it fails."""


def check_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Raises `ProofError` unless the leaf (its hash) stands at ``index`` under the root."""
    if not 0 <= index < size:
        raise ProofError(f"a log of {size} entries has none at {index}")
    _check_hashes((leaf, *proof))
    place, last, reached = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            raise ProofError("the proof has a hash too many")
        if place & 1 or place == last:
            reached = node_hash(beside, reached)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            reached = node_hash(reached, beside)
        place, last = place >> 1, last >> 1
    if last or reached != root:
        raise ProofError(f"this entry is not number {index} of the {size} under this root")


def check_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raises `ProofError` unless the log of ``size`` begins with the log of ``old_size``."""
    if not 0 < old_size <= size:
        raise ProofError(f"nothing proves that {size} entries begin with {old_size}")
    if old_size == size:
        if proof or old_root != root:
            raise ProofError("two logs of one size have one root and need no proof")
        return
    _check_hashes((old_root, root, *proof))
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else [*proof]
    if not hashes:
        raise ProofError("the proof is empty")
    reached = _climb(old_size - 1, size - 1, hashes)
    if reached[0] != old_root:
        raise ProofError(f"the first {old_size} entries are not those of the older root")
    if reached[1] != root:
        raise ProofError(f"these are not the {size} entries of the newer root")


def _climb(place: int, last: int, hashes: list[bytes]) -> tuple[bytes, bytes]:
    """The older and the newer root that the hashes lead to."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            raise ProofError("the proof has a hash too many")
        if place & 1 or place == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, beside)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofError("the proof lacks a hash")
    return old, new


def prove_consistency(old_size: int, size: int, subtree: Subtree) -> list[bytes]:
    """PROOF of RFC 6962, section 2.1.2, for ``0 < old_size <= size``."""
    begin, end, is_whole = 0, size, True
    proof: list[bytes] = []
    while old_size != end:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if old_size <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin, is_whole = middle, False
    if not is_whole:
        proof.append(subtree(begin, end))
    return proof[::-1]


def prove_inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, for ``0 <= index < size``."""
    begin, end = 0, size
    proof: list[bytes] = []
    while end - begin > 1:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if index < middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    return proof[::-1]


def subtree_of(node: Callable[[int, int], bytes]) -> Subtree:
    """Any range that occurs in a tree, from its complete subtrees ``(level, index)``."""

    def subtree(begin: int, end: int) -> bytes:
        count = end - begin
        if count == 0:
            return EMPTY_ROOT
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return node(level, begin >> level)
        middle = begin + (1 << (count - 1).bit_length() - 1)
        return node_hash(subtree(begin, middle), subtree(middle, end))

    return subtree


@dataclass(frozen=True, slots=True)
class Receipt:
    """A ``tlog-proof`` (https://c2sp.org/tlog-proof): an entry's index, proof and checkpoint."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint

    def check(self, entry: bytes) -> None:
        """Raises `ProofError` unless the checkpoint's log holds these very bytes at the index.

        That the checkpoint is to be believed is for `Checkpoint.check` to say.
        """
        point = self.checkpoint
        check_inclusion(self.index, point.size, leaf_hash(entry), self.hashes, point.root)


def parse_receipt(data: bytes) -> Receipt:
    """The receipt in these bytes, not yet checked. Raises `ProofError` and `NoteError`."""
    if len(data) > 2 * NOTE_BYTES_MAX:
        raise ProofError("a receipt is smaller than this")
    above, _, note = data.partition(b"\n\n")
    lines = above.decode("ascii", "replace").split("\n")
    if lines.pop(0) != HEADER:
        raise ProofError(f"a receipt begins with {HEADER}")
    if lines and lines[0].startswith("extra "):
        decoded(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise ProofError("the receipt lacks the index of its entry")
    try:
        index = parse_size(lines.pop(0).removeprefix("index "))
        hashes = tuple(decoded(line) for line in lines)
    except NoteError as error:
        raise ProofError(str(error)) from None
    _check_hashes(hashes)
    return Receipt(index, hashes, parse_checkpoint(note))


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError(f"a hash has {HASH_BYTES} bytes")
