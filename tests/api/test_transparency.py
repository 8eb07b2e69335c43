"""What the service serves of its log is what verifiers of others accept, and nothing else is."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import orjson
import pytest
from starlette.testclient import TestClient

from service.adapters.signer import verify_ed25519
from service.api.app import create_app
from service.api.publication import published_header
from service.bootstrap import compile_files
from service.core.checkpoint import Checkpoint, parse_checkpoint
from service.core.merkle import leaf_hash, node_hash
from service.core.note import parse_note, parse_verifier_key
from service.core.proof import prove_inclusion
from service.core.tiles import bundles_of, parse_bundle, tiles_of
from service.core.tlog_proof import parse_tlog_proof
from tests.api.door import Door, assert_problem
from tests.app.holding import HoldingHouse, clock_for, open_holding
from tests.app.house import ACCESS, House, open_house, shop_files
from tests.core.outsiders import OUTSIDERS, tiles_in
from tests.core.trees import flipped
from tests.databases import database_url, sqlite_url
from tests.logged import alter

__all__ = ["database_url", "sqlite_url"]

WAIT_SECONDS = 30


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Door]:
    """The door of a shop, on each database in turn."""
    with open_house(tmp_path, database_url) as house:
        yield Door(TestClient(create_app(house.services), raise_server_exceptions=False), house)


@pytest.fixture
def still(tmp_path: Path, sqlite_url: str) -> Iterator[Door]:
    """The door of a shop where time stands still, so nothing is published after the start."""
    with clock_for(sqlite_url) as clock, open_holding(tmp_path, sqlite_url, clock) as house:
        published(house, 1)
        yield Door(TestClient(create_app(house.services), raise_server_exceptions=False), house)


def until(holds: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(WAIT_SECONDS * 20):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError("it never came about")


def published(house: House, size: int | None = None) -> int:
    """Wait until so many entries are published, or all that there are; how many are."""
    wanted = len(house.entries()) if size is None else size
    state = house.services.log_keeper
    until(lambda: (state.state.published or 0) >= wanted)
    return state.state.published or 0


def checkpoint(door: Door) -> Checkpoint:
    """The served checkpoint, once both of others' verifiers have accepted it."""
    note = door.client.get("/checkpoint").content
    key = door.client.get("/v1/log/key").json()["key"]
    found = parse_checkpoint(parse_note(note).text)
    for outsider in OUTSIDERS:
        assert outsider.checkpoint(note, key) == (found.origin, found.size, found.root)
        assert outsider.checkpoint(flipped(note, 20, 1), key) is None
    return found


def download(door: Door, size: int, folder: Path) -> None:
    """Every tile and bundle of a size, as files."""
    paths = [tile.path for tile in tiles_of(size)] + [bundle.path for bundle in bundles_of(size)]
    for path in paths:
        served = door.client.get(f"/{path}", headers=door.headers("audra"))
        assert served.status_code == 200, path
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(served.content)


def test_others_verify_what_is_served(either: Door, tmp_path: Path) -> None:
    """Checkpoint, tiles, bundles and proofs, from a real service, on both databases."""
    keys = either.house.services.keys
    for number in range(300):
        keys.create(subject=f"clerk-{number}", by="test")
    either.headers("audra")
    either.propose()
    published(either.house)
    found = checkpoint(either)
    download(either, found.size, tmp_path)
    reader = tiles_in(tmp_path, found.size)
    assert reader.calculate_root_hash() == found.root
    for entry in either.house.entries()[:3]:
        receipt = parse_tlog_proof(either.get(f"/v1/log/{entry.id}/proof", person="audra").content)
        assert reader.get_entry(receipt.index) == entry.body
        theirs = reader.get_inclusion_proof(receipt.index, found.size)
        assert tuple(theirs.node_hashes) == receipt.hashes
        proven = (receipt.index, found.size, entry.leaf, receipt.hashes, found.root)
        assert all(outsider.inclusion(*proven) for outsider in OUTSIDERS)


def test_a_receipt_verifies_offline_and_for_its_entry_alone(door: Door) -> None:
    """The bytes of the entry, the receipt, the origin and the key are all it takes."""
    answer = door.post("/v1/resolutions?wait=published", PROPOSAL).json()
    receipt = door.get(f"/v1/log/{answer['entry']['id']}/proof", person="audra")
    assert receipt.headers["content-type"] == "text/plain; charset=utf-8"
    entry = door.get(f"/v1/log/{answer['entry']['id']}", person="audra").json()["bytes"].encode()
    served = door.client.get("/v1/log/key").json()
    keys, proof = [parse_verifier_key(served["key"])], parse_tlog_proof(receipt.content)
    said = proof.verify(entry, origin=served["origin"], keys=keys, verify=verify_ed25519)
    assert said.size > proof.index
    assert leaf_hash(entry).hex() == answer["entry"]["leaf"]
    with pytest.raises(ValueError, match="not at"):
        proof.verify(entry + b" ", origin=served["origin"], keys=keys, verify=verify_ed25519)


