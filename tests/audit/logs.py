"""Logs for the verifier: folders laid out as they are served, from entries that a test makes."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import orjson

from service.adapters.signer import Ed25519Signer
from service.audit.finding import Code
from service.audit.note import VerifierKey, parse_key
from service.audit.source import CHECKPOINT, CHECKPOINTS, FolderSource, Missing, Source
from service.audit.verify import Report, verify
from service.core.checkpoint import Checkpoint
from service.core.merkle import leaf_hash, tree_root
from service.core.tiles import Tile, bundles_of, format_bundle, tiles_of
from tests.core.trees import SIGNER, grow

KEY = parse_key(SIGNER.verifier_key.encoded())


def note_of(
    entries: Sequence[bytes], size: int | None = None, signer: Ed25519Signer = SIGNER
) -> bytes:
    """The signed checkpoint of the first ``size`` entries."""
    told = entries if size is None else entries[:size]
    root = tree_root([leaf_hash(entry) for entry in told])
    name = signer.verifier_key.name
    unsigned = Checkpoint(origin=name, size=len(told), root=root)
    return unsigned.signed(signer.verifier_key, signer.sign)


class MemorySource:
    """A log that stands nowhere: its bytes by their paths, and the checkpoints kept."""

    def __init__(
        self,
        entries: Sequence[bytes],
        sizes: Iterable[int] = (),
        notes: Iterable[bytes] = (),
    ) -> None:
        """``sizes`` are those of the checkpoints that are kept, ``notes`` are others."""
        self.files = files_of(entries)
        self.kept = [*(note_of(entries, size) for size in sizes), *notes]

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Missing(path)
        return self.files[path]

    def checkpoints(self) -> Iterator[bytes]:
        return iter(self.kept)


def files_of(entries: Sequence[bytes]) -> dict[str, bytes]:
    """Every tile and bundle of a log of these entries, and its checkpoint."""
    tiles: dict[Tile, bytes] = {}
    grow(tiles, 0, [leaf_hash(entry) for entry in entries])
    files = {tile.path: tiles[tile] for tile in tiles_of(len(entries))}
    for bundle in bundles_of(len(entries)):
        begin = bundle.index * 256
        files[bundle.path] = format_bundle(entries[begin : begin + bundle.width])
    return {**files, CHECKPOINT: note_of(entries)}


def write_log(
    folder: Path, entries: Sequence[bytes], sizes: Iterable[int] = (), notes: Iterable[bytes] = ()
) -> Path:
    """The same in a folder."""
    source = MemorySource(entries, sizes, notes)
    for name, data in source.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    lines = [orjson.dumps({"note": note.decode()}) + b"\n" for note in source.kept]
    (folder / CHECKPOINTS).write_bytes(b"".join(lines))
    return folder


def verified(log: Source | Path, *keys: VerifierKey, processes: int = 0) -> Report:
    source = FolderSource(log) if isinstance(log, Path) else log
    return verify(source, keys or (KEY,), processes=processes)


def codes(report: Report) -> set[Code]:
    return {finding.code for finding in report.findings}
