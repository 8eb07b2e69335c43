"""Verify: everything that a log's bytes can show, in one pass over its entries.

1. The latest checkpoint and every kept one are signed by a trusted key, or by one that
   the log announced while a trusted key still signed.
2. Every entry is hashed from its bytes. The tree that grows from the hashes is held
   against every tile, and its root, at each size, against every checkpoint of that size:
   so all of them are beginnings of one log.
3. Every entry is canonical and well-formed, and there is one of each id.
4. Every budget is re-added (`recount.py`), and every approval accounted for (`cases.py`).

It goes on after a fault, so that one damaged tile does not hide another.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final, NamedTuple

from service.audit.cases import Cases
from service.audit.checkpoint import Checkpoint, parse_checkpoint
from service.audit.chunk import Chunk, Job, settled_by
from service.audit.finding import Code, Finding, Findings
from service.audit.growth import Growth
from service.audit.keyring import Keyring
from service.audit.note import NoteError, VerifierKey
from service.audit.recount import Recount
from service.audit.source import CHECKPOINT, Missing, Source, SourceError
from service.audit.staff import Staff
from service.audit.tiles import WIDTH
from service.core.merkle import EMPTY_ROOT

BUNDLES_PER_JOB: Final = 16


class Report(NamedTuple):
    """What was verified, and what does not hold. ``kinds`` counts the entries of each kind."""

    origin: str
    size: int
    root: bytes
    checkpoints: int
    entries: int
    kinds: Mapping[str, int]
    rows: int
    lines: int
    approvals: int
    findings: tuple[Finding, ...]
    found: int

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.found == 0

    def listed(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "holds": self.holds,
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "checkpoints": self.checkpoints,
            "entries": self.entries,
            "kinds": dict(sorted(self.kinds.items())),
            "budget_rows": self.rows,
            "budget_lines": self.lines,
            "approvals": self.approvals,
            "faults": self.found,
            "findings": [finding.listed() for finding in self.findings],
        }


def verify(
    source: Source,
    keys: Sequence[VerifierKey],
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """What a source shows, held against itself and the trusted keys. Raises `SourceError`.

    With ``processes`` the entries are examined by so many others. ``progress`` is told how
    many entries are done, and of how many.
    """
    return _Verification(source, keys).report(processes, progress or (lambda *_: None))


class _Verification:
    """One pass over one log."""

    def __init__(self, source: Source, keys: Sequence[VerifierKey]) -> None:
        self.source = source
        self.findings = Findings()
        self.keyring = Keyring(keys, self.findings)
        self.latest = latest_of(source)
        self.kept = self._kept()
        self.growth = Growth(source, self.findings)
        self.recount = Recount(self.findings)
        size = self.latest.size
        self.cases = Cases(self.findings, lambda index: settled_by(source, index, size))
        self.kinds: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.entries = 0
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self.is_whole = True

    def report(self, processes: int, progress: Callable[[int, int], None]) -> Report:
        jobs = list(self._jobs())
        workers = Staff(self.source, processes) if processes and len(jobs) > 1 else None
        with workers or nullcontext(Staff(self.source, 0)) as staff:
            for chunk in staff.examined(jobs):
                self._take(chunk)
                progress(self.entries, self.latest.size)
        self._finish()
        return Report(
            origin=self.latest.origin,
            size=self.latest.size,
            root=self.latest.root,
            checkpoints=len(self.kept),
            entries=self.entries,
            kinds=self.kinds,
            rows=self.recount.rows,
            lines=self.recount.lines,
            approvals=self.cases.approved,
            findings=tuple(self.findings),
            found=self.findings.total,
        )

    def _kept(self) -> list[Checkpoint]:
        """Every checkpoint that can be read, the latest among them, by size."""
        kept = [self.latest]
        for number, note in enumerate(self.source.checkpoints()):
            try:
                kept.append(parse_checkpoint(note))
            except NoteError as error:
                place = f"kept checkpoint {number}"
                self.findings.add(Finding(Code.NOTE_MALFORMED, str(error), place=place))
        return sorted(kept, key=lambda checkpoint: checkpoint.size)

    def _jobs(self) -> Iterator[Job]:
        size = self.latest.size
        sizes = sorted({each.size for each in self.kept if each.size <= size})
        step, at = WIDTH * BUNDLES_PER_JOB, 0
        for begin in range(0, size, step):
            end = min(begin + step, size)
            inside: list[int] = []
            while at < len(sizes) and sizes[at] <= end:
                inside.append(sizes[at])
                at += 1
            bundles = -(-(end - begin) // WIDTH)
            yield Job(begin // WIDTH, bundles, size, tuple(inside))

    def _take(self, chunk: Chunk) -> None:
        self.findings.extend(chunk.findings)
        self.entries += chunk.entries
        self.kinds += chunk.kinds
        self.keyring.announce(chunk.announced)
        self._take_ids(chunk)
        self._take_hashes(chunk)
        for index, id_, about, deed, lines in chunk.told:
            self.recount.add(lines, index, id_)
            self.cases.add(about, deed, index, id_)

    def _take_ids(self, chunk: Chunk) -> None:
        before = len(self.ids)
        known = self.ids.intersection(chunk.ids)
        self.ids.update(chunk.ids)
        if len(self.ids) == before + len(chunk.ids):
            return
        twice = known | {id_ for id_, count in Counter(chunk.ids).items() if count > 1}
        for id_ in sorted(twice):
            what = "an entry with this id stands in the log more than once"
            self.findings.add(Finding(Code.ENTRY_TWICE, what, entry=id_))

    def _take_hashes(self, chunk: Chunk) -> None:
        """Grow the tree, and remember its root at each size that a checkpoint has."""
        if not self.is_whole:
            return
        beginnings = dict(chunk.beginnings)
        self._remember(beginnings)
        for root in chunk.roots:
            self.growth.add(root)
            self._remember(beginnings)
        self.is_whole = chunk.is_whole

    def _remember(self, beginnings: dict[int, tuple[bytes, ...]]) -> None:
        begin = self.growth.size
        self.roots[begin] = self.growth.root(begin)
        for size in [size for size in beginnings if begin < size < begin + WIDTH]:
            self.roots[size] = self.growth.root(size, beginnings.pop(size))

    def _finish(self) -> None:
        if self.is_whole:
            self.growth.finish()
        self.recount.finish()
        self.cases.finish()
        self.keyring.learn(self.latest)
        for checkpoint in self.kept:
            self.keyring.check(checkpoint)
            self._hold_against(checkpoint)

    def _hold_against(self, checkpoint: Checkpoint) -> None:
        size, place = checkpoint.size, f"the checkpoint of {checkpoint.size} entries"
        if size > self.latest.size:
            what = f"it is signed, and the log now says that it has {self.latest.size}"
            self.findings.add(Finding(Code.SHRUNK, what, place=place))
            return
        root = self.roots.get(size)
        if root is not None and root != checkpoint.root:
            what = f"its root is {checkpoint.root.hex()}, and the entries make {root.hex()}"
            self.findings.add(Finding(Code.ROOT_MISMATCH, what, place=place))


def latest_of(source: Source) -> Checkpoint:
    """The checkpoint that a source serves, not yet believed. Raises `SourceError`."""
    try:
        return parse_checkpoint(source.read(CHECKPOINT))
    except Missing:
        raise SourceError(
            "the source serves no checkpoint: nothing was published yet, or this is no log"
        ) from None
    except NoteError as error:
        raise SourceError(f"the checkpoint cannot be read: {error}") from error
