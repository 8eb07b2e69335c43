"""Proofs, checked as RFC 9162 says: all that are right, and none that are not."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.audit.note import NoteError
from service.audit.proof import (
    ProofError,
    check_consistency,
    check_inclusion,
    parse_receipt,
    prove_consistency,
    prove_inclusion,
    subtree_of,
)
from tests.audit.logs import KEY
from tests.core.trees import entry, leaves, naive_root, node_of, receipt

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "vectors"
SIZE = 40


def published(kind: str) -> list[dict[str, Any]]:
    path = PUBLISHED / f"merkle_{kind}.jsonl"
    if not path.exists():
        pytest.skip("the published vectors are not on this machine")
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def decoded(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def subtree(begin: int, end: int) -> bytes:
    return naive_root(leaves(SIZE)[begin:end])


def test_published_inclusion_proofs_are_judged_as_they_are_marked() -> None:
    """Those that must fail do, and those that must not do not."""
    for case in published("inclusion"):
        proof = [decoded(text) for text in case["proof"] or ()]
        given_ = (case["leafIdx"], case["treeSize"], decoded(case["leafHash"]), proof)
        try:
            check_inclusion(*given_, decoded(case["root"]))
        except ProofError:
            assert case["wantErr"], case["file"]
        else:
            assert not case["wantErr"], case["file"]


def test_published_consistency_proofs_are_judged_as_they_are_marked() -> None:
    """Those that must fail do, and those that must not do not."""
    for case in published("consistency"):
        proof = [decoded(text) for text in case["proof"] or ()]
        old = (case["size1"], decoded(case["root1"]))
        try:
            check_consistency(*old, case["size2"], decoded(case["root2"]), proof)
        except ProofError:
            assert case["wantErr"], case["file"]
        else:
            assert not case["wantErr"], case["file"]


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_every_proof_of_a_small_log_is_accepted(size: int) -> None:
    """Each entry's inclusion, and the consistency with each smaller log."""
    root = subtree(0, size)
    for index in range(size):
        proof = prove_inclusion(index, size, subtree)
        check_inclusion(index, size, leaves(SIZE)[index], proof, root)
    for old in range(1, size + 1):
        proof = prove_consistency(old, size, subtree)
        check_consistency(old, subtree(0, old), size, root, proof)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_no_altered_proof_is_accepted(data: st.DataObject) -> None:
    """A hash dropped, doubled, swapped or flipped proves nothing."""
    size = data.draw(st.integers(2, SIZE))
    old = data.draw(st.integers(1, size - 1))
    proof = prove_consistency(old, size, subtree)
    place = data.draw(st.integers(0, len(proof) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "flip"]))
    if change == "drop":
        del proof[place]
    elif change == "double":
        proof.insert(place, proof[place])
    else:
        proof[place] = bytes([proof[place][0] ^ 1, *proof[place][1:]])
    with pytest.raises(ProofError):
        check_consistency(old, subtree(0, old), size, subtree(0, size), proof)


@pytest.mark.parametrize("index", [-1, SIZE, SIZE + 1])
def test_no_entry_stands_outside_the_log(index: int) -> None:
    """An index beyond the size is refused before any hash."""
    with pytest.raises(ProofError):
        check_inclusion(index, SIZE, leaves(SIZE)[0], [], subtree(0, SIZE))


def test_ranges_come_from_complete_subtrees() -> None:
    """What tiles have is enough to build any range that occurs."""
    build = subtree_of(node_of(leaves(SIZE)))
    for end in range(1, SIZE + 1):
        assert build(0, end) == subtree(0, end)


def test_a_receipt_proves_one_entry() -> None:
    """The writer's receipt, read by the verifier's own code; another entry is not proved by it."""
    found = parse_receipt(receipt(11, SIZE).encoded())
    found.check(entry(11))
    with pytest.raises(ProofError):
        found.check(entry(12))


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_no_altered_receipt_proves_anything(place: int, bit: int) -> None:
    """It is malformed, or its checkpoint is unsigned, or the entry is not there."""
    data = bytearray(receipt(11, SIZE).encoded())
    data[place % len(data)] ^= 1 << bit
    with pytest.raises((ProofError, NoteError)):
        judge(bytes(data))


def judge(data: bytes) -> None:
    found = parse_receipt(data)
    found.checkpoint.check([KEY])
    found.check(entry(11))
