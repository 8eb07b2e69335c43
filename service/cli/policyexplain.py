"""``remit policy explain``: one request, the ladder rung by rung, and what would have passed."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.render import Format, Shape, misused, read_set, say, say_json, tell_problems

if TYPE_CHECKING:
    from service.app.snapshot import Snapshot
    from service.core.request import Request
    from service.core.rulebook import Fact, Rulebook

Texts = list[str] | None


def explain(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the policy set.")],
    source: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="One line as remit decide reads it, or options."),
    ] = None,
    person: Annotated[str | None, typer.Option("--as", help="Who proposes.")] = None,
    site: Annotated[str | None, typer.Option(help="Where.")] = None,
    propose: Annotated[
        str | None, typer.Option(metavar="RESOLUTION", help="What is proposed.")
    ] = None,
    amount: Annotated[str | None, typer.Option(help="How much, like 150.00.")] = None,
    quantity: Annotated[int | None, typer.Option(help="How many, of what has a unit.")] = None,
    fact: Annotated[
        Texts, typer.Option(metavar="NAME=VALUE", help="A fact, like guest.tier=gold.")
    ] = None,
    text: Annotated[str | None, typer.Option("--note", help="The note.")] = None,
    evidence: Annotated[Texts, typer.Option(metavar="KIND", help="Evidence, like photo.")] = None,
    reason: Annotated[str | None, typer.Option(help="The reason.")] = None,
    channel: Annotated[str | None, typer.Option(help="The channel.")] = None,
    kind: Annotated[str, typer.Option(help="human or ai.")] = "human",
    role: Annotated[
        Texts, typer.Option(help="The roles held there; those of access.csv if not given.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When, like 2026-03-01T21:00:00-05:00.")] = None,
    form: Shape = Format.TEXT,
) -> None:
    """Explain one decision: what each grant said, what would pass unasked, who can say yes.

    Everything that is suggested was tried. Budgets are taken as unused.

    Example: remit policy explain policies/hotel --as ana --site new_york
    --propose goodwill_credit --amount 600 --fact guest.id=G-1 --fact guest.tier=gold
    """
    snapshot = _snapshot(folder)
    if source is not None:
        line = _read_line(source)
    else:
        given = {"site": site, "resolution": propose, "amount": amount, "quantity": quantity}
        more = {"note": text, "reason": reason, "channel": channel}
        proposal = _without_none({**given, **more})
        proposal["facts"] = _facts(snapshot.rulebook, fact or ())
        proposal["evidence"] = [{"kind": it, "reference": "there"} for it in evidence or ()]
        line = {"at": at, "agent": _agent(snapshot, person, site, kind, role), "request": proposal}
    request, instant = _request(snapshot.rulebook, line)
    _tell(snapshot, request, instant, form)


def _snapshot(folder: Path) -> "Snapshot":
    from service.bootstrap import compile_files
    from service.policyfile.problem import PolicyErrors

    try:
        return compile_files(read_set(folder))
    except PolicyErrors as errors:
        tell_problems(errors.problems, folder)
        raise typer.Exit(1) from None


def _read_line(source: str) -> dict[str, Any]:
    import orjson

    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        misused(f"{source} cannot be read: {error.strerror}.")
    try:
        line: dict[str, Any] = orjson.loads(data)
    except orjson.JSONDecodeError:
        misused(f"{source} holds no JSON object. Write one as remit decide reads it.")
    return line


def _agent(
    snapshot: "Snapshot", person: str | None, site: str | None, kind: str, roles: Texts
) -> dict[str, Any]:
    """Who proposes, with the roles that are given or that access.csv gives."""
    if person is None or site is None:
        misused("Say who proposes and where: --as ana --site new_york --propose … --amount …")
    held = list(snapshot.access.roles(person, site)) if roles is None else roles
    return {"id": person, "kind": kind, "roles": held}


def _facts(rulebook: "Rulebook", pairs: Texts | tuple[str, ...]) -> dict[str, Any]:
    """The facts as a request nests them, each read as its type is written in JSON."""
    found: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            misused(f"--fact is a name and a value, like guest.tier=gold, not {pair!r}")
        *parents, leaf = name.split(".")
        branch = found
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = _value(rulebook.facts.get(name), value)
    return found


def _value(fact: "Fact | None", text: str) -> Any:  # noqa: ANN401 — JSON
    from service.core.rulebook import FactType

    match None if fact is None else fact.type:
        case FactType.INTEGER | FactType.NUMBER:
            try:
                return int(text) if "." not in text else float(text)
            except ValueError:
                return text
        case FactType.BOOLEAN:
            return {"true": True, "false": False}.get(text, text)
        case FactType.TEXTS:
            return text.split(",") if text else []
        case _:
            return text


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _request(rulebook: "Rulebook", line: dict[str, Any]) -> tuple["Request", datetime]:
    """The request of a line. Ends with 2 where it cannot be decided, every fault told."""
    import orjson

    from service.app.line import LineReader
    from service.bootstrap import open_clock
    from service.core.factvalue import rfc3339
    from service.core.proposal import read_proposal
    from service.core.refusal import Refused

    if line.get("at") is None:
        line = {**line, "at": rfc3339(open_clock().now())}
    try:
        read = LineReader(rulebook).read(orjson.dumps(line))
        return read_proposal(rulebook, read.proposal, read.agent), read.at
    except Refused as refusal:
        misused(
            "\n".join(f"{it.pointer or '/'}: {it.message}; {it.remedy}" for it in refusal.faults)
        )


def _tell(snapshot: "Snapshot", request: "Request", at: datetime, form: Format) -> None:
    from service.app.deadline import expected_json
    from service.core.answer import answer_of
    from service.policyfile import explainwords
    from service.policyfile.explain import explain as explained

    book = snapshot.rulebook
    found = explained(book, request, {}, at, snapshot.access)
    if form is Format.JSON:
        escalation = expected_json(book, found.decision, request.site, at)
        answer = answer_of(book, found.decision, at, escalation=escalation)
        say_json({"decision": answer, **explainwords.as_json(book, found)})
        return
    for line in explainwords.lines(book, request, found):
        say(line if line.startswith(" ") else typer.style(line, bold=True))
