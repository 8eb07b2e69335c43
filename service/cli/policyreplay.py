"""``remit policy replay``: what another policy would have decided, and what it would have cost."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.decide import collect_seldom
from service.cli.policysource import Named, load_named
from service.cli.render import (
    Format,
    Shape,
    misused,
    note,
    progress,
    read_set,
    say,
    say_json,
)

if TYPE_CHECKING:
    from service.app.replay import Window
    from service.app.replaytally import Tally
    from service.app.replaywork import Share, Stream
    from service.core.rulebook import Rulebook

FLIPS_SHOWN: Final = 20


def replay(
    candidate: Annotated[Path, typer.Option(metavar="DIR", help="The set that is tried.")],
    source: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Proposals, as remit decide reads them.")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Compare with this set, not with the log.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="Replay the log of this database. REMIT_DATABASE")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Report decisions from here on: 2026-01-01, or an instant.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Report decisions before this.")] = None,
    site: Annotated[str | None, typer.Option(help="Report decisions at this site only.")] = None,
    flips: Annotated[
        int, typer.Option(min=0, max=100_000, help="How many changed decisions to list.")
    ] = 100,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with plots, too.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="At most so many; as many as cores if not.")
    ] = None,
    form: Shape = Format.TEXT,
) -> None:
    """Decide what was decided once more, under a candidate, and say what would have been other.

    Without a file the log is replayed against what it recorded: an escalation that was
    approved is approved by the same people at the same moment where the candidate asks
    them, or somebody below them. A file has no answers, and needs --policies. Budgets are
    carried as they would have been.

    Example: remit policy replay --candidate policies/next --since 2026-01-01 --html replay.html
    """
    sets = _sets(candidate, policies, source)
    window = _window(sets[0][1], since, until, site)
    share = _share(sets, window, flips)
    books = tuple(book for _, book in sets)
    collect_seldom()
    if source is None:
        tally, how = _of_log(database, share, books, processes)
    else:
        tally, how = _of_file(source, share, books, processes)
    report = _report(tally, books, how)
    if html is not None:
        _write_page(html, report)
    if form is Format.JSON:
        say_json(report)
    else:
        _tell(report)


def _sets(
    candidate: Path, policies: Path | None, source: Path | None
) -> list[tuple[Mapping[str, bytes], "Rulebook"]]:
    """The candidate, and the set that it is compared with if it is not the log."""
    if source is not None and policies is None:
        misused("A file does not say what was decided. Name what to compare with: --policies DIR")
    found: list[tuple[Mapping[str, bytes], Rulebook]] = []
    for folder in (candidate, policies):
        if folder is not None:
            files = read_set(folder)
            found.append((files, load_named(Named(name=str(folder), files=files)).rulebook))
    if len(found) > 1 and found[0][1].currency != found[1][1].currency:
        misused("The two sets have different currencies, so their money cannot be compared.")
    return found


def _window(book: "Rulebook", since: str | None, until: str | None, site: str | None) -> "Window":
    from service.app.replay import Window

    if site is not None and book.sites is not None and site not in book.sites:
        misused(f"The candidate declares no site {site}.")
    return Window(since=_instant(book, since), until=_instant(book, until), site=site)


def _instant(book: "Rulebook", text: str | None) -> datetime | None:
    """An instant, or the beginning of a day where the set's clocks are."""
    from service.app.replayask import instant_of

    try:
        return None if text is None else instant_of(book, text)
    except ValueError as error:
        misused(str(error))


def _share(
    sets: list[tuple[Mapping[str, bytes], "Rulebook"]], window: "Window", flips: int
) -> "Share":
    from service.app.replaywork import Share

    baseline = sets[1][0] if len(sets) > 1 else None
    return Share(candidate=sets[0][0], baseline=baseline, window=window, flips_max=flips)


def _of_file(
    path: Path, share: "Share", books: tuple["Rulebook", ...], processes: int | None
) -> tuple["Tally", str]:
    """A file of proposals; on how many processes, and why on no more. Ends with 2 without it."""
    from service.app.replaywork import Stream, replay_lines, why_not_split

    wanted, how = _wanted(processes), why_not_split(books)
    parts = wanted if how is None else 1
    try:
        with progress(path.stat().st_size * parts, "Replaying") as advance:
            if parts == 1:
                tally = replay_lines(share, path, advance)
            else:  # each reads all of it
                shares = [replace(share, part=part, parts=parts) for part in range(parts)]
                tally = _spread(shares, Stream(path=path), advance)
    except OSError as error:
        misused(f"{path} cannot be read: {error.strerror}.")
    return tally, how or f"{wanted} process{'' if wanted == 1 else 'es'}, split by site"


def _of_log(
    database: str | None, share: "Share", books: tuple["Rulebook", ...], processes: int | None
) -> tuple["Tally", str]:
    """The log of a database; on how many processes, and why on no more."""
    from service.app.entryports import EntryFilter
    from service.app.replaygroups import divide
    from service.app.replaywork import Stream, log_of, replay_log
    from service.bootstrap import open_store
    from service.cli.serve import failures_told, read_settings

    settings = read_settings(database=database)
    with failures_told(), open_store(settings) as store:
        log = log_of(store, books, share.window)
        with store.read() as reader:
            sizes = reader.entries.count_by_site(EntryFilter(since=log.since, until=log.until))
        division = divide(log, books, _wanted(processes), sizes)
        with progress(sum(sizes.values()), "Replaying") as advance:
            if len(division.parts) == 1:
                return replay_log(share, store, advance), division.how
            shares = [replace(share, sites=sites) for sites in division.parts]
            return _spread(shares, Stream(database=settings.database), advance), division.how


def _wanted(processes: int | None) -> int:
    return processes or os.cpu_count() or 1


def _spread(shares: "Sequence[Share]", stream: "Stream", advance: Callable[[int], None]) -> "Tally":
    """Each part in a process of its own. Ends with 1 where one ends before its time."""
    from service.app.replaywork import ReplayFailed
    from service.bootstrap import replay_parts
    from service.cli.serve import fail

    try:
        return replay_parts(shares, stream, advance)
    except ReplayFailed as failure:
        fail(f"{failure}; to do it in one process: --processes 1")


# ── What is told ──


def _report(tally: "Tally", books: tuple["Rulebook", ...], how: str) -> dict[str, Any]:
    from service.app.replayreport import report_of

    return report_of(tally, books[0], books[1] if len(books) > 1 else None, how=how)


def _write_page(path: Path, report: dict[str, Any]) -> None:
    from service.cli.replaypage import page

    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as error:
        misused(f"{path} cannot be written: {error.strerror}.")
    note(f"{path} written")


def _tell(report: dict[str, Any]) -> None:
    from service.cli.replaytext import lines

    for line in lines(report, FLIPS_SHOWN):
        say(line)
