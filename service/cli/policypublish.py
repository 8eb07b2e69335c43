"""``remit policy publish``, ``history``, ``rollback``: what a running service decides by."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.policybody import (
    LIMIT_DEFAULT,
    Comment,
    Limit,
    Replaces,
    given,
    say_more,
    texts_of,
)
from service.cli.remote import DEFAULT_KEY_FILE, DEFAULT_URL, KeyFile, Remote, Url
from service.cli.render import Format, Shape, misused, say, say_json
from service.cli.table import print_table

_COLUMNS: Final = ("version", "name", "published_at", "published_by", "in force")
_ROUTE: Final = "/v1/policy"


def publish(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="The folder that holds the policy files."),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The publication that somebody else asked for: pub_…"),
    ] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Show what waits for a second person.")
    ] = False,
    comment: Comment = None,
    replaces: Replaces = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Put a policy set in force at a running service. It has to load, and its suites to pass.

    Where the access.csv in force gives a role `policy, confirm`, it waits for a second person.

    Example: remit policy publish policies/hotel; remit policy publish --confirm pub_…
    """
    if [folder is not None, confirm is not None, waiting].count(True) != 1:
        misused("Name the folder to publish, or --confirm ID, or --waiting.")
    if waiting:
        _show_waiting(Remote(url, key_file).get(f"{_ROUTE}/publications", limit="200"), form)
        return
    if folder is None:
        done = Remote(url, key_file).post(f"{_ROUTE}/publications/{confirm}/confirm", {})
    else:
        body = {"files": texts_of(folder), **given(comment=comment, replaces=replaces)}
        done = Remote(url, key_file).post(f"{_ROUTE}/publish", body)
    _tell(done, form)


def history(
    limit: Limit = LIMIT_DEFAULT,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Show the versions that were published, the newest first, and which is in force.

    Example: remit policy history --limit 5
    """
    page = Remote(url, key_file).get(f"{_ROUTE}/versions", limit=str(limit))
    if form is Format.JSON:
        say_json(page)
        return
    rows = [
        [one["version"], one["name"], one["published_at"], one["published_by"], _mark(one)]
        for one in page["versions"]
    ]
    print_table(_COLUMNS, rows)
    say_more(page, limit)


def rollback(
    version: Annotated[
        str, typer.Argument(help="The version to put in force again, as `history` shows it.")
    ],
    comment: Comment = None,
    replaces: Replaces = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Put an earlier version in force again. What was decided meanwhile stands.

    Example: remit policy rollback sha256:… --comment "the old limit was right"
    """
    body = {"version": version, **given(comment=comment, replaces=replaces)}
    _tell(Remote(url, key_file).post(f"{_ROUTE}/rollback", body), form)


def _tell(done: dict[str, Any], form: Format) -> None:
    if form is Format.JSON:
        say_json(done)
    elif done["state"] == "requested":
        say(f"{done['id']} waits for a second person: remit policy publish --confirm {done['id']}")
    else:
        say(f"{done['name']} {done['version']} is in force.")
        say(f"To take it back: remit policy rollback {done['replaces']}")


def _show_waiting(page: dict[str, Any], form: Format) -> None:
    waits = [one for one in page["publications"] if one["state"] == "requested"]
    if form is Format.JSON:
        say_json({"publications": waits, "next": page["next"]})
    elif not waits:
        say("Nothing waits for a second person.")
    else:
        names = ("id", "version", "requested_by", "requested_at", "comment")
        print_table(names, [[str(one[name] or "") for name in names] for one in waits])


def _mark(version: dict[str, Any]) -> str:
    return "yes" if version["in_force"] else ""
