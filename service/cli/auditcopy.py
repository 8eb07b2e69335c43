"""``remit audit export`` and ``rederive``: take the log along, and decide it again."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final
from urllib.parse import urlencode

import typer

from service.cli.auditpolicies import copy_policies, rulebooks
from service.cli.auditsource import Where, is_address, remote, source_of, sources_told
from service.cli.copyfile import put
from service.cli.render import (
    Format,
    Shape,
    counted,
    entries,
    misused,
    note,
    progress,
    say,
    say_json,
)
from service.cli.serve import fail, read_settings

if TYPE_CHECKING:
    from service.app.rederive import Difference, Result
    from service.audit.note import VerifierKey
    from service.audit.source import Source

_READ: Final = ("entry", "opened", "disclosures")
"""The columns of a Parquet file that are verified."""

_SHOWN_MAX: Final = 20


class Form(StrEnum):
    """What to write."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    TILES = "tiles"


def export(
    source: Where,
    out: Annotated[
        Path, typer.Option(help="The file, or the folder of a copy; - is standard output.")
    ],
    form: Annotated[
        Form,
        typer.Option("--format", help="A file of entries, or a whole copy of the log (tiles)."),
    ] = Form.JSONL,
    since: Annotated[str | None, typer.Option(help="From this instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this instant.")] = None,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of entries.")] = None,
    opens: Annotated[
        bool,
        typer.Option(
            "--open", help="Personal values too, for whoever may; the log says who asked."
        ),
    ] = False,
) -> None:
    """Export entries with a signed manifest, or copy the whole log to verify it offline.

    A copy (tiles) has every tile, every entry, every kept checkpoint and every policy:
    `verify`, `sample` and `rederive` take the folder as they take the service.

    Example: remit audit export https://remit.example --format tiles --out copy
    """
    asked = {"since": since, "until": until, "site": site, "kind": kind}
    wanted = {name: text for name, text in asked.items() if text is not None}
    with sources_told():
        if form is Form.TILES:
            if wanted or opens:
                misused(
                    "A copy has everything, and nothing personal: leave the filters out, and "
                    "--open, or export a file."
                )
            _copy(source, out)
            return
        pieces = _pieces(source, form.value, wanted, opens=opens)
        if str(out) == "-":
            _write(sys.stdout.buffer, pieces)
            return
        with _created(out) as file:
            _write(file, pieces)


def rederive(
    source: Where,
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            help="A policy folder, where the source has no policies. Several, if they changed."
        ),
    ] = None,
    seed: Annotated[str | None, typer.Option(help="Only a sample: any text draws it.")] = None,
    size: Annotated[int, typer.Option(min=1, help="How many entries a sample has.")] = 100,
    form: Shape = Format.TEXT,
) -> None:
    """Decide every decision again, from the entry and the policy of that day.

    Lists whatever comes out otherwise, and ends with 1 then. Also finds a budget that is
    kept per house or per agent and began a second row.

    Example: remit audit rederive copy --seed 2026-Q1 --size 500
    """
    from service.app.rederive import Rederiver
    from service.audit.verify import latest_of

    with sources_told():
        opened = source_of(source)
        rulebook_of = rulebooks(source, policies or [])
        total = latest_of(opened).size
        picked = _picked(opened, seed, size)
        results = []
        with progress(total, "Deciding again") as move:
            counts = {"decided": 0, "same": 0}
            for result in Rederiver(rulebook_of).results(_entries(opened, total, move), picked):
                counts["decided"] += 1
                if result.differences or result.why_not:
                    results.append(result)
                else:
                    counts["same"] += 1
    if form is Format.JSON:
        say_json({**counts, "results": [_listed(result) for result in results]})
    else:
        _tell(counts, results)
    if results:
        raise typer.Exit(1)


def _pieces(source: str, form: str, wanted: Mapping[str, str], *, opens: bool) -> Iterator[bytes]:
    """An export of a service or of a database."""
    if is_address(source):
        asked = {"format": form, **wanted, **({"open": "true"} if opens else {})}
        yield from remote(source).pieces(f"v1/log/export?{urlencode(asked)}")
        return
    if "://" not in source:
        misused("A folder is a copy already. Name a service or a database to export from.")
    from service.app.logquery import read_query
    from service.bootstrap import open_archive
    from service.core.refusal import Refused

    with open_archive(read_settings(database=source)) as books:
        try:
            query = read_query(books.library.in_force().rulebook, dict(wanted))
        except Refused as refused:
            fault = refused.faults[0]
            misused(f"{fault.pointer.removeprefix('/')}: {fault.message}; {fault.remedy}")
        yield from books.exporter.export(None, query, form, opens=opens)


