"""How many entries a second ``remit audit verify`` hashes, understands and adds up anew.

A synthetic log of a hotel (four budgets an entry, one of them rolling, about 1,900 bytes)
is verified from a folder. Measured against what cannot be avoided: to read each entry's
bytes and hash them, in one process. Run: python -m bench.verify
"""

import argparse
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from service.audit.source import FolderSource, read_bundle
from service.audit.tiles import WIDTH, width_of
from service.audit.verify import verify
from service.core.merkle import leaf_hash
from tests.audit.ledger import Cap, Json, Ledger, written
from tests.audit.logs import KEY, write_log

AIM_PER_SECOND = 100_000
SEED = 20_260_301
CAPS = (
    Cap(name="guest-stay", limit=10**9),
    Cap(name="shift", limit=10**12, daily=True),
    Cap(name="house", limit=10**12, daily=True),
    Cap(name="repeat", limit=10**6, counts=True, within_days=90),
)
DIGEST = "sha256:" + "5a" * 32
FILLER: Json = {
    "authority": {"grant": "small-gesture", "role": "front_desk"},
    "by": {"id": "ana", "key": "key_01kjnk6v40vtx1wjegejv6tvkn", "kind": "human", "owner": None},
    "counter_offer_minor": None,
    "escalate_to": None,
    "escalation": None,
    "evaluator": 1,
    "missing": [],
    "policy": {"rules": DIGEST, "version": DIGEST},
    "proposal": {
        "agent": {"id": "ana", "kind": "human", "owner": None, "roles": ["front_desk"]},
        "amount_minor": 4_000,
        "channel": "front_desk",
        "currency": "USD",
        "evidence": [],
        "facts": {"guest.tier": "gold", "stay.id": "S-88", "stay.nightly_rate": "320.00"},
        "note": True,
        "personal": ["guest.id"],
        "quantity": None,
        "rate": None,
        "reason": None,
        "resolution": "goodwill_credit",
        "site": "new_york",
        "unavailable": [],
    },
    "reasons": [
        {"code": "within_limits", "parameters": {}, "role": "front_desk", "rule": "small-gesture"}
    ],
    "reasons_more": 0,
    "without_escalation_up_to_minor": 10_000,
}


def entries(count: int) -> Iterator[bytes]:
    """An honest log: a third as many guests as entries, forty agents, one house."""
    draw, ledger = random.Random(SEED), Ledger(FILLER)
    for _ in range(count):
        ledger.wait(seconds=7)
        guest = f"g{draw.randrange(count // 3 + 1)}"
        keys = (guest, f"a{draw.randrange(40)}", "h", guest)
        ledger.approve(draw.randint(100, 9_000), keys, caps=CAPS)
        yield from written(ledger.entries)
        ledger.entries.clear()


def hashed(folder: Path, size: int) -> float:
    """Seconds to read and hash every entry, and nothing else."""
    source, begun = FolderSource(folder), time.perf_counter()
    for begin in range(0, size, WIDTH):
        for data in read_bundle(source, begin // WIDTH, width_of(0, begin // WIDTH, size)):
            leaf_hash(data)
    return time.perf_counter() - begun


def verified(folder: Path, processes: int) -> float:
    begun = time.perf_counter()
    report = verify(FolderSource(folder), [KEY], processes=processes)
    took = time.perf_counter() - begun
    if not report.holds:
        raise SystemExit(f"an honest log does not hold: {report.findings[0]}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000)
    count: int = parser.parse_args().entries
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = write_log(Path(name), list(entries(count)))
        floor = hashed(folder, count)
        print(f"{'only read and hashed':<28} {count / floor:>10,.0f} entries/s")
        alone, together = count / verified(folder, 0), count / verified(folder, cores)
        print(f"{'verified, one process':<28} {alone:>10,.0f} entries/s")
        print(f"{f'verified, {cores} more':<28} {together:>10,.0f} entries/s")
        aim = "reached" if together >= AIM_PER_SECOND else "missed"
    print(f"The aim of {AIM_PER_SECOND:,} entries/s on two cores is {aim} (here: {cores}).")


if __name__ == "__main__":
    main()