PROPOSAL = {
    "site": "main",
    "resolution": "credit",
    "amount": "50.00",
    "facts": {"guest": {"id": "G-1"}, "stay": {"id": "S-1"}},
}


def test_an_answer_may_wait_for_its_checkpoint(door: Door) -> None:
    """The same body, a little later, under a checkpoint; a header says so."""
    key = {"Idempotency-Key": "k1"}
    waited = door.post("/v1/resolutions?wait=published", PROPOSAL, headers=key)
    assert (waited.status_code, waited.headers["log-published"]) == (201, "true")
    entry = waited.json()["entry"]["id"]
    assert door.get(f"/v1/log/{entry}/proof", person="audra").status_code == 200
    at_once = door.post("/v1/resolutions", PROPOSAL, headers=key)
    assert at_once.content == waited.content
    assert "log-published" not in at_once.headers


def test_whoever_waited_too_long_is_answered_all_the_same(still: Door) -> None:
    """What was decided is told, with a header that says that no checkpoint covers it."""
    body = still.propose().content
    waiting = published_header(still.house.services, body, seconds=0)
    assert asyncio.run(waiting) == (b"log-published", b"false")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("wait=yes", "invalid_parameter"),
        ("wait=published&wait=published", "invalid_parameter"),
        ("await=published", "unknown_parameter"),
    ],
)
def test_no_other_parameter_is_taken_with_a_proposal(door: Door, query: str, code: str) -> None:
    """A misspelt wait is never taken for none, and nothing is decided."""
    assert_problem(door.post(f"/v1/resolutions?{query}", PROPOSAL), 400, code)
    assert door.house.entries(kind="decision") == []


def test_what_is_not_published_has_no_receipt(still: Door) -> None:
    """Nor are its tile and its bundle served; they are once a checkpoint covers it."""
    size = checkpoint(still).size
    entry = still.propose().json()["entry"]["id"]
    before = still.client.get("/checkpoint").content
    problem = assert_problem(
        still.get(f"/v1/log/{entry}/proof", person="audra"), 409, "not_published"
    )
    assert "ask again" in problem["remedy"]
    for path in (f"/tile/0/000.p/{size + 1}", f"/tile/entries/000.p/{size + 1}"):
        assert_problem(still.get(path, person="audra"), 404, "no_tile")
    assert isinstance(still.house, HoldingHouse)
    still.house.wait(seconds=1)
    published(still.house, size + 1)
    assert still.client.get("/checkpoint").content != before
    assert still.get(f"/v1/log/{entry}/proof", person="audra").status_code == 200


def test_hashes_are_for_everybody_and_entries_are_not(door: Door) -> None:
    """Without a key one gets checkpoints, tiles and the verifier key, and no entry."""
    size = published(door.house)
    for path in ("/checkpoint", f"/tile/0/000.p/{size}", "/v1/log/key"):
        assert door.client.get(path).status_code == 200
    bundle = f"/tile/entries/000.p/{size}"
    assert_problem(door.client.get(bundle), 401, "unauthenticated")
    assert_problem(door.get(bundle, person="ana"), 403, "not_permitted")
    assert_problem(door.get("/v1/log/checkpoints", person="ana"), 403, "not_permitted")
    entry = door.house.entries(kind="policy")[0].id
    assert_problem(door.get(f"/v1/log/{entry}/proof", person="ana"), 404, "no_entry")
    data = door.get(bundle, person="audra").content
    bodies = [found.body for found in door.house.entries()]
    assert set(parse_bundle(data, size)) <= set(bodies)


def test_an_auditor_of_one_site_gets_no_bundle(door: Door) -> None:
    """It would hold the entries of all, but the checkpoints are theirs to compare."""
    files = shop_files(access=ACCESS + "g, nora, auditor, main\n")
    assert door.house.services.publisher.publish(compile_files(files), by="test")
    size = published(door.house)
    refused = assert_problem(
        door.get(f"/tile/entries/000.p/{size}", person="nora"), 403, "not_permitted"
    )
    assert "every site" in refused["remedy"]
    assert door.get("/v1/log/checkpoints", person="nora").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("0/0", "0/00", "0/0000", "0/000.p/0", "0/000.p/01", "0/000.p/256", "0/000.p/257"),
        *("00/000", "01/000", "64/000", "-1/000", "a/000", "0/x000/000", "0/000/000", "0/000/"),
        *("0/%30%30%30", "0/000.p", "0/000.p/", "000", "", "entries/0", "entries/000.p/300"),
        *("0/" + "x999/" * 20 + "000", "0/999", "entries/999"),
    ],
)
def test_only_exact_paths_name_a_tile(door: Door, path: str) -> None:
    """What is written otherwise than C2SP says, or names what is not there, is not found."""
    published(door.house, 1)
    assert door.get(f"/tile/{path}", person="audra").status_code == 404


