"""``remit escalation``: the inbox, a case, an answer, and who answers for whom."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from service.cli.casetext import about_text, case_lines, taken_line
from service.cli.remote import DEFAULT_KEY_FILE, DEFAULT_URL, KeyFile, Remote, Url
from service.cli.render import Format, Shape, misused, note, say
from service.cli.table import print_table, printable

app = typer.Typer(
    no_args_is_help=True,
    help="Escalations: what waits for you, a case, your answer, your delegates.",
)

LISTED_MAX: Final = 200
ANSWERED_MAX: Final = 100
_INBOX: Final = ("id", "answer by", "site", "to", "from", "about", "as", "")
_ALL: Final = ("id", "state", "site", "to", "from", "opened at", "answered by")
_DELEGATIONS: Final = ("id", "state", "for", "to", "from", "until", "site", "role")
_OK: Final = 200


@app.command("list")
def list_escalations(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Not only what you may answer: all that you may see.")
    ] = False,
    state: Annotated[
        str | None, typer.Option(help="With --all: open, asked, approved, denied, withdrawn …")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    role: Annotated[str | None, typer.Option(help="Only what waits for this role.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LISTED_MAX, help="How many.")] = 50,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """List what waits for your answer, the most urgent first; also what you answer for others.

    Example: remit escalation list --site new_york
    """
    if state is not None and not everything:
        misused("--state needs --all: your inbox is what is not answered yet")
    whose = None if everything else "me"
    page = Remote(url, key_file).get(
        "/v1/escalations",
        **{"for": whose, "state": state, "site": site, "role": role, "limit": str(limit)},
    )
    if form is Format.JSON:
        typer.echo(json.dumps(page))
    elif everything:
        _print_all(page)
    else:
        _print_inbox(page)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="The escalation's id, from: remit escalation list")],  # noqa: A002
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Show a case with everything that helps to answer it.

    Example: remit escalation show esc_01kk3v9s0v4m2f8n6x7z5q1r0t
    """
    found = Remote(url, key_file).get(f"/v1/escalations/{_checked(id)}")
    if form is Format.JSON:
        typer.echo(json.dumps(found))
        return
    for line in case_lines(found):
        say(printable(line))


