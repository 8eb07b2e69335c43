"""A receipt convinces whoever has the entry and the key, and is wrong if a byte of it is."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.note import NoteError
from service.core.proof import ProofError
from service.core.tlog_proof import TLOG_PROOF_BYTES_MAX, TlogProof, parse_tlog_proof
from tests.core.outsiders import OUTSIDERS, Outsider
from tests.core.trees import KEYS, ORIGIN, SIGNER, VERIFY, entry, flipped, leaves, receipt, root
from tests.vectors.remit_log import PATH, remit_log

RECEIPT = receipt(7, 300)
DATA = RECEIPT.encoded()
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=5).map(tuple)
RECEIPTS = st.builds(
    TlogProof,
    index=st.integers(0, 2**63 - 1),
    hashes=HASHES,
    checkpoint=st.binary(),
    extra=st.none() | st.binary(),
)


def is_believed(data: bytes, logged: bytes) -> bool:
    try:
        parse_tlog_proof(data).verify(logged, origin=ORIGIN, keys=KEYS, verify=VERIFY)
    except (NoteError, ProofError):
        return False
    return True


@pytest.mark.parametrize("index", [0, 1, 7, 255, 256, 299])
def test_a_receipt_proves_its_entry_and_no_other(index: int) -> None:
    """The entry's bytes, the origin and the key are all it takes."""
    data = receipt(index, 300).encoded()
    assert is_believed(data, entry(index))
    assert not is_believed(data, entry(index) + b" ")
    assert not is_believed(data, entry((index + 1) % 300))


def test_a_verified_receipt_names_its_tree() -> None:
    """Who verifies learns the size and root under which the entry stands."""
    found = RECEIPT.verify(entry(7), origin=ORIGIN, keys=KEYS, verify=VERIFY)
    assert (found.size, found.root) == (300, root(300))


@pytest.mark.parametrize("outsider", OUTSIDERS, ids=lambda each: type(each).__name__)
def test_others_believe_what_a_receipt_holds(outsider: Outsider) -> None:
    """Cut apart by the specification alone, a receipt convinces a verifier nobody here wrote."""
    above, _, note = DATA.partition(b"\n\n")
    header, index, *hashes = above.decode().split("\n")
    found = outsider.checkpoint(note, SIGNER.verifier_key.encoded())
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 7")
    assert found is not None
    assert outsider.inclusion(
        7, found[1], leaves(8)[7], [base64.b64decode(each) for each in hashes], found[2]
    )


@given(RECEIPTS)
def test_what_is_written_is_read_again(wanted: TlogProof) -> None:
    """Any index, hashes, checkpoint and extra data survive writing and reading."""
    assert parse_tlog_proof(wanted.encoded()) == wanted


@given(st.binary())
def test_what_is_read_would_be_written_again(data: bytes) -> None:
    """Bytes that are accepted as a receipt are the only way to write it."""
    for candidate in (data, b"c2sp.org/tlog-proof@v1\nindex 1\n" + data):
        try:
            found = parse_tlog_proof(candidate)
        except ProofError:
            continue
        assert found.encoded() == candidate


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_no_altered_receipt_is_believed(at: int, bits: int) -> None:
    """A single flipped byte anywhere is noticed."""
    assert not is_believed(flipped(DATA, at, bits), entry(7))


def test_extra_data_is_carried_and_vouched_for_by_nobody() -> None:
    """What the log adds to a receipt neither makes nor breaks it."""
    data = TlogProof(
        index=7, hashes=RECEIPT.hashes, checkpoint=RECEIPT.checkpoint, extra=b"room 12"
    ).encoded()
    assert parse_tlog_proof(data).extra == b"room 12"
    assert is_believed(data, entry(7))


HEAD = "c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        f"{HEAD}index 0",
        f"{HEAD}index 0\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\ncheckpoint\n",
        f"{HEAD}extra !!\nindex 0\n\ncheckpoint\n",
        f"{HEAD}extra QQ\nindex 0\n\ncheckpoint\n",
        f"{HEAD}\n\ncheckpoint\n",
        f"{HEAD}extra QQ==\n\ncheckpoint\n",
        f"{HEAD}index 0\nextra QQ==\n\ncheckpoint\n",
        f"{HEAD}index notanumber\n\ncheckpoint\n",
        f"{HEAD}index -5\n\ncheckpoint\n",
        f"{HEAD}index 05\n\ncheckpoint\n",
        f"{HEAD}index  5\n\ncheckpoint\n",
        f"{HEAD}index {2**63}\n\ncheckpoint\n",
        f"{HEAD}index 0\n!!\n\ncheckpoint\n",
        f"{HEAD}index 0\n{base64.b64encode(bytes(64)).decode()}\n\ncheckpoint\n",
        f"{HEAD}index 0\ncheckpoint\n",
        f"{HEAD}index 0\r\n\r\ncheckpoint\n",
        f"{HEAD}index 0\né\n\ncheckpoint\n",
    ],
)
def test_anything_but_a_receipt_is_refused(text: str) -> None:
    """A missing line, another spelling of a number or a hash of another length is refused."""
    with pytest.raises(ProofError):
        parse_tlog_proof(text.encode())


def test_a_receipt_has_bounds() -> None:
    """What is longer than any receipt is not even looked at."""
    with pytest.raises(ProofError, match="bytes"):
        parse_tlog_proof(DATA + b"x" * TLOG_PROOF_BYTES_MAX)


def test_what_was_served_once_is_served_for_ever() -> None:
    """The bytes of a fixed log, its tiles, checkpoint and receipt, never change."""
    assert json.loads(PATH.read_text("utf-8")) == remit_log()
