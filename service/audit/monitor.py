"""Monitor: keep the last checkpoint, and demand that every later log begins with it.

One person who does this on a machine of their own is enough: an operator who rewrites
what that person has seen cannot hide it any more.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.audit.checkpoint import Checkpoint, parse_checkpoint
from service.audit.finding import Code, Finding
from service.audit.keyring import fault_of
from service.audit.note import NoteError, VerifierKey
from service.audit.proof import ProofError, check_consistency, prove_consistency, subtree_of
from service.audit.source import Missing, Source, SourceError, read_tile
from service.audit.tiles import TileError, TileTree, tile_path
from service.audit.verify import latest_of

CONFLICT: Final = ".conflict"
"""What is added to the state's name for a checkpoint that contradicts it: the two together
prove to anybody that their signer has signed two logs."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a log says now, and what it said before; ``None`` the first time."""

    before: Checkpoint | None
    now: Checkpoint


class Alarm(Exception):  # noqa: N818 — what it is for
    """The log is not a continuation of what was seen before. ``finding`` says why."""

    def __init__(self, finding: Finding) -> None:
        """Keep what was found."""
        super().__init__(finding.message)
        self.finding = finding


def watch(source: Source, keys: Sequence[VerifierKey], state: Path) -> Watched:
    """Look once, and keep what was seen, whole or not at all.

    Raises `Alarm`, and `SourceError` where nothing can be said because the source or the
    state cannot be read. The state stays what it was then.
    """
    now = latest_of(source)
    before = _read(state)
    for checkpoint in (now,) if before is None else (before, now):
        finding = fault_of(checkpoint, keys)
        if finding is not None:
            raise Alarm(finding)
    if before is not None:
        try:
            _continue(source, before, now)
        except Alarm:
            _write(state.with_name(state.name + CONFLICT), now.note)
            raise
    if before is None or before.note != now.note:
        _write(state, now.note)
    return Watched(before, now)


def _continue(source: Source, before: Checkpoint, now: Checkpoint) -> None:
    """Raises `Alarm` unless the log goes on from what was seen."""
    place = f"the checkpoint of {now.size} entries"
    if now.origin != before.origin:
        what = (
            f"the log was {before.origin} and is {now.origin}: its operator restarted it, and "
            f"has to say why; the entry of that names {before.size} entries or more under "
            f"{before.origin}. To go on with the new one, begin a new state"
        )
        raise Alarm(Finding(Code.OTHER_ORIGIN, what, place=place))
    if now.size < before.size:
        what = f"the log had {before.size} entries, and says that it has {now.size}"
        raise Alarm(Finding(Code.SHRUNK, what, place=place))
    if now.size == before.size and now.root != before.root:
        what = "two checkpoints of one size have two roots"
        raise Alarm(Finding(Code.FORK, what, place=place))
    if 0 < before.size < now.size:
        _prove(source, before, now)


def _prove(source: Source, before: Checkpoint, now: Checkpoint) -> None:
    def read(level: int, index: int, width: int) -> bytes:
        try:
            return read_tile(source, level, index, width)
        except Missing:
            raise TileError(f"there is no {tile_path(level, index, width)}") from None

    subtree = subtree_of(TileTree(now.size, read).node)
    try:
        proof = prove_consistency(before.size, now.size, subtree)
        check_consistency(before.size, before.root, now.size, now.root, proof)
    except (ProofError, TileError) as error:
        what = f"the log does not begin with the {before.size} entries that it had: {error}"
        place = f"the checkpoint of {now.size} entries"
        raise Alarm(Finding(Code.FORK, what, place=place)) from error


def _read(state: Path) -> Checkpoint | None:
    """What was seen last. Raises `SourceError` where it cannot be read."""
    try:
        return parse_checkpoint(state.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, NoteError) as error:
        raise SourceError(
            f"{state} is no checkpoint that was kept: {error}; restore it, or begin anew with "
            "another file, which forgets what was seen"
        ) from error


def _write(path: Path, data: bytes) -> None:
    """Replace a file, so that a crash leaves the old one or the new one."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}") from error
