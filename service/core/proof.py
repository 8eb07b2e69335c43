"""Proofs that an entry is in the log, and that a longer log only added to a shorter one.

RFC 6962, sections 2.1.1 and 2.1.2. Where each hash of a proof belongs follows from the
sizes and the index alone, so a proof with a hash too many or too few is no proof.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from service.core.merkle import HASH_BYTES, SIZE_MAX, Node, node_hash, range_hash, split

Range: TypeAlias = tuple[int, int]
"""Leaves from the first index up to but without the second."""


class ProofError(ValueError):
    """A proof that does not prove what it is said to. The message says where it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """That a leaf stands at ``index`` of the tree of ``size`` leaves.

    ``hashes`` go from the leaf's sibling to the child of the root.
    """

    index: int
    size: int
    hashes: tuple[bytes, ...]

    def verify(self, leaf: bytes, root: bytes) -> None:
        """Raises `ProofError` unless the leaf (its hash) is there in the tree with this root."""
        ranges = _inclusion_ranges(self.index, self.size)
        _check_hashes(self.hashes, len(ranges))
        _check_hashes((leaf,), 1)
        reached = leaf
        for (begin, _), sibling in zip(ranges, self.hashes, strict=True):
            stands_right = begin > self.index
            reached = node_hash(reached, sibling) if stands_right else node_hash(sibling, reached)
        if reached != root:
            raise ProofError(f"the leaf is not at {self.index} of the {self.size} under this root")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That the first ``old_size`` leaves of ``new_size`` are those of the older tree.

    An empty tree is a beginning of every tree, so there is no proof from size 0.
    """

    old_size: int
    new_size: int
    hashes: tuple[bytes, ...]

    def verify(self, old_root: bytes, new_root: bytes) -> None:
        """Raises `ProofError` unless the tree with the new root begins with the older one."""
        first, *beside = _consistency_ranges(self.old_size, self.new_size)
        is_whole = first == (0, self.old_size)
        _check_hashes(self.hashes, len(beside) + (not is_whole))
        start, *siblings = (old_root, *self.hashes) if is_whole else self.hashes
        old, new = start, start
        for (begin, _), sibling in zip(beside, siblings, strict=True):
            if begin >= self.old_size:
                new = node_hash(new, sibling)
            else:
                old, new = node_hash(sibling, old), node_hash(sibling, new)
        if old != old_root:
            raise ProofError(f"the first {self.old_size} leaves are not those of the older root")
        if new != new_root:
            raise ProofError(f"these are not the {self.new_size} leaves of the newer root")


def prove_inclusion(index: int, size: int, node: Node) -> InclusionProof:
    """The proof for the leaf at ``index``. Raises `ProofError` where the tree has no such leaf."""
    ranges = _inclusion_ranges(index, size)
    return InclusionProof(index=index, size=size, hashes=_hashes(ranges, node))


def prove_consistency(old_size: int, new_size: int, node: Node) -> ConsistencyProof:
    """The proof from one size to another, ``node`` being the newer tree's.

    Raises `ProofError` unless ``0 < old_size <= new_size``.
    """
    ranges = _consistency_ranges(old_size, new_size)
    if ranges[0] == (0, old_size):
        del ranges[0]  # the verifier has the older root already
    return ConsistencyProof(old_size=old_size, new_size=new_size, hashes=_hashes(ranges, node))


def _hashes(ranges: Iterable[Range], node: Node) -> tuple[bytes, ...]:
    return tuple(range_hash(begin, end, node) for begin, end in ranges)


def _check_hashes(hashes: tuple[bytes, ...], count: int) -> None:
    if len(hashes) != count:
        raise ProofError(f"the proof has {len(hashes)} hashes where {count} belong")
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError(f"a hash has {HASH_BYTES} bytes")


def _inclusion_ranges(index: int, size: int) -> list[Range]:
    """PATH of RFC 6962, section 2.1.1: what stands beside the way from the leaf to the root."""
    if not 0 <= index < size <= SIZE_MAX:
        raise ProofError(f"a tree of {size} leaves has none at {index}")
    begin, end = 0, size
    beside: list[Range] = []
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    return beside[::-1]


def _consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """PROOF of RFC 6962, section 2.1.2: the older tree's last subtree and what stands beside it.

    The first is the subtree whose end is the older tree's, which may be all of that tree;
    then come the ranges beside the way from it up to the newer root.
    """
    if not 0 < old_size <= new_size <= SIZE_MAX:
        raise ProofError(f"no tree of {new_size} leaves can be proved to begin with {old_size}")
    begin, end = 0, new_size
    ranges: list[Range] = []
    while end != old_size:
        middle = begin + split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return [(begin, end), *ranges[::-1]]