@app.command()
def answer(
    ids: Annotated[list[str], typer.Argument(help="One escalation, or several alike.")],
    *,
    approve: Annotated[bool, typer.Option("--approve", help="Give what was asked.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Give nothing; needs --reason.")] = False,
    ask: Annotated[
        str | None, typer.Option(metavar="QUESTION", help="Ask the agent for more.")
    ] = None,
    amount: Annotated[str | None, typer.Option(help="Give another amount instead.")] = None,
    quantity: Annotated[int | None, typer.Option(help="Give another quantity instead.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the agent.")] = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Answer: approve, deny, ask, or counter with another amount or quantity.

    Ends with 1 where any answer was not taken, and says why.

    Example: remit escalation answer esc_01kk3v9s0v4m2f8n6x7z5q1r0t --amount 250.00 --reason "Half."
    """
    given = _given(approve=approve, deny=deny, ask=ask, amount=amount, quantity=quantity)
    if reason is not None:
        given["reason"] = reason
    if len(ids) > ANSWERED_MAX:
        misused(f"at most {ANSWERED_MAX} at a time")
    answers = [{"id": one, **given} for one in dict.fromkeys(ids)]
    taken = Remote(url, key_file).post("/v1/escalations/answers", {"answers": answers})
    if form is Format.JSON:
        typer.echo(json.dumps(taken))
    else:
        for one in taken["answers"]:
            say(printable(taken_line(one)))
    if any(one["status"] != _OK for one in taken["answers"]):
        raise typer.Exit(1)


@app.command()
def delegate(
    *,
    to: Annotated[str | None, typer.Option(help="Who answers for you from now on.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Up to this instant, like 2026-03-09T06:00:00-05:00.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="From this instant on; now if left out.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Only at this site.")] = None,
    role: Annotated[str | None, typer.Option(help="Only what this role may.")] = None,
    person: Annotated[
        str | None, typer.Option("--for", help="For a colleague, if you manage delegations.")
    ] = None,
    revoke: Annotated[
        str | None, typer.Option(metavar="ID", help="End a delegation before its time.")
    ] = None,
    url: Url = DEFAULT_URL,
    key_file: KeyFile = DEFAULT_KEY_FILE,
    form: Shape = Format.TEXT,
) -> None:
    """Let somebody answer for you while you are away; without options, list who does.

    Example: remit escalation delegate --to mia --until 2026-03-09T06:00:00-05:00
    """
    asked = {"for": person, "to": to, "from": begin, "until": until, "site": site, "role": role}
    body = {name: value for name, value in asked.items() if value is not None}
    if revoke is not None and body:
        misused("--revoke takes the delegation's id and nothing else")
    if body and (to is None or until is None):
        misused("say who and until when: --to mia --until 2026-03-09T06:00:00-05:00")
    remote = Remote(url, key_file)
    if revoke is not None:
        done = remote.post(f"/v1/delegations/{_checked(revoke)}/revoke", {})
        _print_delegations({"delegations": [done]}, form)
    elif body:
        _print_delegations({"delegations": [remote.post("/v1/delegations", body)]}, form)
    else:
        _print_delegations(remote.get("/v1/delegations", state="current"), form)


def _given(**asked: Any) -> dict[str, Any]:  # noqa: ANN401 — the options by name
    """The one answer that the options say. Ends with 2 for none and for several."""
    said = [name for name, value in asked.items() if value not in {False, None}]
    if len(said) != 1:
        misused("say one of: --approve, --deny, --ask QUESTION, --amount AMOUNT, --quantity N")
    name = said[0]
    if name in {"approve", "deny"}:
        return {"answer": name}
    if name == "ask":
        return {"answer": "ask", "question": asked["ask"]}
    return {"answer": "counter", name: asked[name]}


def _checked(id_: str) -> str:
    if not id_.isascii() or not id_.replace("_", "").isalnum():
        misused(f"{id_[:60]!r} is no id")
    return id_


def _print_all(page: Mapping[str, Any]) -> None:
    rows = [
        [one[name] or "" for name in ("id", "state", "site", "to", "proposer", "opened_at")]
        + [one["answered_by"] or ""]
        for one in page["escalations"]
    ]
    if not rows:
        note("Nothing was escalated that you may see and that fits.")
        return
    print_table(_ALL, rows)
    _tell_more(page)


def _print_inbox(page: Mapping[str, Any]) -> None:
    rows = [
        [
            one["id"],
            one["answer_by"] or "–",
            one["site"],
            one["to"],
            one["proposer"],
            about_text(one),
            one["as"],
            _mark(one),
        ]
        for one in page["escalations"]
    ]
    if not rows:
        note("Nothing waits for you. To see what others have: remit escalation list --all")
    else:
        print_table(_INBOX, rows)
        counts = page["counts"]
        more = "" if counts["complete"] else "more than "
        note(f"{more}{counts['open']} open, {counts['overdue']} overdue, {counts['asked']} asked")
        _tell_more(page)
    for one in page["acting_for"]:
        note(f"You answer for {one['for']} at {one['site']} until {one['until']}.")


def _mark(one: Mapping[str, Any]) -> str:
    if one["overdue"]:
        return "overdue"
    return "asked" if one["state"] == "asked" else ""


def _tell_more(page: Mapping[str, Any]) -> None:
    if page["next"] is not None:
        note("There are more: raise --limit, or narrow with --site and --role.")


def _print_delegations(page: Mapping[str, Any], form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps(page))
        return
    found: Sequence[Mapping[str, Any]] = page["delegations"]
    if not found:
        note(
            "Nobody answers for you, nor you for anybody. Before you leave: "
            "remit escalation delegate --to NAME --until INSTANT"
        )
        return
    names = ("id", "state", "for", "to", "from", "until", "site", "role")
    empty = {"site": "every site", "role": "every role"}
    rows = [[one[name] or empty.get(name, "") for name in names] for one in found]
    print_table(_DELEGATIONS, rows)
