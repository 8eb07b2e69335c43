"""``remit policy replay``: what another policy would have decided, and what it would have cost."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeVar

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
    from multiprocessing.sharedctypes import Synchronized

    from service.app.ports import Store
    from service.app.replay import Window
    from service.app.replaytally import Tally
    from service.app.replaywork import Share
    from service.core.rulebook import Rulebook

T = TypeVar("T")

FLIPS_SHOWN: Final = 20
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What is replayed: a file of proposals, or the log of a database."""

    path: Path | None
    database: str | None


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
    stream = Stream(path=source, database=database)
    books = tuple(book for _, book in sets)
    how, parts = _parts(books, processes)
    collect_seldom()
    tally = _tally(share, stream, parts)
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
    from service.core.factvalue import parse_timestamp

    if text is None:
        return None
    found = parse_timestamp(text)
    if found is not None:
        return found
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=book.zone)
    except ValueError:
        misused(f"{text} is no day like 2026-01-01, and no instant like 2026-01-01T00:00:00Z.")


def _share(
    sets: list[tuple[Mapping[str, bytes], "Rulebook"]], window: "Window", flips: int
) -> "Share":
    from service.app.replaywork import Share

    baseline = sets[1][0] if len(sets) > 1 else None
    return Share(candidate=sets[0][0], baseline=baseline, window=window, flips_max=flips)


def _parts(books: tuple["Rulebook", ...], processes: int | None) -> tuple[str, int]:
    """On how many processes, and why on no more."""
    from service.app.replaywork import why_not_split

    wanted = processes or os.cpu_count() or 1
    why = why_not_split(books)
    if why is not None:
        return why, 1
    return f"{wanted} process{'' if wanted == 1 else 'es'}, split by site", wanted


def _tally(share: "Share", stream: Stream, parts: int) -> "Tally":
    """Everything added up. Ends with 2 where the stream cannot be read."""
    try:
        total = _size(stream)
        with progress(total, "Replaying") as advance:
            if parts == 1:
                return _run(share, stream, advance)
            return _spread(share, stream, parts, advance)
    except OSError as error:
        _unreadable(stream, error)


def _unreadable(stream: Stream, error: OSError) -> NoReturn:
    misused(f"{stream.path} cannot be read: {error.strerror}.")


def _size(stream: Stream) -> int:
    """Bytes of a file, entries of a log."""
    if stream.path is not None:
        return stream.path.stat().st_size
    return _with_store(stream, _entries)


def _entries(store: "Store") -> int:
    with store.read() as reader:
        return reader.log.extent().size


def _run(share: "Share", stream: Stream, advance: Callable[[int], None]) -> "Tally":
    from service.app.replaywork import replay_lines, replay_log

    if stream.path is not None:
        return replay_lines(share, stream.path, advance)
    return _with_store(stream, lambda store: replay_log(share, store, advance))


def _with_store(stream: Stream, use: Callable[["Store"], T]) -> T:
    from service.bootstrap import open_store
    from service.cli.serve import failures_told, read_settings

    with failures_told(), open_store(read_settings(database=stream.database)) as store:
        return use(store)


# ── Several processes: each reads the whole stream, and decides the sites that are its own ──

_done: "Synchronized[int] | None" = None


def _spread(share: "Share", stream: Stream, parts: int, advance: Callable[[int], None]) -> "Tally":
    from concurrent.futures import ProcessPoolExecutor, wait
    from multiprocessing import get_context

    from service.app.replaytally import Tally

    context = get_context("spawn")
    done = context.Value("q", 0)
    whole = Tally(flips_max=share.flips_max)
    with ProcessPoolExecutor(
        parts, mp_context=context, initializer=_begin, initargs=(done,)
    ) as pool:
        shares = [replace(share, part=part, parts=parts) for part in range(parts)]
        running = {pool.submit(_part, one, stream) for one in shares}
        shown = 0
        while running:
            finished, running = wait(running, timeout=_POLL_SECONDS)
            advance((done.value - shown) // parts)
            shown = done.value
            for one in finished:
                whole.add(one.result())
    return whole


def _begin(done: "Synchronized[int]") -> None:
    global _done  # noqa: PLW0603 - the one thing that a process of the pool is given beforehand
    _done = done
    collect_seldom()


def _part(share: "Share", stream: Stream) -> "Tally":
    return _run(share, stream, _advance)


def _advance(more: int) -> None:
    if _done is not None:
        with _done.get_lock():
            _done.value += more


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
