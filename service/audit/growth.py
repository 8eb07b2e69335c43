"""The tree as it grows from the entries, held against every tile above the leaves."""

from service.audit.finding import Code, Finding, Findings
from service.audit.source import Missing, Source, read_tile
from service.audit.tiles import WIDTH, TileError, split_tile, tile_path
from service.core.merkle import CompactRange


class Growth:
    """Takes the roots of full bundles in order, and knows the root at each of them."""

    def __init__(self, source: Source, findings: Findings) -> None:
        """Nothing has grown yet."""
        self._source = source
        self._findings = findings
        self._bundles = CompactRange()
        self._levels: list[tuple[int, list[bytes]]] = []

    @property
    def size(self) -> int:
        """How many entries stand in the full bundles so far."""
        return self._bundles.size * WIDTH

    def add(self, root: bytes) -> None:
        """The next full bundle."""
        self._bundles = self._bundles.extended([root])
        self._add(1, root)

    def root(self, size: int, beginning: tuple[bytes, ...] = ()) -> bytes:
        """The root of the first ``size`` entries: what grew, and a beginning of the next bundle.

        ``beginning`` are the complete subtrees of those entries beyond the full bundles.
        """
        return CompactRange(size, (*self._bundles.hashes, *beginning)).root()

    def finish(self) -> None:
        """Hold the last tile of each level, which may be partial, against what grew."""
        for level, (index, hashes) in enumerate(self._levels, start=1):
            if hashes:
                self._check(level, index, hashes)

    def _add(self, level: int, root: bytes) -> None:
        if len(self._levels) < level:
            self._levels.append((0, []))
        index, hashes = self._levels[level - 1]
        hashes.append(root)
        if len(hashes) == WIDTH:
            self._check(level, index, hashes)
            self._levels[level - 1] = (index + 1, [])
            self._add(level + 1, CompactRange().extended(hashes).root())

    def _check(self, level: int, index: int, hashes: list[bytes]) -> None:
        path, width = tile_path(level, index, len(hashes)), len(hashes)
        try:
            stated = split_tile(read_tile(self._source, level, index, width), width)
        except Missing:
            what = "there is no such tile"
            self._findings.add(Finding(Code.TILE_MISSING, what, place=path))
            return
        except TileError as error:
            self._findings.add(Finding(Code.TILE_MISMATCH, str(error), place=path))
            return
        for place, (grown, told) in enumerate(zip(hashes, stated, strict=True)):
            if grown != told:
                what = f"hash {place} is {told.hex()}, and the entries below make {grown.hex()}"
                self._findings.add(Finding(Code.TILE_MISMATCH, what, place=path))
