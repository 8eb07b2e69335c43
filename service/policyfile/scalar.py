"""What a plain scalar means: the core schema of YAML 1.2.2 (section 10.3), and nothing else.

Many programs still read YAML 1.1, where ``12:30`` is 750, ``010`` is 8 and ``NO`` is
false. Whatever the two versions read differently is refused, so that no file means one
thing to its author and another to Remit.
"""

import re
from typing import NoReturn

PlainValue = str | int | float | bool | None

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_BOOLEAN_ELSEWHERE = re.compile(r"(?i)y|n|yes|no|on|off")
_STARTS_LIKE_A_NUMBER = frozenset("+-.0123456789")

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_UNDERSCORES = re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?")
_OTHER_BASE = re.compile(r"[-+]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)")
_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+")
_NO_NUMBER = re.compile(r"(?i)[-+]?\.inf|\.nan")

_DIGITS_MAX = 16


class Surprise(Exception):  # noqa: N818 - a text that reads in two ways is no error of ours
    """A plain scalar that is refused: ``code``, ``message`` and ``remedy`` say why."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        """Keep the three."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


def resolve(text: str) -> PlainValue:
    """The value of a plain scalar. Raises `Surprise` where YAML 1.1 reads another one."""
    if text[:1] in _STARTS_LIKE_A_NUMBER and text:
        return _number_or_text(text)
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _BOOLEAN_ELSEWHERE.fullmatch(text):
        raise Surprise(
            "yaml_boolean",
            f"`{text}` is text here and true or false elsewhere.",
            f'Write "{text}" in quotes if it is a name; else write true or false.',
        )
    return text


def _number_or_text(text: str) -> PlainValue:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _SEXAGESIMAL.fullmatch(text):
        _refuse_sexagesimal(text)
    _refuse_odd_number(text)
    return text


def _integer(text: str) -> int:
    if len(text) > _DIGITS_MAX:
        raise Surprise(
            "number_too_large",
            f"A number of {len(text)} digits is more than any number may be.",
            "Write a number of at most 15 digits, or quote it if it is a name.",
        )
    return int(text)


def _refuse_sexagesimal(text: str) -> NoReturn:
    raise Surprise(
        "yaml_sexagesimal",
        f"`{text}` is text here and a number in base 60 elsewhere.",
        f'Write it in quotes: "{text}"',
    )


def _refuse_odd_number(text: str) -> None:
    if _LEADING_ZERO.fullmatch(text):
        bare = text.lstrip("+-").lstrip("0") or "0"
        raise Surprise(
            "yaml_leading_zero",
            f"`{text}` is a decimal number to some programs and an octal one to others.",
            f'Write {bare}, or "{text}" in quotes if it is a name.',
        )
    if _OTHER_BASE.fullmatch(text):
        raise Surprise(
            "yaml_other_base",
            f"`{text}` is a number in another base.",
            "Write the number in decimal digits, or quote it if it is a name.",
        )
    if _EXPONENT.fullmatch(text):
        raise Surprise(
            "yaml_exponent",
            f"`{text}` is a number to some programs and text to others.",
            "Write all the digits, or quote it if it is a name.",
        )
    if _NO_NUMBER.fullmatch(text):
        raise Surprise(
            "yaml_not_a_number",
            f"`{text}` is no number that could be compared or counted.",
            "Write a number, or leave the key out where there is no limit.",
        )
    if "_" in text and _UNDERSCORES.fullmatch(text):
        raise Surprise(
            "yaml_underscore",
            f"`{text}` is text here and a number elsewhere.",
            f"Write {text.replace('_', '')} without underscores.",
        )