def verify_file(path: Path, keys: "list[VerifierKey]", form: Format) -> None:
    """Say whether a file is the export that was signed. Ends with 1 where it is not."""
    from service.audit.manifest import ExportError, check_bytes, check_export, read_export

    rows = _parquet_rows(path) if path.suffix == ".parquet" else read_export(path)
    try:
        found = check_export(rows, keys)
        check_bytes(path, found)
    except ExportError as error:
        fail(f"{path} does not hold: {error}.")
    if form is Format.JSON:
        told = {"entries": found.entries, "query": found.query, "checkpoint": found.checkpoint}
        say_json({"holds": True, **told})
    else:
        say(f"{path} holds: {entries(found.entries)}, just as they were exported.")


def _parquet_rows(path: Path) -> Iterator[bytes | str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from service.audit.entry import EntryError
    from service.audit.manifest import ExportError, check_texts

    try:
        with pq.ParquetFile(path) as file:
            named = [each for each in _READ if each in file.schema_arrow.names]
            for batch in file.iter_batches(columns=named):
                for row in batch.to_pylist():
                    check_texts(row["entry"], row.get("opened"), row.get("disclosures"))
                    yield row["entry"].encode()
            manifest = (file.metadata.metadata or {}).get(b"remit.manifest")
    except (OSError, pa.ArrowException, KeyError, EntryError) as error:
        raise ExportError(f"it cannot be read: {error}") from error
    if manifest is not None:
        yield manifest.decode()


def _write(file: BinaryIO, pieces: Iterator[bytes]) -> None:
    file.writelines(pieces)


def _created(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")


def _copy(source: str, folder: Path) -> None:
    """Every file of a log, as it is served. The checkpoint comes last: until then it is none."""
    from service.audit.source import CHECKPOINT, CHECKPOINTS, paths_of
    from service.audit.verify import latest_of

    if folder.exists() and any(folder.iterdir()):
        misused(f"{folder} has something in it. Name a folder that is empty or not there.")
    opened = source_of(source)
    latest = latest_of(opened)
    with progress(latest.size, "Copying") as move:
        for path in paths_of(latest.size):
            put(folder / path, opened.read(path))
            if path.startswith("tile/entries/"):
                move(256)
    lines = (json.dumps({"note": kept.decode()}).encode() + b"\n" for kept in opened.checkpoints())
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CHECKPOINTS).open("wb") as file:
        _write(file, lines)
    policies = copy_policies(source, folder)
    put(folder / CHECKPOINT, latest.note)
    say(f"{latest.origin}: {entries(latest.size)} in {folder}")
    if policies:
        note(f"with {counted(policies, 'policy version')}; verify it: remit audit verify {folder}")
    else:
        note(f"without policies; verify it: remit audit verify {folder}")


def _picked(source: "Source", seed: str | None, size: int) -> Callable[[int], bool]:
    """Which entries to decide again: all, or so many of those that hold a decision."""
    from service.audit.sample import draw
    from service.audit.verify import latest_of

    if seed is None:
        return lambda _: True
    latest = latest_of(source)
    decided = [
        index
        for index, data in _entries(source, latest.size, lambda _: None)
        if b'"reasons":' in data  # only decisions have them
    ]
    drawn = islice(draw(seed, latest.origin, len(decided)), size)
    return {decided[place] for place in drawn}.__contains__


def _entries(
    source: "Source", size: int, move: Callable[[int], None]
) -> Iterator[tuple[int, bytes]]:
    from service.audit.source import read_bundle
    from service.audit.tiles import WIDTH, width_of

    for begin in range(0, size, WIDTH):
        bundle = begin // WIDTH
        width = width_of(0, bundle, size)
        yield from enumerate(read_bundle(source, bundle, width), start=begin)
        move(width)


def _tell(counts: Mapping[str, int], results: "list[Result]") -> None:
    for result in results[:_SHOWN_MAX]:
        if result.why_not:
            say(f"{result.entry} (index {result.at_index}) was not decided again: {result.why_not}")
        for difference in result.differences:
            say(_difference(difference))
    if len(results) > _SHOWN_MAX:
        note(f"and {len(results) - _SHOWN_MAX} more; --format json lists them all")
    say(f"{counts['decided']:,} decided again, {counts['same']:,} the same.")


def _difference(difference: "Difference") -> str:
    where = f"{difference.entry} (index {difference.at_index})"
    return (
        f"{where}: {difference.field} is {difference.told}, and comes out as {difference.derived}"
    )


def _listed(result: "Result") -> dict[str, Any]:
    differences = [
        {"field": each.field, "told": each.told, "derived": each.derived}
        for each in result.differences
    ]
    return {
        "entry": result.entry,
        "index": result.at_index,
        "why_not": result.why_not,
        "differences": differences,
    }
