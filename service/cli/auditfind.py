"""``remit audit show`` and ``proof``: find entries, and prove that the log has them."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.auditsource import KeyFile, Keys, is_address, keys_of, remote, sources_told
from service.cli.render import Format, Shape, counted, misused, note, say, say_json
from service.cli.serve import fail, read_settings

if TYPE_CHECKING:
    from service.audit.remote import RemoteSource
    from service.books import Books

LIMIT_MAX: Final = 10_000
_PAGE: Final = 200
_RECEIPT: Final = ".tlog-proof"

Service = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="The address of a service (its key in REMIT_TOKEN), or a database; REMIT_DATABASE "
        "if left out.",
    ),
]
Word = Annotated[str | None, typer.Option(help="Only this.")]


def show(
    id: Annotated[  # noqa: A002
        str | None, typer.Argument(help="A resolution, an escalation or an entry: all about it.")
    ] = None,
    source: Service = None,
    since: Annotated[str | None, typer.Option(help="From this instant on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this instant.")] = None,
    site: Word = None,
    agent: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    subject: Annotated[
        bool,
        typer.Option(
            "--subject", help="About one person: asks for the id, or reads it from a pipe."
        ),
    ] = False,
    kind: Word = None,
    resolution: Word = None,
    outcome: Word = None,
    rule: Word = None,
    reason: Word = None,
    policy: Annotated[str | None, typer.Option(help="A version: sha256:…")] = None,
    escalation: Word = None,
    amount_from: Annotated[str | None, typer.Option(help="Worth this much or more.")] = None,
    amount_to: Annotated[str | None, typer.Option(help="Worth this much or less.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many at most.")] = 50,
    form: Shape = Format.TEXT,
) -> None:
    """Show entries, newest first; or the whole history of one case, oldest first.

    Whom something is about is asked for, so that no name stands in a history of commands.

    Example: remit audit show --outcome denied --since 2026-03-01T00:00:00Z --amount-from 200
    """
    question = _question(
        since=since,
        until=until,
        site=site,
        agent=agent,
        kind=kind,
        resolution=resolution,
        outcome=outcome,
        rule=rule,
        reason=reason,
        policy=policy,
        escalation=escalation,
        amount_from=amount_from,
        amount_to=amount_to,
        subject=_person() if subject else None,
    )
    with sources_told(), _book(source) as book:
        latest = islice(book.entries(question), limit)
        found = list(latest) if id is None else _case(book, id)
    if form is Format.JSON:
        say_json(found)
    else:
        _tell(found, _line if id is None else _paragraph)
        if len(found) == limit and id is None:
            note(f"There may be more: --limit {LIMIT_MAX} shows up to that many.")


def _tell(found: Sequence[Mapping[str, Any]], told: Callable[[Mapping[str, Any]], str]) -> None:
    for entry in found:
        say(told(entry))
    if not found:
        note("There is nothing like that.")


def _question(**given: str | None) -> dict[str, Any]:
    """What was asked for, without what was not."""
    return {name: value for name, value in given.items() if value is not None}


def proof(
    entry: Annotated[str, typer.Argument(help="An entry's id, or a file that was kept of one.")],
    source: Annotated[
        str | None,
        typer.Option("--source", help="The address of a service; REMIT_TOKEN has its key."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to keep both files in.")] = Path(),
    key: Keys = None,
    key_file: KeyFile = None,
    form: Shape = Format.TEXT,
) -> None:
    """Prove that the log has an entry: fetch its receipt, or verify one offline.

    With --source the entry and its receipt are fetched, verified and kept as two files. With
    the file of an entry the receipt beside it is verified, and nothing else is needed.

    Example: remit audit proof ent_01km93.json --key-file operator.vkey
    """
    from service.audit.note import NoteError
    from service.audit.proof import ProofError, parse_receipt

    keys = keys_of(key, key_file)
    data, receipt = _kept(Path(entry)) if source is None else _fetched(entry, source)
    try:
        parsed = parse_receipt(receipt)
        parsed.checkpoint.check([each for each in keys if each.name == parsed.checkpoint.origin])
        parsed.check(data)
    except (NoteError, ProofError) as error:
        fail(f"It is not proved: {error}.")
    files = []
    if source is not None:
        files = [out / f"{entry}.json", out / f"{entry}{_RECEIPT}"]
        for path, content in zip(files, (data, receipt), strict=True):
            _keep(path, content)
    point = parsed.checkpoint
    if form is Format.JSON:
        kept = [str(path) for path in files]
        say_json({"index": parsed.index, "origin": point.origin, "size": point.size, "files": kept})
        return
    say(f"Entry {parsed.index} of {point.origin}, which had {point.size} when it signed this.")
    for path in files:
        note(f"kept {path}")


class _Book:
    """Entries of a service or of a database, by the same questions."""

    def __init__(self, service: "RemoteSource | None", books: "Books | None") -> None:
        self._service = service
        self._books = books

    def entries(self, question: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Newest first, to the end."""
        after: str | None = None
        while True:
            page = self._page({**question, "limit": _PAGE, **({"after": after} if after else {})})
            yield from page["entries"]
            after = page["next"]
            if after is None:
                return

    def _page(self, question: dict[str, Any]) -> dict[str, Any]:
        from service.core.refusal import Refused

        found: dict[str, Any]
        if self._service is not None:
            found = json.loads(self._service.post("v1/log/search", json.dumps(question).encode()))
        elif self._books is not None:
            if "subject" in question and not self._books.search.finds_people:
                misused("To find a person in a database takes its master key: REMIT_MASTER_KEY.")
            try:
                found = json.loads(self._books.search.search(None, question))
            except Refused as refused:
                fault = refused.faults[0]
                misused(f"{fault.pointer.removeprefix('/')}: {fault.message}; {fault.remedy}")
        return found


