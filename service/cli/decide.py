"""``remit decide``: decisions for a stream of proposals, without a service or a database."""

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from service.cli.render import (
    Format,
    Shape,
    misused,
    progress,
    read_set,
    tell_problems,
)

if TYPE_CHECKING:
    from service.app.decide import Decider

BLOCK_BYTES: Final = 65_536


def decide(
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Proposals, one JSON object a line; - reads on.")
    ],
    policies: Annotated[Path, typer.Option(help="The folder of the policy set.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Add every grant that was tried, and why it failed.")
    ] = False,
    form: Shape = Format.JSON,
) -> None:
    """Decide proposals, one a line, and print one decision a line, in order.

    Budgets are kept in memory and carried from line to line; an approval is settled at
    once. A line that is refused prints an object with "error" in its place, and the exit
    code is 1.

    A line is {"at": "2026-03-01T21:00:00-05:00", "agent": {"id": "ana", "kind": "human",
    "roles": ["front_desk"]}, "request": {"site": "new_york", …}}.

    Example: remit decide --policies policies/hotel proposals.jsonl
    """
    from service.app.decide import Decider
    from service.policyfile.load import load_rulebook
    from service.policyfile.problem import PolicyErrors

    try:
        decider = Decider(load_rulebook(read_set(policies)), explain=explain)
    except PolicyErrors as errors:
        tell_problems(errors.problems, policies)
        raise typer.Exit(1) from None
    collect_seldom()
    show = _as_line if form is Format.JSON else _as_text
    if source == "-":
        _run(decider, sys.stdin.buffer, lambda _: None, show)
    else:
        _run_file(decider, Path(source), show)
    if decider.refused:
        raise typer.Exit(1)


def collect_seldom() -> None:
    """Look for cycles of garbage less often. Decisions make none, and looking costs a tenth."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)


def _run_file(decider: "Decider", path: Path, show: Callable[[bytes], bytes]) -> None:
    try:
        with path.open("rb") as stream, progress(path.stat().st_size, "Deciding") as advance:
            _run(decider, stream, advance, show)
    except OSError as error:
        misused(f"{path} cannot be read: {error.strerror}.")


def _run(
    decider: "Decider",
    stream: BinaryIO,
    advance: Callable[[int], None],
    show: Callable[[bytes], bytes],
) -> None:
    """Answer every line that has come before waiting for more, so a pipe sees each at once."""
    out = sys.stdout.buffer
    for lines, size in _blocks(stream):
        out.write(b"".join([show(answer) for answer in decider.answers(lines)]))
        out.flush()
        advance(size)


def _blocks(stream: BinaryIO) -> Iterator[tuple[list[bytes], int]]:
    """Whole lines as they come, with how many bytes were read for them.

    A line that is too long to be decided is cut, which leaves it too long, so that no
    input can fill the memory.
    """
    from service.app.line import LINE_BYTES_MAX

    rest = b""
    while block := _read(stream):
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[: LINE_BYTES_MAX + 1]
        yield lines, len(block)
    if rest:
        yield [rest], 0


def _read(stream: BinaryIO) -> bytes:
    """What is there, up to a block; nothing at the end of the stream."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(BLOCK_BYTES)


def _as_line(answer: bytes) -> bytes:
    return answer + b"\n"


def _as_text(answer: bytes) -> bytes:
    """The outcome, the value and the reason that determines, or why it was refused."""
    import orjson

    decision = orjson.loads(answer)
    if "error" in decision:
        error = decision["error"]
        return f"refused     {error['pointer'] or '/'}: {error['message']}\n".encode()
    value = decision["value"]
    amount = "" if value is None else f"{value['amount']} {value['currency']}"
    lines = [f"{decision['outcome']:<11} {amount:>15}  {decision['reasons'][0]['message']}"]
    for rung in decision.get("explain", ()):
        said = [reason["message"] for reason in (*rung["failures"], *rung["lacks"])]
        lines.append(f"  {rung['role']}, {rung['grant']}: {' '.join(said) or 'passes.'}")
    lines += [f"  would pass: {_way(way)}" for way in decision.get("would_pass", ())]
    return ("\n".join(lines) + "\n").encode()


def _way(way: dict[str, Any]) -> str:
    value = way["value"]
    brings = f" with {' and '.join(way['brings'])}" if way["brings"] else ""
    return f"{way['resolution']} of {value['amount']} {value['currency']}{brings}"
