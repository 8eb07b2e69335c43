"""Proofs prove what RFC 6962 says, to us and to verifiers that nobody here wrote."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.proof import (
    ConsistencyProof,
    InclusionProof,
    ProofError,
    prove_consistency,
    prove_inclusion,
)
from tests.core.outsiders import OUTSIDERS, Outsider
from tests.core.trees import flipped, leaves, node_of, root

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "vectors"
TREES_MAX = 256
SIZES = (1, 2, 3, 4, 7, 8, 9, 64, 65, 100, 255, 256)
NODE = node_of(leaves(TREES_MAX))

outsiders = pytest.mark.parametrize("outsider", OUTSIDERS, ids=lambda each: type(each).__name__)


def holds(check: Callable[[bytes, bytes], None], *hashes: bytes) -> bool:
    try:
        check(*hashes)
    except ProofError:
        return False
    return True


# ── published vectors ─────────────────────────────────────────────────────────────────


def published(kind: str) -> list[dict[str, Any]]:
    path = PUBLISHED / f"merkle_{kind}.jsonl"
    if not path.exists():
        pytest.skip("the published vectors do not lie beside the project")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def raws(texts: list[str] | None) -> tuple[bytes, ...]:
    return tuple(raw(text) for text in texts or ())


def test_every_published_inclusion_proof_comes_out_as_marked() -> None:
    """All 98 proofs of transparency-dev/merkle are accepted or refused as their authors say."""
    cases = published("inclusion")
    found = [
        case["file"]
        for case in cases
        if case["wantErr"]
        is holds(
            InclusionProof(
                index=case["leafIdx"], size=case["treeSize"], hashes=raws(case["proof"])
            ).verify,
            raw(case["leafHash"]),
            raw(case["root"]),
        )
    ]
    assert (len(cases), found) == (98, [])


def test_every_published_consistency_proof_comes_out_as_marked() -> None:
    """All 98 proofs of transparency-dev/merkle are accepted or refused as their authors say."""
    cases = published("consistency")
    found = [
        case["file"]
        for case in cases
        if case["wantErr"]
        is holds(
            ConsistencyProof(
                old_size=case["size1"], new_size=case["size2"], hashes=raws(case["proof"])
            ).verify,
            raw(case["root1"]),
            raw(case["root2"]),
        )
    ]
    assert (len(cases), found) == (98, [])


# ── every small tree ──────────────────────────────────────────────────────────────────


def test_every_inclusion_proof_of_every_small_tree_verifies() -> None:
    """Each leaf of each tree of up to 256 leaves is proved, and its neighbour is not."""
    for size in range(1, TREES_MAX + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, NODE)
            proof.verify(leaves(TREES_MAX)[index], root(size))
            assert not holds(proof.verify, leaves(TREES_MAX)[index ^ 1], root(size))


def test_every_consistency_proof_of_every_small_tree_verifies() -> None:
    """Each tree of up to 256 leaves is proved to begin with each smaller one, and no other."""
    for new_size in range(1, TREES_MAX + 1):
        for old_size in range(1, new_size + 1):
            proof = prove_consistency(old_size, new_size, NODE)
            proof.verify(root(old_size), root(new_size))
            assert not holds(proof.verify, root(old_size - 1), root(new_size))
            assert not holds(proof.verify, root(old_size), root(new_size - 1))


@outsiders
@pytest.mark.parametrize("size", SIZES)
def test_others_accept_every_inclusion_proof(outsider: Outsider, size: int) -> None:
    """A verifier nobody here wrote finds each leaf where we say, and nowhere else."""
    for index in range(size):
        hashes = prove_inclusion(index, size, NODE).hashes
        leaf, other = leaves(TREES_MAX)[index], leaves(TREES_MAX)[(index + 1) % TREES_MAX]
        assert outsider.inclusion(index, size, leaf, hashes, root(size))
        assert not outsider.inclusion(index, size, other, hashes, root(size))


@outsiders
@pytest.mark.parametrize("new_size", SIZES)
def test_others_accept_every_consistency_proof(outsider: Outsider, new_size: int) -> None:
    """A verifier nobody here wrote agrees that a log only grew, and that a fork did not."""
    for old_size in range(1, new_size + 1):
        hashes = prove_consistency(old_size, new_size, NODE).hashes
        sizes, fork = (old_size, new_size), root(old_size)[::-1]
        assert outsider.consistency(sizes, hashes, (root(old_size), root(new_size)))
        assert not outsider.consistency(sizes, hashes, (fork, root(new_size)))


# ── what is no proof ──────────────────────────────────────────────────────────────────


@st.composite
def inclusions(draw: st.DrawFn) -> InclusionProof:
    size = draw(st.integers(2, TREES_MAX))
    return prove_inclusion(draw(st.integers(0, size - 1)), size, NODE)


@st.composite
def consistencies(draw: st.DrawFn) -> ConsistencyProof:
    new_size = draw(st.integers(2, TREES_MAX))
    return prove_consistency(draw(st.integers(1, new_size - 1)), new_size, NODE)


def mutated(draw: st.DrawFn, hashes: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The hashes with a byte flipped, or one dropped, doubled, added, cut or moved."""
    at = draw(st.integers(0, len(hashes) - 1))
    how = draw(st.sampled_from(("flip", "drop", "double", "add", "cut", "grow")))
    changed = {
        "flip": (flipped(hashes[at], draw(st.integers(0, 31)), draw(st.integers(1, 255))),),
        "drop": (),
        "double": (hashes[at], hashes[at]),
        "add": (hashes[at], draw(st.binary(min_size=32, max_size=32))),
        "cut": (hashes[at][:-1],),
        "grow": (hashes[at] + b"\x00",),
    }
    return (*hashes[:at], *changed[how], *hashes[at + 1 :])


