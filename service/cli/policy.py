"""``remit policy``: what managers do with a policy set."""

import json
from pathlib import Path
from typing import Annotated

import typer

from service.cli import (
    policycheck,
    policydiff,
    policyexplain,
    policyexposure,
    policyfmt,
    policynew,
    policypublish,
    policyreplay,
    policytest,
    policytrial,
)
from service.cli.render import Format, Shape, misused, note, say, say_json

app = typer.Typer(no_args_is_help=True, help="Policy sets: write, check, test and compare them.")

app.command()(policynew.new)
app.command()(policyfmt.fmt)
app.command()(policycheck.check)
app.command("test")(policytest.run_tests)
app.command()(policydiff.diff)
app.command()(policyexplain.explain)
app.command()(policyexposure.exposure)
app.command()(policyreplay.replay)
app.command()(policypublish.publish)
app.command()(policypublish.history)
app.command()(policypublish.rollback)
app.add_typer(policytrial.app, name="trial")


@app.command()
def schema(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the files here; print them if not.")
    ] = None,
    form: Shape = Format.JSON,
) -> None:
    """Write the JSON Schemas of policy files and suites, with which editors check as you type.

    Example: remit policy schema --out policies/schema
    """
    from service.policyfile.schema import schema_files

    files = schema_files()
    if out is None and form is Format.JSON:
        say_json({name: json.loads(text) for name, text in files.items()})
    elif out is None:
        for name in files:
            say(name)
    else:
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (out / name).write_text(text, encoding="utf-8")
        except OSError as error:
            misused(f"{out} cannot be written: {error.strerror}.")
        note(f"{', '.join(files)} written to {out}")