@contextmanager
def _book(source: str | None) -> Iterator[_Book]:
    if source is not None and is_address(source):
        yield _Book(remote(source), None)
        return
    from service.bootstrap import open_archive

    with open_archive(read_settings(database=source)) as books:
        yield _Book(None, books)


def _case(book: _Book, id: str) -> list[dict[str, Any]]:  # noqa: A002
    """Everything about a resolution, oldest first."""
    if id.startswith("esc_"):
        return list(book.entries({"escalation": id}))[::-1]
    return list(book.entries({"about": id}))[::-1]


def _person() -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt(
            "Whose entries (the id, as it is proposed)", hide_input=True, err=True
        )
        return answer
    return sys.stdin.readline().rstrip("\n") or misused("Nobody was named on standard input.")


def _line(entry: Mapping[str, Any]) -> str:
    body = entry["body"]
    said, by = _said(body), (body.get("by") or {}).get("id", "")
    value = _value(body)
    line = f"{entry['at']:<27}  {entry['kind']:<9}  {said:<10}  {by:<12}  {value:>12}"
    return f"{line}  {entry['id']}  {body.get('attempted', '')}".rstrip()


def _said(body: Mapping[str, Any]) -> str:
    return str(body.get("outcome") or body.get("effect") or body.get("code") or "")


def _value(body: Mapping[str, Any]) -> str:
    """Money in minor units: what its currency is stands in the policy. Of attempts their number."""
    if "refused" in body:
        return counted(body["refused"], "time")
    decision = body.get("decision") or body
    value = decision.get("value_minor")
    return "" if value is None else f"{value:,}"


def _paragraph(entry: Mapping[str, Any]) -> str:
    """One step of a case: what happened, why, and what it did to budgets."""
    body = entry["body"]
    decision = body.get("decision") or body
    lines = [_line(entry)]
    for reason in decision.get("reasons", ()):
        rule, role = reason["rule"] or "", reason["role"] or ""
        lines.append(f"    {reason['code']:<18} {rule} {role}".rstrip())
    for line in decision.get("budgets", ()):
        limit = "no limit" if line["limit"] is None else f"of {line['limit']:,}"
        lines.append(
            f"    {line['budget']:<18} {line['before']:,} {line['charged']:+,} = {line['after']:,} "
            f"{limit}, version {line['version']}"
        )
    return "\n".join(lines)


def _fetched(entry: str, source: str) -> tuple[bytes, bytes]:
    with sources_told():
        service = remote(source)
        told = json.loads(service.read(f"v1/log/{entry}"))
        receipt = service.read(f"v1/log/{entry}/proof")
    return told["bytes"].encode(), receipt


def _kept(path: Path) -> tuple[bytes, bytes]:
    receipt = path.with_suffix(_RECEIPT)
    for each in (path, receipt):
        if not each.is_file():
            misused(f"There is no file {each}. Fetch an entry with its receipt: --source URL")
    return path.read_bytes(), receipt.read_bytes()


def _keep(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
