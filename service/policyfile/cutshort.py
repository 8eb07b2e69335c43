"""Texts that YAML ended before their author did."""

import re

from service.policyfile.place import Place
from service.policyfile.problem import Problem
from service.policyfile.yamlsyntax import QUOTE_IT
from service.policyfile.yamltree import Scalar

_OPEN = {"(": ")", "[": "]", "{": "}"}
_STRING = re.compile(r"""\"(?:\\.|[^"\\])*\"|'(?:\\.|[^'\\])*'""")


def find_cut_expression(place: Place) -> Problem | None:
    """The problem of an unquoted expression in which ``" #"`` was no comment.

    That is one that ends within a string or a bracket; an expression that is complete may
    have a comment behind it.
    """
    scalar = place.node
    if not isinstance(scalar, Scalar) or scalar.style or not is_open(scalar.text):
        return None
    if not place.source.rest_of_line(scalar.end).lstrip(" \t").startswith("#"):
        return None
    return _cut(place, scalar)


def find_cut_sentence(place: Place) -> Problem | None:
    """The problem of an unquoted sentence in which ``" #"`` was no comment, as in ``Room #5``."""
    scalar = place.node
    if not isinstance(scalar, Scalar) or scalar.style:
        return None
    rest = place.source.rest_of_line(scalar.end).lstrip(" \t")
    if rest.startswith("#") and rest[1:2].isalnum():
        return _cut(place, scalar)
    return None


def is_open(text: str) -> bool:
    """Whether an expression ends within a string or a bracket."""
    signs = _STRING.sub("", text)
    if '"' in signs or "'" in signs:
        return True
    closing: list[str] = []
    for sign in signs:
        if sign in _OPEN:
            closing.append(_OPEN[sign])
        elif closing and sign == closing[-1]:
            closing.pop()
    return bool(closing)


def _cut(place: Place, scalar: Scalar) -> Problem:
    return place.problem(
        "cut_short",
        "The text is cut short by a comment: YAML begins one at ` #`.",
        QUOTE_IT,
        offset=len(scalar.text),
    )
