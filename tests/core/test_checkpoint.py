"""Checkpoints are the specification's, and are believed only if their log signed them."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.signer import Ed25519Signer
from service.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    open_checkpoint,
    parse_checkpoint,
    strict_integer,
)
from service.core.merkle import EMPTY_ROOT, SIZE_MAX, leaf_hash, tree_root
from service.core.note import NoteError
from tests.core.outsiders import OUTSIDERS, Outsider
from tests.core.trees import (
    KEYS,
    ORIGIN,
    OTHER,
    SIGNER,
    VERIFY,
    checkpoint,
    flipped,
    root,
)

TESSERA = json.loads(
    (Path(__file__).parent.parent / "vectors" / "tessera_log.json").read_text("utf-8")
)
LINES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1)
ROOTS = st.binary(min_size=32, max_size=32)
CHECKPOINTS = st.builds(
    Checkpoint,
    origin=LINES,
    size=st.integers(1, SIZE_MAX),
    root=ROOTS,
    extensions=st.lists(LINES, max_size=3).map(tuple),
)

outsiders = pytest.mark.parametrize("outsider", OUTSIDERS, ids=lambda each: type(each).__name__)


def opened(data: bytes, origin: str = ORIGIN) -> Checkpoint:
    return open_checkpoint(data, origin=origin, keys=KEYS, verify=VERIFY)


@pytest.mark.parametrize("size", [0, 7, 8, 15])
def test_tessera_s_own_log_is_signed_byte_for_byte(size: int) -> None:
    """The same entries under the same key give the very checkpoint that Tessera published."""
    signer = Ed25519Signer(TESSERA["origin"], bytes.fromhex(TESSERA["seed"]))
    hashes = [leaf_hash(entry.encode()) for entry in TESSERA["entries"][:size]]
    ours = Checkpoint(origin=TESSERA["origin"], size=size, root=tree_root(hashes))
    published, signature = TESSERA["checkpoints"][str(size)]
    assert signer.verifier_key.encoded() == TESSERA["key"]
    assert ours.signed(signer.verifier_key, signer.sign).decode() == (
        f"{TESSERA['origin']}\n{size}\n{published}\n\n— {TESSERA['origin']} {signature}\n"
    )


@outsiders
@pytest.mark.parametrize("size", [0, 1, 2, 255, 256])
def test_others_accept_our_checkpoints(outsider: Outsider, size: int) -> None:
    """A verifier nobody here wrote reads origin, size and root under our key, and no other."""
    found = outsider.checkpoint(checkpoint(size), SIGNER.verifier_key.encoded())
    assert found == (ORIGIN, size, root(size))
    assert outsider.checkpoint(checkpoint(size), OTHER.verifier_key.encoded()) is None


@given(CHECKPOINTS)
def test_what_is_written_is_read_again(wanted: Checkpoint) -> None:
    """Any origin, size, root and further lines survive writing and reading."""
    assert parse_checkpoint(wanted.text()) == wanted


@given(st.lists(st.one_of(LINES, st.integers(0, 300).map(str)), max_size=5), ROOTS)
def test_what_is_read_would_be_written_again(lines: list[str], tree: bytes) -> None:
    """A text that is accepted is the only way to write that checkpoint."""
    lines.insert(2, base64.b64encode(tree).decode())
    text = "\n".join(lines)
    for candidate in (text, text + "\n"):
        try:
            found = parse_checkpoint(candidate)
        except CheckpointError:
            continue
        assert found.text() == candidate


ROOT = base64.b64encode(root(7)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n7 \n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n7\n{ROOT[:-4]}\n",
        f"{ORIGIN}\n7\n{ROOT}\n\n",
        f"{ORIGIN}\n7\n{ROOT}\nmore\n\nmore\n",
        f"{ORIGIN}\n7\n{ROOT}\r\n",
        f"{ORIGIN}\n0\n{ROOT}\n",
    ],
)
def test_anything_but_a_checkpoint_is_refused(text: str) -> None:
    """Another spelling of a number, a cut root or an empty line is refused, not repaired."""
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


@given(st.integers(0, len(checkpoint(300)) - 1), st.integers(1, 255))
def test_no_altered_checkpoint_is_believed(at: int, bits: int) -> None:
    """A single flipped byte anywhere is noticed."""
    with pytest.raises(NoteError):
        opened(flipped(checkpoint(300), at, bits))


@outsiders
@given(at=st.integers(0, len(checkpoint(300)) - 1), bits=st.integers(1, 255))
def test_others_never_read_another_tree_from_an_altered_checkpoint(
    outsider: Outsider, at: int, bits: int
) -> None:
    """Whatever byte is flipped, a verifier nobody here wrote never accepts another size or root."""
    found = outsider.checkpoint(flipped(checkpoint(300), at, bits), SIGNER.verifier_key.encoded())
    assert found in (None, (ORIGIN, 300, root(300)))


def test_an_opened_checkpoint_is_the_signed_one() -> None:
    """Signing and opening are inverse."""
    assert opened(checkpoint(300)) == Checkpoint(origin=ORIGIN, size=300, root=root(300))


def test_another_log_s_checkpoint_is_refused() -> None:
    """A key that signs for two logs does not make one pass for the other."""
    with pytest.raises(CheckpointError, match=r"not of 'log\.example/else'"):
        opened(checkpoint(300), origin="log.example/else")


def test_a_stranger_s_checkpoint_is_refused() -> None:
    """A checkpoint of our origin under a key that is not ours is no checkpoint of ours."""
    forged = Checkpoint(origin=ORIGIN, size=300, root=root(300))
    with pytest.raises(NoteError, match="known key"):
        opened(forged.signed(OTHER.verifier_key, OTHER.sign))


@pytest.mark.parametrize(
    ("origin", "size", "tree", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("a\nb", 1, bytes(32), ()),
        (ORIGIN, -1, bytes(32), ()),
        (ORIGIN, 2**63, bytes(32), ()),
        (ORIGIN, 1, bytes(31), ()),
        (ORIGIN, 0, bytes(32), ()),
        (ORIGIN, 1, bytes(32), ("",)),
        (ORIGIN, 1, bytes(32), ("a\nb",)),
    ],
)
def test_what_could_not_be_read_is_never_made(
    origin: str, size: int, tree: bytes, extensions: tuple[str, ...]
) -> None:
    """A checkpoint that exists is one that every verifier can parse."""
    with pytest.raises(CheckpointError):
        Checkpoint(origin=origin, size=size, root=tree, extensions=extensions)


def test_an_empty_log_has_a_checkpoint() -> None:
    """Size 0 is written 0, with the root of the empty tree."""
    text = Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT).text()
    assert text == f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("10", 10), (str(SIZE_MAX), SIZE_MAX)])
def test_sizes_are_plain_decimals(text: str, number: int) -> None:
    """A number is read from its one spelling, up to the largest tree."""
    assert strict_integer(text) == number
