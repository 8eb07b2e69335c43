"""A process that dies while it integrates or publishes leaves a log that goes on."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from service.adapters.clock import SystemClock
from service.adapters.sql.store import open_database
from service.app.checkpoints import SPACING
from service.core.checkpoint import parse_checkpoint
from service.core.merkle import leaf_hash, tree_root
from service.core.note import parse_note
from service.core.proof import prove_consistency
from tests.attack.audited import audited
from tests.attack.clients import Wish
from tests.attack.policy import proposal
from tests.attack.replicas import ROOT, Replica
from tests.attack.target import Target
from tests.core.outsiders import OUTSIDERS
from tests.core.trees import node_of
from tests.fakes.clock import FakeClock
from tests.logged import ORIGIN, SEED, Logged, rows, sign_with

KEY = sign_with(SEED)(ORIGIN).verifier_key.encoded()
WAIT_SECONDS = 60
DECISIONS = 600


def test_a_crash_at_any_step_loses_nothing(database_url: str, tmp_path: Path) -> None:
    """Each step in turn, with new entries before each: at the end everything is published once."""
    command = [sys.executable, "-m", "tests.attack.dying", database_url, str(tmp_path / "copy")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip().isdecimal(), done.stdout + done.stderr
    died = int(done.stdout)
    assert died > 20, "hardly anything was interrupted"
    with open_database(database_url, SystemClock()) as store:
        log = Logged(store, FakeClock(), database_url, tmp_path / "copy")
        time.sleep(SPACING.total_seconds())
        log.integrator.integrate()
        log.publisher.publish()
        verify(log, 1 + 62 * (died + 1))
        assert log.last().size == 1 + 62 * (died + 1)


def verify(log: Logged, size: int) -> None:
    """Every entry has one index, and others accept every checkpoint and each after the other."""
    with log.store.read() as reader:
        assert not reader.log.is_waiting()
        hashes = [leaf_hash(body) for body in reader.log.bodies(0, size + 1)]
    assert len(hashes) == len(set(hashes)) == size
    ((entries,),) = rows(log.url, "SELECT count(*) FROM entries")
    assert entries == size
    found = log.checkpoints()[::-1]
    assert [record.number for record in found] == list(range(1, len(found) + 1))
    for record in found:
        root = tree_root(hashes[: record.size])
        for outsider in OUTSIDERS:
            assert outsider.checkpoint(record.note, KEY) == (ORIGIN, record.size, root)


# ── The service, killed at work ──


def test_replicas_that_are_killed_publish_every_entry_once(target: Target) -> None:
    """Three of them integrate and publish at once, two die on the way; others verify the rest."""
    site = target.new_site()
    wishes = [
        Wish(body=proposal(site, f"{site}-{n % 60}", "1.00"), key=f"{site}-{n}")
        for n in range(DECISIONS)
    ]
    running = target.begin(wishes, processes=2, threads=4)
    for replica in target.replicas[:2]:
        time.sleep(0.8)
        replica.kill()
        replica.launch()
    for replica in target.replicas[:2]:
        replica.wait()
    assert {outcome.status for outcome in target.end(running)} == {201}
    verified(target)


def test_the_one_process_on_sqlite_goes_on_with_its_log(alone: Target) -> None:
    """Killed at work and started again, it publishes what it had not."""
    site = alone.new_site()
    wishes = [
        Wish(body=proposal(site, f"{site}-{n % 60}", "1.00"), key=f"{site}-{n}") for n in range(200)
    ]
    running = alone.begin(wishes, threads=4)
    time.sleep(0.9)
    alone.replicas[0].kill()
    alone.replicas[0].start()
    assert {outcome.status for outcome in alone.end(running)} == {201}
    verified(alone)


def verified(target: Target) -> None:
    """Wait until all is published, and have every kept checkpoint read by others' verifiers."""
    replica = target.replicas[0]
    ((entries,),) = rows(target.database, "SELECT count(*) FROM entries")
    size = int(str(entries))
    await_published(replica, size)
    key = str(replica.get("/v1/log/key")[1]["key"])
    found = rows(
        target.database,
        "SELECT e.body FROM log_leaves l JOIN entries e ON e.id = l.entry ORDER BY l.leaf_index",
    )
    hashes = [leaf_hash(body) for (body,) in found if isinstance(body, bytes)]
    assert len(hashes) == len(set(hashes)) == size
    notes = rows(target.database, "SELECT note FROM log_checkpoints ORDER BY number")
    sizes = [0]
    for (note,) in notes:
        assert isinstance(note, bytes)
        said = parse_checkpoint(parse_note(note).text)
        assert said.size >= sizes[-1]
        assert said.root == tree_root(hashes[: said.size])
        accepted = [outsider.checkpoint(note, key) for outsider in OUTSIDERS]
        assert accepted == [(said.origin, said.size, said.root)] * len(OUTSIDERS)
        sizes.append(said.size)
    grew(hashes, sizes[len(sizes) // 2], size)
    assert audited(target) == []


def grew(hashes: list[bytes], old: int, new: int) -> None:
    """Others accept that the log of one size grew into that of another."""
    proof = prove_consistency(old, new, node_of(hashes))
    roots = tree_root(hashes[:old]), tree_root(hashes)
    assert all(outsider.consistency((old, new), proof.hashes, roots) for outsider in OUTSIDERS)


def await_published(replica: Replica, size: int) -> None:
    """Wait until a replica tells that so many entries are published, and of no alarm."""
    deadline = time.monotonic() + WAIT_SECONDS
    told: dict[str, Any] = {}
    while time.monotonic() < deadline:
        told = replica.get("/readyz")[1]["log"]
        assert told["alarm"] is None
        if (told["published"] or 0) >= size:
            return
        time.sleep(0.1)
    pytest.fail(f"of {size} entries {told} are published")
