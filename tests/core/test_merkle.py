"""Hashes and roots are RFC 6962's."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    leaf_hash,
    node_hash,
    range_hash,
    split,
    tree_root,
)
from tests.core.trees import leaves, naive_root, node_of

VECTORS = Path(__file__).parent.parent / "vectors"
RFC_6962 = json.loads((VECTORS / "rfc6962.json").read_text("utf-8"))
TREES_MAX = 256


def test_the_leaf_hash_of_nothing_is_the_published_one() -> None:
    """The empty leaf has the hash that certificate transparency's own tests use."""
    published = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == published


def test_roots_are_the_published_ones() -> None:
    """The trees of certificate transparency's own tests have their roots, the empty one too."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in RFC_6962["leaves"]]
    assert RFC_6962["roots"] == [tree_root(hashes[:size]).hex() for size in range(9)]


def test_a_leaf_is_never_taken_for_a_node() -> None:
    """An entry made of two hashes has another hash than the node over them."""
    left, right = leaves(2)
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(("count", "left"), [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)])
def test_the_left_side_is_the_largest_power_of_two(count: int, left: int) -> None:
    """A tree of n leaves has the largest power of two smaller than n on its left."""
    assert split(count) == left


def test_every_small_tree_has_the_root_of_the_definition() -> None:
    """Up to 256 leaves the compact range agrees with the recursive definition at every size."""
    grown = CompactRange()
    assert grown.root() == EMPTY_ROOT
    for size, leaf in enumerate(leaves(TREES_MAX), start=1):
        grown = grown.extended([leaf])
        assert grown.root() == naive_root(leaves(TREES_MAX)[:size])


def test_any_range_of_a_tree_is_made_of_complete_subtrees() -> None:
    """The hash of a right edge, which is no complete subtree, is that of the definition."""
    node = node_of(leaves(TREES_MAX))
    for begin, end in [(0, 1), (0, 7), (4, 7), (8, 13), (64, 101), (128, 255), (255, 256)]:
        assert range_hash(begin, end, node) == naive_root(leaves(TREES_MAX)[begin:end])


@given(st.lists(st.integers(0, 40), max_size=6))
def test_batches_make_no_difference(batches: list[int]) -> None:
    """Leaves appended in any batches, stored and read in between, give the range of all at once."""
    every = leaves(240)
    grown = CompactRange()
    for batch in batches:
        added = every[grown.size : grown.size + batch]
        grown = CompactRange(grown.size, tuple(grown.hashes)).extended(added)
    assert grown == CompactRange().extended(every[: sum(batches)])


@pytest.mark.parametrize(
    ("size", "hashes"),
    [
        (-1, ()),
        (2**63, (bytes(32),)),
        (0, (bytes(32),)),
        (3, (bytes(32),)),
        (4, (bytes(32), bytes(32))),
        (1, (bytes(31),)),
    ],
)
def test_a_range_of_another_shape_is_refused(size: int, hashes: tuple[bytes, ...]) -> None:
    """What comes out of a database is believed only if it has one hash for each set bit."""
    with pytest.raises(ValueError, match=r"leaves|hash"):
        CompactRange(size, hashes)
