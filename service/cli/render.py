"""How commands show what they found: colours and bars on a terminal, neither in a pipe."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from service.policyfile.problem import Problem


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


Shape = Annotated[Format, typer.Option("--format", help="For people or for programs.")]


def say(text: str) -> None:
    """Print a line for people; its colours are dropped where nobody would see them."""
    typer.echo(text)


def say_json(value: Any) -> None:  # noqa: ANN401 — JSON
    """Print a value as indented JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Print a line beside the output, on standard error."""
    typer.echo(text, err=True)


def misused(text: str) -> NoReturn:
    """Say what is wrong with how the command was called, and end with 2."""
    typer.echo(text, err=True)
    raise typer.Exit(2)


def read_set(folder: Path) -> dict[str, bytes]:
    """The files of a set. Ends with 2 where the folder is not there."""
    from service.policyfile.folder import read_folder

    if not folder.is_dir():
        misused(f"There is no folder {folder}. Name the folder that holds the policy files.")
    return read_folder(folder)


def problem_text(problem: "Problem") -> str:
    """A problem with its place dimmed and its kind in colour."""
    place = typer.style(f"{problem.file}:{problem.line}:{problem.column}:", dim=True)
    colour = typer.colors.RED if problem.severity == "error" else typer.colors.YELLOW
    kind = typer.style(f"{problem.severity}:", fg=colour, bold=True)
    return f"{place} {kind} {problem.message} [{problem.code}]\n  → {problem.remedy}"


def tell_problems(problems: Iterable["Problem"], folder: Path) -> None:
    """Print every problem of a set that does not load, on standard error."""
    for problem in problems:
        note(problem_text(problem))
    note(f"{folder} does not load. To see only this again: remit policy check {folder}")


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A function that moves a bar on by so many of ``total``; no bar where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


def entries(number: int) -> str:
    """``1 entry``, ``2,000 entries``."""
    return f"{number:,} entry" if number == 1 else f"{number:,} entries"


def counted(number: int, noun: str) -> str:
    """``1 test``, ``2 tests``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
