"""Commands run as people run them, in this process or in one of their own."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from service.cli.main import app
from tests.policyfile.suites import case, step, suite_files

PASSING = case("a small credit is given", step('credit, amount: "20.00"', "outcome: approved"))
FAILING = case(
    "a large credit is given",
    step('credit, amount: "20.00"', "outcome: approved"),
    step('credit, amount: "2000.00"', "outcome: escalated, to: owner"),
)


def remit(*arguments: str | Path, stdin: bytes = b"") -> Result:
    """Run a command in this process; nothing it prints goes to a terminal."""
    return CliRunner().invoke(app, [str(it) for it in arguments], input=stdin, prog_name="remit")


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Start a command in a process of its own, with pipes."""
    command = [sys.executable, "-m", "service", *(str(it) for it in arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ})


def write_set(folder: Path, *cases: str) -> Path:
    """A policy set in a folder: the shop, with a suite of these tests where there are any."""
    files = suite_files(*cases)
    if not cases:
        del files["shop_test.yaml"]
    access = "p, agent, resolution, propose\ng, clerk, agent, *\ng, ana, clerk, main\n"
    for name, data in {**files, "access.csv": access.encode()}.items():
        (folder / name).write_bytes(data)
    return folder
