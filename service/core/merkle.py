"""RFC 6962 hashing: what ties an entry's bytes to the log, and the log to one root."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
SIZE_MAX: Final = 2**63 - 1
"""The most leaves that a tree may have: what a signed 64-bit integer holds, as in other tools."""

EMPTY_ROOT: Final = hashlib.sha256().digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""

Node: TypeAlias = Callable[[int, int], bytes]
"""The hash of the complete subtree ``(level, index)``, over ``2**level`` leaves from
``index * 2**level`` on. Level 0 is the leaves' hashes."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (RFC 6962, section 2.1): SHA-256 over a zero byte and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962, section 2.1): SHA-256 over a one byte and both."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    """How many of ``count`` (≥ 2) leaves stand left: the largest power of two below it."""
    return 1 << (count - 1).bit_length() - 1


def range_hash(begin: int, end: int, node: Node) -> bytes:
    """MTH(D[begin:end]) of RFC 6962 for a range that occurs in a tree, from complete subtrees.

    Such a range begins at a multiple of the power of two that is not below its length.
    """
    count = end - begin
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, begin >> level)
    middle = begin + split(count)
    return node_hash(range_hash(begin, middle, node), range_hash(middle, end, node))


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, or over the hashes of equal complete subtrees."""
    return CompactRange().extended(leaves).root()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """All that is needed of a tree to append to it: one hash for each bit set in ``size``.

    ``hashes`` are the roots of its complete subtrees, the largest (leftmost) first.
    Raises `ValueError` where their number is not that of the size's set bits.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """What was stored is believed only in the right shape."""
        if not 0 <= self.size <= SIZE_MAX:
            raise ValueError(f"no tree has {self.size} leaves")
        if len(self.hashes) != self.size.bit_count():
            raise ValueError(
                f"a tree of {self.size} leaves has {self.size.bit_count()} complete subtrees, "
                f"not {len(self.hashes)}"
            )
        if any(len(each) != HASH_BYTES for each in self.hashes):
            raise ValueError(f"a hash has {HASH_BYTES} bytes")

    def extended(self, leaves: Iterable[bytes]) -> "CompactRange":
        """The range with these leaf hashes appended, in order."""
        sha256 = hashlib.sha256  # this loop runs for every entry ever written
        stack, size = list(self.hashes), self.size
        for leaf in leaves:
            below = leaf
            carry = size
            while carry & 1:
                below = sha256(b"\x01" + stack.pop() + below).digest()
                carry >>= 1
            stack.append(below)
            size += 1
        return CompactRange(size, tuple(stack))

    def root(self) -> bytes:
        """The root of the tree so far; `EMPTY_ROOT` where it has no leaves."""
        if not self.hashes:
            return EMPTY_ROOT
        *left, root = self.hashes
        for each in reversed(left):
            root = node_hash(each, root)
        return root
