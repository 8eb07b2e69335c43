"""``remit audit erase``: ask that a person be erased, or confirm what somebody else asked."""

import json
import sys
from typing import Annotated, Any

import typer

from service.cli.remote import DEFAULT_KEY_FILE, DEFAULT_URL, KeyFile, Remote, Url
from service.cli.render import Format, Shape, misused
from service.cli.table import print_table

_COLUMNS = ("id", "state", "requested_by", "requested_at", "confirmed_by", "cleaned_at")


def erase(
    *,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", help="The erasure that somebody else asked for: era_…"),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Show erasures; whom they were about is nowhere.")
    ] = False,
    waive: Annotated[
        bool, typer.Option("--waive", help="Let caps begin anew, to keep not even a keyed hash.")
    ] = False,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Erase a person: one person asks, a second one confirms. Every proof goes on to hold.

    Who it is, as the policy's subject has them, is read from standard input or asked for,
    so that no list of processes and no history of a shell keeps it.

    Example: remit audit erase --key-file olga.key < guest.txt
    """
    service = Remote(url, key_file)
    if listed:
        _show_list(service.get("/v1/erasures", limit="200"), form)
        return
    if confirm is not None:
        done = service.post(f"/v1/erasures/{confirm}/confirm", {})
    else:
        done = service.post("/v1/erasures", {"subject": _person(), "waive": waive})
    if form is Format.JSON:
        typer.echo(json.dumps(done))
    else:
        typer.echo(_sentence(done))


def _person() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Who is to be erased (it is not shown)", hide_input=True)).strip()
    given = sys.stdin.readline().strip()
    if not given:
        misused("nobody was named: write who it is on standard input, like: echo G-1029 | …")
    return given


def _sentence(done: dict[str, Any]) -> str:
    if done["state"] == "requested":
        return f"{done['id']} waits for a second person: remit audit erase --confirm {done['id']}"
    kept = done["kept_until"]
    caps = "Caps may begin anew." if kept is None else f"Caps go on counting until {kept}."
    return f"{done['id']} is done, confirmed by {done['confirmed_by']}. {caps}"


def _show_list(page: dict[str, Any], form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps(page))
    elif not page["erasures"]:
        typer.echo("Nobody was erased yet. To ask for it: echo G-1029 | remit audit erase")
    else:
        rows = [[str(one[name] or "") for name in _COLUMNS] for one in page["erasures"]]
        print_table(_COLUMNS, rows)
