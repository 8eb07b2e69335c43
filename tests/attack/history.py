"""What must hold of a history: what callers were told, against what the database keeps.

Every change of a budget row carries the row's next version, so a history states its own
order and nothing has to be searched: each check looks at each line once or twice, and
the whole takes time in proportion to the history.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

FAULTS_SHOWN_MAX = 40


class Line(NamedTuple):
    """What one entry says of one budget row: ``before + charged = after``.

    ``version`` is the one it made where it ``changed`` the row, else the one it read.
    """

    entry: str
    row: str
    budget: str
    version: int
    limit: int
    charged: int
    before: int
    after: int
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log. ``leaf`` is the hash of its bytes, computed by the reader.

    ``seals`` is whether it commits to values that are kept elsewhere.
    """

    id: str
    kind: str
    about: str
    outcome: str | None
    leaf: str
    policy: str | None
    seals: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What the database keeps of one resolution. ``answer`` is the outcome in its answer."""

    id: str
    entry: str
    outcome: str
    answer: str
    escalation: str | None


class Row(NamedTuple):
    """A budget row as it stands."""

    name: str
    budget: str
    used: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything that a database holds. ``sealed`` are the entries that have openings."""

    entries: Mapping[str, Entry]
    resolutions: Mapping[str, Resolution]
    rows: Mapping[str, Row]
    escalations: frozenset[str] = frozenset()
    sealed: frozenset[str] = frozenset()
    answered: Mapping[str, str] = field(default_factory=dict)
    """Idempotency keys, as they are stored, to the resolution they stand for."""
    unanswered: frozenset[str] = frozenset()
    """Idempotency keys without an answer: nobody may ever find one."""


class Told(NamedTuple):
    """A decision that was acknowledged. The instants are seconds of one monotonic clock.

    ``sent_at`` is when the caller first asked, ``answered_at`` when it first knew.
    """

    resolution: str
    entry: str
    leaf: str
    outcome: str
    policy: str
    key: str | None
    sent_at: float
    answered_at: float
    charged: tuple[tuple[str, int], ...]
    """Budget and version of each row that was charged."""


Faults: TypeAlias = Iterator[str]


def faults(told: Sequence[Told], kept: Kept, *, rolling: Collection[str] = ()) -> list[str]:
    """Everything that does not hold, in sentences; an empty list where all holds.

    ``rolling`` are the budgets whose charges age: what they had used may shrink by itself.
    """
    rows = _by_row(kept)
    found = [
        *_versions(rows),
        *_sums(rows, rolling),
        *_limits(kept),
        *_standing(rows, kept, rolling),
        *_whole(kept),
        *_present(told, kept),
        *_once(told),
        *_order(told, rows, kept),
    ]
    return found[:FAULTS_SHOWN_MAX]


class _History(NamedTuple):
    """The lines of one row: ``changes[n - 1]`` made version n; ``reads`` changed nothing."""

    changes: list[list[Line]]
    reads: list[Line]
    strays: list[Line]


def _by_row(kept: Kept) -> dict[str, _History]:
    counts: dict[str, int] = defaultdict(int)
    for entry in kept.entries.values():
        for line in entry.lines:
            counts[line.row] += line.changed
    rows = {row: _History([[] for _ in range(changes)], [], []) for row, changes in counts.items()}
    for entry in kept.entries.values():
        for line in entry.lines:
            history = rows[line.row]
            if not line.changed:
                history.reads.append(line)
            elif 1 <= line.version <= len(history.changes):
                history.changes[line.version - 1].append(line)
            else:
                history.strays.append(line)
    return rows


def _versions(rows: Mapping[str, _History]) -> Faults:
    """Versions are 1, 2, 3 …: none twice, none left out."""
    for row, history in rows.items():
        for number, lines in enumerate(history.changes, start=1):
            if len(lines) != 1:
                yield f"{row}: version {number} was made {len(lines)} times"
        for line in history.strays:
            yield f"{row}: {line.entry} made version {line.version} of {len(history.changes)}"
        for line in history.reads:
            if not 0 <= line.version <= len(history.changes):
                yield f"{row}: {line.entry} read version {line.version}, which nobody made"


def _sums(rows: Mapping[str, _History], rolling: Collection[str]) -> Faults:
    """Every change begins where the one before it ended, and adds what it charged."""
    for row, history in rows.items():
        used = [0, *(lines[0].after if lines else 0 for lines in history.changes)]
        for line in [*(line for lines in history.changes for line in lines), *history.reads]:
            if line.before + line.charged != line.after:
                yield f"{row}: {line.entry} adds {line.charged} to {line.before}: {line.after}"
            stood = line.version - 1 if line.changed else line.version
            if not 0 <= stood < len(used):
                continue
            ages = line.budget in rolling
            if line.before > used[stood] if ages else line.before != used[stood]:
                yield f"{row}: {line.entry} found {line.before} where {used[stood]} was used"


def _limits(kept: Kept) -> Faults:
    """Nothing was charged beyond the limit."""
    for entry in kept.entries.values():
        for line in entry.lines:
            if line.charged > 0 and line.after > line.limit:
                yield f"{line.row}: {entry.id} left {line.after} used of {line.limit}"