@given(st.data())
def test_no_altered_inclusion_proof_verifies(data: st.DataObject) -> None:
    """A flipped byte, a hash too many or too few, or a cut one is refused by us and by others."""
    proof = data.draw(inclusions())
    hashes = data.draw(st.composite(mutated)(proof.hashes))
    leaf, tree = leaves(TREES_MAX)[proof.index], root(proof.size)
    altered = InclusionProof(index=proof.index, size=proof.size, hashes=hashes)
    assert not holds(altered.verify, leaf, tree)
    assert not any(
        each.inclusion(proof.index, proof.size, leaf, hashes, tree) for each in OUTSIDERS
    )


@given(st.data())
def test_no_altered_consistency_proof_verifies(data: st.DataObject) -> None:
    """A flipped byte, a hash too many or too few, or a cut one is refused by us and by others."""
    proof = data.draw(consistencies())
    hashes = data.draw(st.composite(mutated)(proof.hashes))
    roots = root(proof.old_size), root(proof.new_size)
    altered = ConsistencyProof(old_size=proof.old_size, new_size=proof.new_size, hashes=hashes)
    assert not holds(altered.verify, *roots)
    sizes = (proof.old_size, proof.new_size)
    assert not any(each.consistency(sizes, hashes, roots) for each in OUTSIDERS)


@given(inclusions(), st.integers(0, TREES_MAX), st.integers(0, TREES_MAX))
def test_a_proof_holds_for_one_index_only(proof: InclusionProof, index: int, size: int) -> None:
    """The same hashes prove nothing for another index, nor for a size of another shape."""
    leaf, tree = leaves(TREES_MAX)[proof.index], root(proof.size)
    if index != proof.index:
        moved = InclusionProof(index=index, size=proof.size, hashes=proof.hashes)
        assert not holds(moved.verify, leaf, tree)
    if size != proof.size:
        other = InclusionProof(index=proof.index, size=size, hashes=proof.hashes)
        assert not holds(other.verify, leaf, root(size))


def test_hashes_cannot_lend_each_other_bytes() -> None:
    """The same bytes cut at another place are no leaf and sibling, though they hash alike."""
    proof = prove_inclusion(0, 2, NODE)
    (sibling,) = proof.hashes
    moved = InclusionProof(index=0, size=2, hashes=(sibling[1:],))
    assert not holds(moved.verify, leaves(TREES_MAX)[0] + sibling[:1], root(2))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (2**64, 2), (0, 2**63)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """Asking beyond the tree is an error, for the one who proves and the one who verifies."""
    with pytest.raises(ProofError, match="has none at"):
        prove_inclusion(index, size, NODE)
    with pytest.raises(ProofError, match="has none at"):
        InclusionProof(index=index, size=size, hashes=()).verify(bytes(32), bytes(32))


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 0), (0, 4), (5, 4), (-1, 4), (1, 2**63)])
def test_nothing_is_proved_of_an_empty_or_shrunken_log(old_size: int, new_size: int) -> None:
    """A log that shrinks has no proof, and an empty one says nothing about a longer one."""
    with pytest.raises(ProofError, match="can be proved"):
        prove_consistency(old_size, new_size, NODE)
    proof = ConsistencyProof(old_size=old_size, new_size=new_size, hashes=())
    with pytest.raises(ProofError, match="can be proved"):
        proof.verify(bytes(32), bytes(32))


def test_a_log_is_consistent_with_itself() -> None:
    """Equal sizes take no hashes, and equal roots."""
    proof = prove_consistency(9, 9, NODE)
    assert proof.hashes == ()
    proof.verify(root(9), root(9))
    assert not holds(proof.verify, root(9), root(8))
