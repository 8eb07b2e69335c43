"""The commands are quick to load and say what they do."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from service import __version__
from service.cli.main import app
from tests.cli.terminal import remit

FORBIDDEN = ("fastapi", "sqlalchemy", "sqlmodel", "uvicorn", "casbin", "rich")


def _commands(
    group: TyperGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*path, name))
        elif isinstance(command, TyperCommand):
            yield (*path, name), command


def _all() -> list[tuple[tuple[str, ...], TyperCommand]]:
    root = get_command(app)
    assert isinstance(root, TyperGroup)
    return list(_commands(root))


def test_the_version_is_told() -> None:
    """Who reports a mistake can say with which release it was made."""
    result = remit("--version")
    assert (result.exit_code, result.stdout) == (0, f"remit {__version__}\n")


def test_without_a_command_the_commands_are_listed() -> None:
    """Somebody who types the name alone learns what there is; it is wrong usage all the same."""
    result = remit()
    assert result.exit_code == 2
    assert "decide" in result.output


@pytest.mark.parametrize("path", [path for path, _ in _all()], ids=" ".join)
def test_every_command_shows_an_example(path: tuple[str, ...]) -> None:
    """Help without an example makes people guess, and the example is of that command."""
    result = remit(*path, "--help")
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert f"Example: remit {' '.join(path)}" in shown


@pytest.mark.parametrize("command", [["--help"], ["decide", "--help"], ["policy", "--help"]])
def test_help_loads_no_machinery(command: list[str]) -> None:
    """Neither a web framework nor a database is loaded to print a page."""
    told = _modules_after(command)
    assert told.isdisjoint({*FORBIDDEN, "cel_expr_python", "orjson"})


def test_deciding_loads_neither_a_web_framework_nor_a_database() -> None:
    """A stream of proposals starts as fast as its policies load."""
    told = _modules_after(["decide", "--policies", "policies/hotel", "-"])
    assert told.isdisjoint(FORBIDDEN)
    assert "cel_expr_python" in told


def _modules_after(arguments: list[str]) -> set[str]:
    """The modules that a process has loaded when its command is done."""
    script = (
        "import sys\n"
        "from service.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], input=b"", capture_output=True, check=True
    )
    return set(done.stderr.decode().split())
