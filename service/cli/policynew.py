"""``remit policy new``: five questions, a first policy with its suite."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from service.cli.render import Format, Shape, misused, say, say_json

T = TypeVar("T")


def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the policy set.")],
    *,
    name: Annotated[str | None, typer.Option(help="What the set is called.")] = None,
    currency: Annotated[str | None, typer.Option(help="What amounts are in, by ISO 4217.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Where clocks are set, by IANA.")] = None,
    roles: Annotated[
        str | None, typer.Option(help="Who serves, the lowest first: agent,lead,manager")
    ] = None,
    limit: Annotated[
        str | None, typer.Option(help="How much the lowest may give without asking.")
    ] = None,
    form: Shape = Format.TEXT,
) -> None:
    """Ask five questions and write a first policy, its suite and an access list to fill in.

    What is answered by an option is not asked. The set holds under `check --strict`.

    Example: remit policy new policies/shop --name shop --currency EUR --timezone Europe/Vienna
    """
    from service.policyfile import firstpolicy as first

    _refuse_to_overwrite(folder)
    called = _answer("What is it called?", name, first.read_name, folder.resolve().name)
    money = _answer("Which currency?", currency, first.read_currency, "USD")
    zone = _answer("Which timezone?", timezone, first.read_timezone, "UTC")
    ladder = _answer("Who serves, the lowest first?", roles, first.read_roles, "agent,lead,manager")
    most = _answer(
        f"How much {money} may {ladder[0]} give without asking?",
        limit,
        lambda text: first.read_limit(text, money),
        "50",
    )
    answers = first.Answers(
        name=called, currency=money, timezone=zone, roles=ladder, limit_minor=most
    )
    files = first.first_policy(answers)
    _write(folder, files)
    if form is Format.JSON:
        say_json({"folder": str(folder), "files": list(files)})
        return
    say(f"{', '.join(files)} written to {folder}. Next:")
    say(f"  remit policy test {folder} --coverage")
    say(f"  remit policy check {folder} --strict")


def _refuse_to_overwrite(folder: Path) -> None:
    from service.policyfile.digest import is_of_version

    if folder.exists() and not folder.is_dir():
        misused(f"{folder} is a file. Name a folder.")
    there = (
        sorted(it.name for it in folder.iterdir() if is_of_version(it.name))
        if folder.is_dir()
        else []
    )
    if there:
        misused(f"{folder} holds {', '.join(there)} already. Name another folder.")


def _answer(question: str, given: str | None, read: Callable[[str], T], proposed: str) -> T:
    """The answer by an option, or to a question that is asked until it is answered well."""
    from service.policyfile.firstpolicy import AnswerError

    def checked(text: str) -> T:
        try:
            return read(text)
        except AnswerError as error:
            raise typer.BadParameter(str(error)) from None

    if given is not None:
        return checked(given)
    asked: Any = typer.prompt(question, default=proposed, value_proc=checked, err=True)
    answer: T = asked
    return answer


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        misused(f"{folder} cannot be written: {error.strerror}.")