def _standing(rows: Mapping[str, _History], kept: Kept, rolling: Collection[str]) -> Faults:
    """What stands in the budget rows is what the entries add up to."""
    for name, history in rows.items():
        if name not in kept.rows:
            yield f"{name}: entries name a row that is not there"
            continue
        row, changes = kept.rows[name], [line for lines in history.changes for line in lines]
        if row.version != len(changes):
            yield f"{name}: stands at version {row.version} after {len(changes)} changes"
        total = sum(line.charged for line in changes)
        if row.used > total if row.budget in rolling else row.used != total:
            yield f"{name}: has {row.used} used, and its entries add up to {total}"
    for name in kept.rows.keys() - rows.keys():
        if kept.rows[name].used or kept.rows[name].version:
            yield f"{name}: was charged, and no entry says so"


def _whole(kept: Kept) -> Faults:
    """No resolution without its entry, no entry without its resolution, nothing half there."""
    yield from _whole_resolutions(kept)
    for entry in kept.entries.values():
        if entry.kind == "decision":
            yield from _whole_decision(entry, kept)
        if entry.seals != (entry.id in kept.sealed):
            yield f"{entry.id}: what it commits to is not what has openings"
    yield from _whole_keys(kept)


def _whole_resolutions(kept: Kept) -> Faults:
    for found in kept.resolutions.values():
        entry = kept.entries.get(found.entry)
        if entry is None or entry.about != found.id:
            yield f"{found.id}: has no entry {found.entry}"
        if found.escalation is not None and found.escalation not in kept.escalations:
            yield f"{found.id}: has no escalation {found.escalation}"


def _whole_keys(kept: Kept) -> Faults:
    for key in kept.unanswered:
        yield f"the idempotency key {key[:8]}… was taken and never answered"
    for key, resolution in kept.answered.items():
        if resolution not in kept.resolutions:
            yield f"the idempotency key {key[:8]}… answers with {resolution}, which is not there"


def _whole_decision(entry: Entry, kept: Kept) -> Faults:
    found = kept.resolutions.get(entry.about)
    if found is None or found.entry != entry.id:
        yield f"{entry.id}: has no resolution {entry.about}"
    elif found.escalation is None and not entry.outcome == found.outcome == found.answer:
        yield f"{entry.id}: says {entry.outcome}, {found.id} is {found.outcome}, {found.answer}"
    if entry.outcome != "approved" and any(line.charged for line in entry.lines):
        yield f"{entry.id}: is {entry.outcome} and charged"
    if entry.outcome == "approved" and not any(line.charged for line in entry.lines):
        yield f"{entry.id}: is approved and charged nothing"


def _present(told: Sequence[Told], kept: Kept) -> Faults:
    """Whatever was acknowledged is there, as it was told."""
    for one in told:
        entry = kept.entries.get(one.entry)
        if entry is None or one.resolution not in kept.resolutions:
            yield f"{one.resolution}: was acknowledged and is not there"
            continue
        charged = sorted((line.budget, line.version) for line in entry.lines if line.changed)
        stands = entry.about, entry.leaf, entry.outcome, entry.policy
        if stands != (one.resolution, one.leaf, one.outcome, one.policy):
            yield f"{one.resolution}: {one.outcome} was told, and {entry.outcome} is kept"
        elif charged != sorted(one.charged):
            yield f"{one.resolution}: {sorted(one.charged)} was told, and {charged} is kept"


def _once(told: Sequence[Told]) -> Faults:
    """One idempotency key is one decision, however often and wherever it was sent."""
    first: dict[str, str] = {}
    for one in told:
        if one.key is not None and first.setdefault(one.key, one.resolution) != one.resolution:
            yield f"the key {one.key} got {first[one.key]} and {one.resolution}"


def _order(told: Sequence[Told], rows: Mapping[str, _History], kept: Kept) -> Faults:
    """Who was answered before another asked comes before it in every row that both touched."""
    known = _spans(told, kept)
    for row, history in rows.items():
        latest, who = float("-inf"), ""
        for lines in _steps(history):
            spans = [(line.entry, *known[line.entry]) for line in lines if line.entry in known]
            for entry, _, answered_at in spans:
                if answered_at < latest:
                    yield f"{row}: {entry} was answered before {who} asked, and comes later"
            latest, who = max([(latest, who), *((sent_at, entry) for entry, sent_at, _ in spans)])


def _steps(history: _History) -> Iterator[list[Line]]:
    """Who read version 0; who made version 1; who read it; who made version 2; and so on."""
    reads: list[list[Line]] = [[] for _ in range(len(history.changes) + 1)]
    for line in history.reads:
        if 0 <= line.version < len(reads):
            reads[line.version].append(line)
    yield reads[0]
    for made, saw in zip(history.changes, reads[1:], strict=True):
        yield made
        yield saw


def _spans(told: Sequence[Told], kept: Kept) -> dict[str, tuple[float, float]]:
    """By entry: from when anybody first asked for it to when anybody first knew of it."""
    spans: dict[str, tuple[float, float]] = {}
    for one in told:
        if one.entry in kept.entries:
            sent_at, answered_at = spans.get(one.entry, (one.sent_at, one.answered_at))
            spans[one.entry] = min(sent_at, one.sent_at), min(answered_at, one.answered_at)
    return spans
