"""``model.conf``: the access model of a set that brings its own, checked before Casbin sees it.

Casbin compares texts, so ``"100" < "50"`` there: an amount in a model would be a limit that
does not hold. None may stand in it.
"""

import configparser
import re

from service.policyfile.problem import Problem
from service.policyfile.source import Source

_NEEDED = {
    "request_definition": "r",
    "policy_definition": "p",
    "role_definition": "g",
    "policy_effect": "e",
    "matchers": "m",
}
_WIDTHS = {"p": ("sub, obj, act", 3), "g": ("_, _, _", 3), "r": ("sub, dom, obj, act", 4)}
_AMOUNT = re.compile(
    r"(?i)\b[a-z0-9_.]*(?:amount|limit|money|price|quantity|value|budget)[a-z0-9_]*\b"
)
_COMPARISON = re.compile(r"[<>]=?")


def check_model(source: Source, found: list[Problem]) -> None:
    """Add to ``found`` whatever makes the model unfit: no INI, parts missing, amounts."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    try:
        parser.read_string(source.text)
    except configparser.Error as error:
        found.append(_not_ini(source, error))
        return
    for section, key in _NEEDED.items():
        if not parser.has_option(section, key):
            found.append(_missing(source, section, key))
        elif key in _WIDTHS:
            _check_width(source, key, parser.get(section, key), found)
    _check_amounts(source, found)


def _not_ini(source: Source, error: configparser.Error) -> Problem:
    line = getattr(error, "lineno", None)
    if isinstance(error, configparser.ParsingError) and error.errors:
        line = error.errors[0][0]
    index = _line_start(source, line or 1)
    return source.problem(
        index,
        "model_syntax",
        "This is not a section or a definition, or it stands here twice.",
        "Write `[matchers]` for a section and `m = …` below it.",
    )


def _missing(source: Source, section: str, key: str) -> Problem:
    return source.problem(
        0,
        "model_incomplete",
        f"`{key}` in the section `[{section}]` is missing.",
        "Add it, or delete the file: the built-in model has all of it.",
    )


def _check_width(source: Source, key: str, written: str, found: list[Problem]) -> None:
    shown, width = _WIDTHS[key]
    if len(written.split(",")) != width:
        match = re.search(rf"(?m)^[ \t]*{key}[ \t]*=", source.text)
        found.append(
            source.problem(
                match.start() if match else 0,
                "model_width",
                f"`{key}` has {width} parts in access.csv and in requests.",
                f"Write `{key} = {shown}`.",
            )
        )


def _check_amounts(source: Source, found: list[Problem]) -> None:
    for number, line in enumerate(source.text.split("\n"), start=1):
        if line.lstrip().startswith(("#", ";")):
            continue
        match = _AMOUNT.search(line) or _COMPARISON.search(line)
        if match is not None:
            found.append(
                source.problem(
                    _line_start(source, number) + match.start(),
                    "model_amount",
                    f"`{match[0]}`: an access model compares texts, and must not know amounts.",
                    "Write limits as grants and budgets in the policy files.",
                )
            )


def _line_start(source: Source, line: int) -> int:
    return sum(len(text) + 1 for text in source.text.split("\n")[: line - 1])
