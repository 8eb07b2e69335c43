"""How many decisions a second ``remit decide`` makes on one core, and whether memory stays flat.

A seeded stream of a hotel (nine of ten proposals are approved) is parsed, decided under
``policies/hotel`` with its four budgets, and rendered. Run: python -m bench.decide
"""

import argparse
import json
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from service.app.decide import Decider
from service.app.line import LineReader
from service.cli.decide import collect_seldom
from service.core.answer import answer_of
from service.core.budget import Balance, BudgetKey
from service.core.evaluate import evaluate
from service.core.proposal import read_proposal
from service.core.rulebook import Rulebook
from service.policyfile.folder import read_folder
from service.policyfile.load import load_rulebook

MUST_PER_SECOND = 30_000
SEED = 20_260_301
GUESTS = 20_000
BLOCK = 100  # about what a pipe hands over at once
RESOLUTIONS = {
    "goodwill_credit": 74,
    "late_checkout": 15,
    "comp_night": 4,
    "legal_refund": 6,
    "cash": 1,
}
AMOUNTS = {
    "5.00": 9,
    "8.50": 9,
    "10.00": 9,
    "12.00": 9,
    "20.00": 9,
    "40.00": 3,
    "150.00": 1,
    "600.00": 1,
}


def lines(count: int) -> Iterator[bytes]:
    """Proposals of two houses in order of time, the same for the same count."""
    draw = random.Random(SEED)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(count):
        at += timedelta(seconds=draw.randint(20, 1_500))
        agent = {
            "id": f"agent-{draw.randrange(60)}",
            "kind": "human",
            "roles": ["front_desk"] if draw.random() < 0.9 else ["duty_manager"],
        }
        line = {"at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "agent": agent, "request": proposal(draw)}
        yield json.dumps(line, separators=(",", ":")).encode()


def proposal(draw: random.Random) -> dict[str, Any]:
    guest = draw.randrange(GUESTS)
    (resolution,) = draw.choices(list(RESOLUTIONS), list(RESOLUTIONS.values()))
    (amount,) = draw.choices(list(AMOUNTS), list(AMOUNTS.values()))
    owed = {"refund_due": amount} if resolution == "legal_refund" else {}
    size = {"quantity": 1} if resolution in {"late_checkout", "comp_night"} else {"amount": amount}
    return {
        "site": draw.choice(["new_york", "vienna"]),
        "resolution": resolution,
        **size,
        "note": "AC broken until 2 am",
        "channel": "front_desk",
        "facts": {
            "guest": {"id": f"G-{guest}", "tier": draw.choice(["member", "silver", "gold"])},
            "stay": {"id": f"S-{guest}", "nightly_rate": "320.00", "total": "960.00", **owed},
            "incident": {"severity": draw.randint(1, 5)},
        },
    }


def resident_mib() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def run(rulebook: Rulebook, count: int) -> float:
    """Decide the whole stream; print the rate and the memory. Returns decisions a second."""
    decider = Decider(rulebook)
    outcomes: Counter[str] = Counter()
    spent, tenth = 0.0, 0.0
    for done, block in enumerate(_blocks(lines(count), BLOCK), start=1):
        began = time.process_time()
        answers = decider.answers(block)
        spent += time.process_time() - began
        outcomes.update(orjson.loads(answer)["outcome"] for answer in answers)
        if done * BLOCK == count // 10 // BLOCK * BLOCK:
            tenth = resident_mib()
    print("outcomes           ", dict(outcomes.most_common()))
    print(f"memory              {tenth:.1f} MiB at 10 %, {resident_mib():.1f} MiB at 100 %")
    print(f"whole               {spent / count * 1e6:.1f} µs")
    print(f"decisions/s         {count / spent:,.0f} (must be {MUST_PER_SECOND:,})")
    return count / spent


def stages(rulebook: Rulebook, count: int) -> None:
    """Print what each stage takes, in µs a decision: the best of some rounds over some lines."""
    sample = list(lines(count))
    best: dict[str, float] = {}
    for _ in range(5):
        for name, seconds in _round(rulebook, sample).items():
            best[name] = min(seconds, best.get(name, seconds))
    for name, seconds in best.items():
        print(f"{name:<20}{seconds / count * 1e6:.1f} µs")


def _round(rulebook: Rulebook, sample: list[bytes]) -> dict[str, float]:
    """Each stage over the whole sample, one after the other."""
    spent: dict[str, float] = {}
    clock = time.process_time
    began = clock()
    for line in sample:
        orjson.loads(line)
    spent["JSON alone"] = clock() - began
    reader = LineReader(rulebook)
    began = clock()
    read = [reader.read(line) for line in sample]
    spent["read line"] = clock() - began
    began = clock()
    requests = [read_proposal(rulebook, one.proposal, one.agent) for one in read]
    spent["read proposal"] = clock() - began
    balances: dict[BudgetKey, Balance] = {}
    decisions = []
    began = clock()
    for one, request in zip(read, requests, strict=True):
        decision = evaluate(rulebook, request, balances, one.at)
        for reading in decision.readings:
            if reading.charged:
                balances[reading.key] = reading.after
        decisions.append(decision)
    spent["evaluate"] = clock() - began
    began = clock()
    for one, decision in zip(read, decisions, strict=True):
        orjson.dumps(answer_of(rulebook, decision, one.at, state="settled"))
    spent["render"] = clock() - began
    return spent


def _blocks(stream: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    for line in stream:
        block.append(line)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=Path, default=Path("policies/hotel"))
    parser.add_argument("--count", type=int, default=200_000)
    options = parser.parse_args()
    rulebook = load_rulebook(read_folder(options.policies))
    collect_seldom()
    stages(rulebook, 5_000)
    return 0 if run(rulebook, options.count) >= MUST_PER_SECOND else 1


if __name__ == "__main__":
    raise SystemExit(main())
