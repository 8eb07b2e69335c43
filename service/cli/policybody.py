"""What the commands send that ask a running service for another policy, and how they page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from service.cli.render import misused, read_set, say

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 200

Comment = Annotated[
    str | None, typer.Option(help="Why, for colleagues. It is kept in clear: name no guest.")
]
Replaces = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION", help="Do nothing unless this version is in force: what you compared."
    ),
]
Limit = Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many to show.")]


def given(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 — JSON
    """The fields of a body that somebody gave."""
    return {name: value for name, value in fields.items() if value is not None}


def texts_of(folder: Path) -> dict[str, str]:
    """The files as texts. Ends with 2 where one is none."""
    texts = {}
    for name, data in _files(folder).items():
        try:
            texts[name] = data.decode()
        except UnicodeDecodeError:
            misused(f"{folder / name} is no UTF-8. To see where: remit policy check {folder}")
    return texts


def _files(folder: Path) -> "Mapping[str, bytes]":
    from service.policyfile.problem import PolicyErrors

    try:
        return read_set(folder)
    except PolicyErrors as errors:
        misused(str(errors))


def say_more(page: dict[str, Any], limit: int) -> None:
    """Say how to see the rest, where a page is not the last one."""
    if page["next"] is not None:
        say(f"There are more: --limit {min(LIMIT_MAX, 2 * limit)}")
