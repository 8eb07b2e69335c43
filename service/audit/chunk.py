"""A chunk of a log: some bundles, examined entry by entry, wherever there is a processor."""

from collections import Counter
from typing import Any, NamedTuple, TypeAlias

from service.audit.deed import NOTHING, Deed, Part, deed_of, settled_parts
from service.audit.entry import KINDS, EntryError, Envelope, parse_entry
from service.audit.finding import Code, Finding
from service.audit.line import Line
from service.audit.source import Missing, Source, read_bundle, read_tile
from service.audit.tiles import WIDTH, TileError, bundle_path, split_tile, tile_path, width_of
from service.core.merkle import CompactRange, leaf_hash

ANNOUNCEMENT = "signing_key"
"""The kind of an entry that names the log's next verifier key."""


class Job(NamedTuple):
    """Which bundles of a log of ``size`` entries to examine.

    ``sizes`` are those of kept checkpoints that end inside one of them.
    """

    first: int
    bundles: int
    size: int
    sizes: tuple[int, ...] = ()


Told: TypeAlias = tuple[int, str, str, Deed, list[Line]]
"""What the re-count needs of an entry: its index, its id, what it is about, what it did."""


class Chunk(NamedTuple):
    """What was found in some bundles.

    ``roots`` are those of the full bundles, ``beginnings`` the hashes of the complete
    subtrees of a bundle's beginning, by the size of the log that ends there. ``is_whole``
    is false where hashes are missing, so that nothing above can be computed.
    """

    entries: int
    roots: tuple[bytes, ...]
    beginnings: dict[int, tuple[bytes, ...]]
    is_whole: bool
    ids: list[str]
    told: list[Told]
    kinds: Counter[str]
    announced: list[tuple[int, str]]
    findings: list[Finding]


def examine(source: Source, job: Job) -> Chunk:
    """Read, hash and understand every entry of a chunk. Raises `SourceError`."""
    return _Examination(source, job).done()


def settled_by(source: Source, index: int, size: int) -> tuple[Part, ...]:
    """What the entry at an index left settled on rows; nothing where it cannot be read."""
    bundle, place = divmod(index, WIDTH)
    try:
        data = read_bundle(source, bundle, width_of(0, bundle, size))[place]
        return settled_parts(parse_entry(data).body)
    except (Missing, TileError, EntryError):
        return ()


class _Examination:
    """One chunk on its way."""

    def __init__(self, source: Source, job: Job) -> None:
        self.source = source
        self.job = job
        self.entries = 0
        self.roots: list[bytes] = []
        self.beginnings: dict[int, tuple[bytes, ...]] = {}
        self.is_whole = True
        self.ids: list[str] = []
        self.told: list[Told] = []
        self.kinds: Counter[str] = Counter()
        self.announced: list[tuple[int, str]] = []
        self.findings: list[Finding] = []

    def done(self) -> Chunk:
        for bundle in range(self.job.first, self.job.first + self.job.bundles):
            self._bundle(bundle, width_of(0, bundle, self.job.size))
        return Chunk(
            entries=self.entries,
            roots=tuple(self.roots),
            beginnings=self.beginnings,
            is_whole=self.is_whole,
            ids=self.ids,
            told=self.told,
            kinds=self.kinds,
            announced=self.announced,
            findings=self.findings,
        )

    def _bundle(self, bundle: int, width: int) -> None:
        stated = self._stated(bundle, width)
        try:
            entries = read_bundle(self.source, bundle, width)
        except (Missing, TileError) as failure:
            self._unreadable(bundle, width, failure)
            leaves = stated
        else:
            leaves = [leaf_hash(entry) for entry in entries]
            if stated is not None and stated != leaves:
                self._altered(bundle, leaves, stated)
            for place, entry in enumerate(entries, start=bundle * WIDTH):
                self._entry(place, entry)
        if leaves is None or not self.is_whole:
            self.is_whole = False
            return
        self._hash_up(bundle, leaves)

    def _stated(self, bundle: int, width: int) -> list[bytes] | None:
        """The leaf hashes as the tile states them."""
        path = tile_path(0, bundle, width)
        try:
            return split_tile(read_tile(self.source, 0, bundle, width), width)
        except Missing:
            self._found(Code.TILE_MISSING, "there is no such tile", place=path)
        except TileError as error:
            self._found(Code.TILE_MISMATCH, str(error), place=path)
        return None

    def _unreadable(self, bundle: int, width: int, failure: Exception) -> None:
        path = bundle_path(bundle, width)
        if isinstance(failure, Missing):
            self._found(Code.BUNDLE_MISSING, "there is no such bundle", place=path)
        else:
            self._found(Code.BUNDLE_MALFORMED, str(failure), place=path)

    def _altered(self, bundle: int, leaves: list[bytes], stated: list[bytes]) -> None:
        """Name each entry that is not the one whose hash the tile has."""
        path = tile_path(0, bundle, len(leaves))
        for place, (leaf, told) in enumerate(zip(leaves, stated, strict=True)):
            if leaf != told:
                what = f"the entry hashes to {leaf.hex()}, and the tile says {told.hex()}"
                self._found(Code.TILE_MISMATCH, what, index=bundle * WIDTH + place, place=path)

    def _hash_up(self, bundle: int, leaves: list[bytes]) -> None:
        begin = bundle * WIDTH
        tree = CompactRange()
        for size in self.job.sizes:
            if begin < size <= begin + len(leaves) and size % WIDTH:
                tree = tree.extended(leaves[tree.size : size - begin])
                self.beginnings[size] = tree.hashes
        tree = tree.extended(leaves[tree.size :])
        if len(leaves) == WIDTH:
            self.roots.append(tree.root())

    def _entry(self, index: int, data: bytes) -> None:
        self.entries += 1
        try:
            envelope = parse_entry(data)
            deed, lines = deed_of(envelope, index, self.findings)
        except EntryError as error:
            code = Code.ENTRY_NOT_CANONICAL if error.is_json else Code.ENTRY_MALFORMED
            self._found(code, str(error), index=index)
            return
        self.ids.append(envelope.id)
        self.kinds[envelope.kind if envelope.kind in KINDS else f"{envelope.kind} (unknown)"] += 1
        if envelope.kind == ANNOUNCEMENT:
            self._announced(index, envelope)
        if deed is not NOTHING:
            self.told.append((index, envelope.id, envelope.about, deed, lines))

    def _announced(self, index: int, envelope: Envelope) -> None:
        key = envelope.body.get("key")
        if isinstance(key, str):
            self.announced.append((index, key))

    def _found(self, code: Code, what: str, **where: Any) -> None:  # noqa: ANN401 — of a finding
        self.findings.append(Finding(code, what, **where))
