"""``remit policy fmt``: the layout of policy files and suites."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from service.cli.policycheck import Folder
from service.cli.render import (
    Format,
    Shape,
    counted,
    misused,
    read_set,
    say,
    say_json,
    tell_problems,
)


def fmt(
    folder: Folder,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with 1 where something would be.")
    ] = False,
    form: Shape = Format.TEXT,
) -> None:
    """Lay out the files of a set alike: indentation, blanks, aligned tables. Comments are kept.

    What the rules say never changes: a file that would say something else is left alone.

    Example: remit policy fmt policies/hotel --check
    """
    files = _loaded(folder)
    changed, left_alone = _laid_out(files)
    if not check:
        _write(folder, changed)
    if form is Format.JSON:
        say_json({"ok": not (check and changed), "files": list(changed), "left_alone": left_alone})
    else:
        for name in left_alone:
            say(f"{name} would say something else in another layout, and is left alone.")
        for name in changed:
            say(f"{name} {'would be' if check else 'is'} laid out anew.")
        unchanged = sum(name.endswith(".yaml") for name in files) - len(changed)
        done = "to change" if check else "changed"
        say(f"{counted(len(changed), 'file')} {done}, {unchanged} as it should be")
    if check and changed:
        raise typer.Exit(1)


def _loaded(folder: Path) -> Mapping[str, bytes]:
    """The files of a set that loads. Ends with 1 where it does not: that is mended first."""
    from service.policyfile.load import load_set
    from service.policyfile.problem import PolicyErrors
    from service.policyfile.suitefile import read_suites

    try:
        files = read_set(folder)
        load_set(files)
        read_suites(files)
    except PolicyErrors as errors:
        tell_problems(errors.problems, folder)
        raise typer.Exit(1) from None
    return files


def _laid_out(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """The files that look different in the layout of the house, and those left alone.

    The rules' digest is that of before, or nothing is changed at all.
    """
    from service.policyfile.layout import LayoutError, laid_out
    from service.policyfile.load import load_rulebook

    changed: dict[str, bytes] = {}
    left_alone: list[str] = []
    for name, data in files.items():
        if not name.endswith(".yaml"):
            continue
        try:
            text = laid_out(name, data.decode("utf-8")).encode()
        except LayoutError:
            left_alone.append(name)
            continue
        if text != data:
            changed[name] = text
    if load_rulebook({**files, **changed}).rules != load_rulebook(files).rules:
        return {}, [*left_alone, *changed]
    return changed, left_alone


def _write(folder: Path, changed: Mapping[str, bytes]) -> None:
    """Each file whole or not at all, with the permissions that it has."""
    for name, data in changed.items():
        path = folder / name
        beside = path.with_name(f".{path.name}.new")
        try:
            beside.write_bytes(data)
            beside.chmod(path.stat().st_mode)
            beside.replace(path)
        except OSError as error:
            misused(f"{path} cannot be written: {error.strerror}.")
