"""The diff of two sets of 1,000 and of 10,000 grants, of which a few differ.

Five grants name each resolution, with a tier and a severity in every condition; ten of all
grants differ, in their limit or their condition. Loading the sets is not counted. Times are
CPU time, so that a busy machine does not count.

    python -m bench.diff
"""

import gc
import time

from bench.evaluate import conditions, resolutions
from bench.table import Table
from service.core.rulebook import Rulebook
from service.policyfile.access import Access
from service.policyfile.diff import Side, compare
from service.policyfile.load import load_rulebook

SIZES = (1_000, 10_000)
DIFFERING = 10
MUST_MS_PER_1_000 = 10
ROUNDS = 15


def main() -> int:
    table = Table("grants", "differ", "changes found", "best ms", "must be, ms", "holds")
    holds = True
    for size in SIZES:
        old, new = side(size, changed=False), side(size, changed=True)
        samples = []
        gc.collect()
        gc.freeze()  # the sets stay; to look through them again is no work of the comparison
        for _ in range(ROUNDS):
            began = time.process_time()
            compare(old, new)
            samples.append((time.process_time() - began) * 1e3)
        took, must = min(samples), MUST_MS_PER_1_000 * size / 1_000
        changes = len(compare(old, new).authority.changes)
        table.row(size, DIFFERING, changes, f"{took:.1f}", f"{must:.0f}", took <= must)
        holds = holds and took <= must
    table.print()
    return 0 if holds else 1


def side(size: int, *, changed: bool) -> Side:
    return Side(rulebook=rulebook(size, changed=changed), access=Access())


def rulebook(size: int, *, changed: bool) -> Rulebook:
    """The set; where it is ``changed``, every so many grants give more or to others."""
    names = resolutions(size)
    lines = [
        "remit: 1\nname: bench\ncurrency: USD\ntimezone: UTC",
        "roles: {front_desk: {reports_to: duty_manager}, duty_manager: {}}",
        "facts:",
        "  guest.tier: {type: choice, of: [member, silver, gold]}",
        "  incident.severity: {type: integer, from: 1, to: 5}",
        "resolutions:",
        *(f"  {name}: {{}}" for name in names),
        "grants:",
    ]
    every = len(names) // DIFFERING
    for place, name in enumerate(names):
        for number, (tier, least) in enumerate(conditions()):
            nth, differs = divmod(place, every)
            differs = changed and differs == 0 and number == nth % len(conditions())
            limit = 100 * number + 100 + (50 if differs and nth < DIFFERING // 2 else 0)
            severity = least + 1 if differs and nth >= DIFFERING // 2 else least
            lines.append(
                f"  - {{id: {name}-{number}, role: front_desk, may: [{name}], up_to: {limit}, "
                f"when: 'guest.tier == \"{tier}\" && incident.severity >= {severity}'}}"
            )
    return load_rulebook({"bench.yaml": "\n".join(lines).encode()})


if __name__ == "__main__":
    raise SystemExit(main())
