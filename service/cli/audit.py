"""``remit audit``: the log, verified by somebody who trusts neither it nor its operator."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import auditcopy, auditfind, auditpeople, erase
from service.cli.auditcopy import verify_file
from service.cli.auditsource import KeyFile, Keys, Where, keys_of, source_of, sources_told
from service.cli.render import Format, Shape, counted, entries, note, progress, say, say_json
from service.cli.serve import fail, failures_told, read_settings

if TYPE_CHECKING:
    from service.audit.finding import Finding
    from service.audit.sample import Drawn
    from service.audit.verify import Report

app = typer.Typer(
    no_args_is_help=True, help="The log: verify it, watch it, find and re-derive what it says."
)
app.command("export")(auditcopy.export)
app.command("proof")(auditfind.proof)
app.command("show")(auditfind.show)
app.command("people")(auditpeople.people)
app.command("rederive")(auditcopy.rederive)
app.command("erase")(erase.erase)

Database = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or postgresql://… REMIT_DATABASE")
]

SMALL_ENTRIES = 20_000
"""Up to so many entries it takes longer to start other processes than to do without."""


@app.command()
def verify(
    source: Where,
    key: Keys = None,
    key_file: KeyFile = None,
    processes: Annotated[
        int | None,
        typer.Option(min=0, help="How many processes examine entries; as cores if left out."),
    ] = None,
    form: Shape = Format.TEXT,
) -> None:
    """Verify a whole log: signatures, hashes, tiles, and every budget added up anew.

    Or the file of an export: that it has just the entries that its manifest was signed for.

    Verifying a log shows that nothing was altered or left out, that every kept checkpoint is
    a beginning of the last one, and that no budget was ever over. Ends with 1 where anything
    does not hold, and says what and where.

    Example: remit audit verify https://remit.example --key-file operator.vkey
    """
    from service.audit.verify import latest_of, verify
    from service.cli.decide import collect_seldom

    keys = keys_of(key, key_file)
    if Path(source).is_file():
        verify_file(Path(source), keys, form)
        return
    with sources_told():
        opened = source_of(source)
        size = latest_of(opened).size
        workers = _workers(size) if processes is None else processes
        collect_seldom()
        with progress(size, "Verifying") as move:
            done = 0

            def show(reached: int, _: int) -> None:
                nonlocal done
                move(reached - done)
                done = reached

            report = verify(opened, keys, processes=workers, progress=show)
    if form is Format.JSON:
        say_json(report.listed())
    else:
        _tell(report)
    if not report.holds:
        raise typer.Exit(1)


@app.command()
def monitor(
    source: Where,
    state: Annotated[Path, typer.Option(help="The file that keeps what was seen last.")],
    key: Keys = None,
    key_file: KeyFile = None,
    form: Shape = Format.TEXT,
) -> None:
    """Watch a log: keep its last checkpoint, and demand that the next one goes on from it.

    Run it again and again, on a machine that the operator has no hand in. Ends with 1 where
    the log forked, shrank or changed its signer; both checkpoints are kept then. Needs no
    access key: it reads no entry.

    Example: remit audit monitor https://remit.example --state remit.seen --key-file operator.vkey
    """
    from service.audit.monitor import CONFLICT, Alarm, watch

    keys = keys_of(key, key_file)
    with sources_told():
        try:
            seen = watch(source_of(source), keys, state)
        except Alarm as alarm:
            _tell_finding(alarm.finding, form)
            conflict = state.with_name(state.name + CONFLICT)
            if conflict.exists():
                note(f"Keep {state} and {conflict}: together they prove it to anybody.")
            raise typer.Exit(1) from None
    before = None if seen.before is None else seen.before.size
    if form is Format.JSON:
        root = seen.now.root.hex()
        say_json({"origin": seen.now.origin, "before": before, "size": seen.now.size, "root": root})
    elif before is None:
        say(f"{seen.now.origin}: {entries(seen.now.size)}, seen for the first time.")
        note(
            f"Keep {state} safe, and run the same again, from cron for example: every run shows "
            "that the log only grew since the one before."
        )
    else:
        grown = entries(seen.now.size - before) if seen.now.size > before else "nothing"
        say(f"{seen.now.origin}: {seen.now.size} entries; {grown} new, all before as it was.")


@app.command()
def sample(
    source: Where,
    seed: Annotated[str, typer.Option(help="Any text: the same draws the same entries.")],
    size: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 25,
    kind: Annotated[str | None, typer.Option(help="Only of this kind, like decision.")] = None,
    key: Keys = None,
    key_file: KeyFile = None,
    form: Shape = Format.TEXT,
) -> None:
    """Draw entries for a review, each proved to stand in the signed log.

    Nobody chooses: whoever has the seed and the log draws the same ones.

    Example: remit audit sample https://remit.example --seed 2026-Q1 --size 25 --kind decision
    """
    from service.audit.sample import Unproved, sample

    keys = keys_of(key, key_file)
    with sources_told():
        try:
            latest, drawn = sample(source_of(source), keys, seed, size, kind)
        except Unproved as unproved:
            _tell_finding(unproved.finding, form)
            raise typer.Exit(1) from None
    if form is Format.JSON:
        listed = [{"index": each.at_index, "entry": each.envelope.body} for each in drawn]
        say_json({"origin": latest.origin, "size": latest.size, "seed": seed, "drawn": listed})
        return
    for each in drawn:
        say(_drawn_line(each))
    note(f"{entries(len(drawn))} of {latest.size}, each proved to stand in the log.")


@app.command("key")
def show_key(database: Database = None, form: Shape = Format.TEXT) -> None:
    """Show the log's verifier key, alone, for auditors: hand it to them, not through the log.

    Example: remit audit key --database sqlite:///var/remit.db
    """
    from service.bootstrap import open_log

    with failures_told(), open_log(read_settings(database=database)) as (keys, _):
        current, listed = keys.current(), keys.list()
    if form is Format.JSON:
        from service.app.transparency import keys_json

        say_json({"key": current, "keys": keys_json(listed)})
    else:
        say(current)


@app.command()
def restart(
    origin: Annotated[
        str | None, typer.Option(help="The new name; a number is added if left out.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The last checkpoint that somebody kept, if you have it.")
    ] = None,
    database: Database = None,
    form: Shape = Format.TEXT,
) -> None:
    """Let the log go on under a new origin, after a backup was restored.

    An entry names the checkpoint that cannot be gone on from. Everybody who watches the log
    is alarmed, and has to be told why, and the new key. End the service first.

    Example: remit audit restart --checkpoint last.checkpoint --database sqlite:///var/remit.db
    """
    from service.bootstrap import open_log
    from service.core.refusal import Refused

    kept = None if checkpoint is None else _read(checkpoint)
    with failures_told(), open_log(read_settings(database=database)) as (_, restarter):
        try:
            done = restarter.restart(by="operator", origin=origin, checkpoint=kept)
        except Refused as refused:
            fail(f"{refused.faults[0].message}; {refused.faults[0].remedy}")
    if form is Format.JSON:
        old = {"origin": done.old.origin, "size": done.old.size, "root": done.old.root.hex()}
        say_json({"origin": done.origin, "key": done.key, "entry": done.entry, "old": old})
        return
    say(done.key)
    note(
        f"The log goes on as {done.origin}; {done.entry} says that {done.old.origin} ended with "
        f"{entries(done.old.size)}. Hand the new key to everybody who verifies."
    )


def _workers(size: int) -> int:
    return 0 if size <= SMALL_ENTRIES else os.cpu_count() or 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")


def _tell(report: "Report") -> None:
    say(f"{report.origin}: {entries(report.size)}, root {report.root.hex()}")
    say(f"  checkpoints  {report.checkpoints:>9,}")
    say(f"  entries      {report.entries:>9,}  {_kinds(report.kinds)}")
    say(f"  budget rows  {report.rows:>9,}  added up from {counted(report.lines, 'line')}")
    say(f"  approvals    {report.approvals:>9,}")
    for finding in report.findings:
        say(_finding_line(finding))
    if report.holds:
        say("The log holds: nothing is altered, nothing is missing, no budget was ever over.")
        return
    shown = len(report.findings)
    more = f", of which {shown} are shown" if shown < report.found else ""
    say(f"The log does not hold: {counted(report.found, 'fault')}{more}.")


def _kinds(kinds: Any) -> str:  # noqa: ANN401 — counts by name
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))


def _tell_finding(finding: "Finding", form: Format) -> None:
    if form is Format.JSON:
        say_json({"holds": False, "findings": [finding.listed()]})
    else:
        say(_finding_line(finding))


def _finding_line(finding: "Finding") -> str:
    code = typer.style(finding.code.value, fg=typer.colors.RED, bold=True)
    where = finding.where()
    return f"{code}: {finding.message}" + (f" ({where})" if where else "")


def _drawn_line(drawn: "Drawn") -> str:
    envelope = drawn.envelope
    body = envelope.body
    said = body.get("outcome") or body.get("effect") or ""
    by = body.get("by") or {}
    return (
        f"{drawn.at_index:>9}  {envelope.at_text:<27}  {envelope.kind:<11}  {said:<10}  "
        f"{by.get('id', ''):<12}  {envelope.id}"
    )
