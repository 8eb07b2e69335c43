"""``remit policy trial``: a candidate beside the policy that a running service decides by."""

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
from service.cli.trialtext import trial_lines

app = typer.Typer(
    no_args_is_help=True,
    help="Try a candidate beside the policy in force: in the shadow, or as a pilot for some.",
)

_ROUTE: Final = "/v1/policy/trials"
_COLUMNS: Final = ("id", "mode", "state", "name", "started_at", "ended_at", "reason")

Pilot = Annotated[
    bool, typer.Option("--pilot", help="Let it decide the cases in its scope. Without: no effect.")
]
Sites = Annotated[list[str] | None, typer.Option(help="Only for this site; may be given again.")]
Share = Annotated[
    int | None,
    typer.Option(metavar="PERCENT", help="A pilot's share of guests, the same ones always."),
]
Approved = Annotated[
    str | None, typer.Option(metavar="MONEY", help="End the pilot once it approved so much.")
]
ApprovedADay = Annotated[str | None, typer.Option(metavar="MONEY", help="The same within one day.")]
Escalated = Annotated[
    int | None,
    typer.Option(metavar="PERCENT", help="End the pilot once more than this goes upwards."),
]
After = Annotated[
    int | None,
    typer.Option(metavar="DECISIONS", help="From how many decisions on that counts; 20."),
]
Until = Annotated[
    str | None, typer.Option(metavar="INSTANT", help="End it then, like 2026-03-31T18:00:00Z.")
]
TrialId = Annotated[str, typer.Argument(metavar="ID", help="The trial, as `list` shows it: tri_…")]


@app.command()
def start(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that holds the candidate.")
    ],
    pilot: Pilot = False,
    site: Sites = None,
    share: Share = None,
    approved: Approved = None,
    approved_a_day: ApprovedADay = None,
    escalated: Escalated = None,
    after: After = None,
    until: Until = None,
    comment: Comment = None,
    replaces: Replaces = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Try a candidate at a running service. It has to load, and its suites to pass.

    A pilot is for sites or a share, and has a guardrail: at least one of --approved,
    --approved-a-day and --escalated.

    Example: remit policy trial start policies/next --pilot --share 10 --approved 5000.00
    """
    guardrail = given(
        approved=approved,
        approved_a_day=approved_a_day,
        escalated_percent=escalated,
        after_decisions=after,
    )
    if not pilot and (guardrail or share is not None):
        misused("A shadow has no effect and needs no guardrail or share. Add --pilot, or none.")
    body = {
        "files": texts_of(folder),
        "mode": "pilot" if pilot else "shadow",
        **given(
            sites=site or None,
            share_percent=share,
            guardrail=guardrail or None,
            ends_at=until,
            comment=comment,
            replaces=replaces,
        ),
    }
    _tell(Remote(url, key_file).post(_ROUTE, body), form)


@app.command("list")
def list_trials(
    limit: Limit = LIMIT_DEFAULT,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Show the trials, the newest first.

    Example: remit policy trial list --limit 5
    """
    page = Remote(url, key_file).get(_ROUTE, limit=str(limit))
    if form is Format.JSON:
        say_json(page)
    elif not page["trials"]:
        say("Nothing was tried yet.")
    else:
        rows = [[str(one[name] or "") for name in _COLUMNS] for one in page["trials"]]
        print_table(_COLUMNS, rows)
        say_more(page, limit)


@app.command()
def show(
    trial: TrialId,
    flips: Annotated[
        int, typer.Option(min=0, max=50, help="How many of the last flips to show.")
    ] = 5,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Show what a trial decided, and how the same cases come out under both sets.

    Example: remit policy trial show tri_…
    """
    shown = Remote(url, key_file).get(f"{_ROUTE}/{trial}")
    if form is Format.JSON:
        say_json(shown)
        return
    for line in trial_lines(shown, flips):
        say(line)


@app.command()
def confirm(
    trial: TrialId,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Confirm a pilot that somebody else asked for: now it begins.

    Example: remit policy trial confirm tri_…
    """
    _tell(Remote(url, key_file).post(f"{_ROUTE}/{trial}/confirm", {}), form)


@app.command()
def end(
    trial: TrialId,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """End a trial. What it decided stands.

    Example: remit policy trial end tri_…
    """
    _tell(Remote(url, key_file).post(f"{_ROUTE}/{trial}/end", {}), form)


def _tell(done: dict[str, Any], form: Format) -> None:
    if form is Format.JSON:
        say_json(done)
    elif done["state"] == "requested":
        say(f"{done['id']} waits for a second person: remit policy trial confirm {done['id']}")
    elif done["state"] == "running":
        say(f"{done['id']} runs: {done['name']} {done['version']} as a {done['mode']}.")
        say(f"To see it: remit policy trial show {done['id']}")
        say(f"To end it: remit policy trial end {done['id']}")
    else:
        say(f"{done['id']} has ended. To see it: remit policy trial show {done['id']}")