def test_what_never_changes_may_be_kept_for_ever(door: Door) -> None:
    """Full tiles and bundles; bundles by the auditor alone. A checkpoint is soon old."""
    for number in range(260):
        door.house.services.keys.create(subject=f"clerk-{number}", by="test")
    published(door.house)

    def lasts(path: str) -> str:
        served = door.get(path, person="audra")
        assert served.status_code == 200
        return str(served.headers["cache-control"])

    assert lasts("/checkpoint") == "public, max-age=1"
    assert lasts("/tile/0/000") == "public, max-age=31536000, immutable"
    assert lasts("/tile/entries/000") == "private, max-age=31536000, immutable"
    assert lasts("/tile/0/000.p/7") == "public, max-age=60"
    full, part = door.client.get("/tile/0/000").content, door.client.get("/tile/0/000.p/7").content
    assert (len(full), part) == (8192, full[: 7 * 32])


def test_kept_checkpoints_are_listed_and_consistent(door: Door) -> None:
    """Page by page, newest first; each is a beginning of every later one."""
    for _ in range(3):
        door.post("/v1/resolutions?wait=published", PROPOSAL)
    newest = door.get("/v1/log/checkpoints", person="audra", limit="1").json()
    rest = door.get("/v1/log/checkpoints", person="audra", after=newest["next"]).json()
    listed = [*newest["checkpoints"], *rest["checkpoints"]]
    numbers = [found["number"] for found in listed]
    assert numbers == list(range(len(listed), 0, -1))
    assert len(listed) >= 3
    assert rest["next"] is None
    key = door.client.get("/v1/log/key").json()["key"]
    for found in listed:
        for outsider in OUTSIDERS:
            read = outsider.checkpoint(found["note"].encode(), key)
            assert read is not None
            assert read[:2] == (found["origin"], found["size"])


def test_the_keys_of_the_log_are_told(door: Door) -> None:
    """With the entry that announced each."""
    told = door.client.get("/v1/log/key").json()
    (entry,) = door.house.entries(kind="signing_key")
    assert [(found["key"], found["entry"]) for found in told["keys"]] == [(told["key"], entry.id)]
    body = orjson.loads(entry.body)
    assert (body["key"], body["origin"], body["before"]) == (told["key"], "localhost/remit", None)


def test_readiness_says_how_far_the_log_is_published_and_why_no_further(
    door: Door, sqlite_url: str
) -> None:
    """An alarm is shown, decisions go on, and nothing more is signed."""
    size = published(door.house)
    told = door.client.get("/readyz").json()
    assert told["log"] == {"published": size, "alarm": None, "posted": None}
    alter(sqlite_url, "UPDATE log_extent SET boundary = boundary - 1")
    until(lambda: door.client.get("/readyz").json()["log"]["alarm"] is not None)
    before = door.client.get("/checkpoint").content
    assert door.propose().status_code == 201
    ready = door.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["log"]["alarm"]["code"] == "log_shrunk"
    assert "remit audit restart" in ready.json()["log"]["alarm"]["remedy"]
    assert door.client.get("/checkpoint").content == before


def test_proofs_are_ours_to_make_from_what_is_served(door: Door, tmp_path: Path) -> None:
    """The receipt is the proof that anybody computes from the tiles."""
    door.post("/v1/resolutions?wait=published", PROPOSAL)
    found = checkpoint(door)
    download(door, found.size, tmp_path)
    hashes = tiles_in(tmp_path, found.size)
    entry = door.house.entries(kind="decision")[0]
    receipt = parse_tlog_proof(door.get(f"/v1/log/{entry.id}/proof", person="audra").content)
    said = parse_checkpoint(parse_note(receipt.checkpoint).text)
    proof = prove_inclusion(
        receipt.index,
        said.size,
        lambda level, index: _node(hashes.get_entry, level, index),
    )
    proof.verify(entry.leaf, said.root)
    assert proof.hashes == receipt.hashes


def _node(entry: Callable[[int], bytes], level: int, index: int) -> bytes:
    """The hash of a complete subtree, from the entries of the bundles."""
    if level == 0:
        return leaf_hash(entry(index))
    left, right = (_node(entry, level - 1, 2 * index + side) for side in (0, 1))
    return node_hash(left, right)
