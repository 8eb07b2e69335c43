"""What libyaml says about text that is no YAML, in words that help to mend it."""

import re

import yaml

from service.policyfile.problem import Problem
from service.policyfile.source import Source

QUOTE_IT = "Put the whole text in single quotes: '…'"

# (what libyaml's problem contains, what is wrong, what to write instead), first match wins.
_WORDS = (
    ("mapping values are not allowed", "A second `: ` stands in this text.", QUOTE_IT),
    (
        "cannot start any token",
        "No text may begin with this character unless it is quoted.",
        QUOTE_IT,
    ),
    (
        "did not find expected ',' or ']'",
        "A list that was opened with `[` is not closed, or lacks a comma.",
        "Close it with `]`, and quote texts that hold brackets or commas.",
    ),
    (
        "did not find expected ',' or '}'",
        "A mapping that was opened with `{` is not closed, or lacks a comma.",
        "Close it with `}`, and quote texts that hold braces, brackets or commas.",
    ),
    (
        "did not find expected node content",
        "A list or a mapping is not closed, or lacks a value.",
        "Close it with `]` or `}`, and write a value after each comma.",
    ),
    (
        "did not find expected '-' indicator",
        "This does not belong to the list above it.",
        "Indent it like the items of the list, or like the key that holds the list.",
    ),
    (
        "did not find expected key",
        "No key begins here: the indentation is off, or text goes on after a closing quote.",
        "Indent it like the keys around it; if it is one text, put all of it in single quotes.",
    ),
    (
        "could not find expected ':'",
        "This key has no colon.",
        "Write `key: value`, with a space after the colon.",
    ),
    (
        "found unexpected end of stream",
        "A text in quotes is not closed.",
        "Close it with the quote that opened it.",
    ),
    (
        "found unexpected document indicator",
        "A text in quotes is not closed.",
        "Close it with the quote that opened it.",
    ),
    (
        "found unknown escape character",
        "No such escape exists in double quotes.",
        "Use single quotes, in which a backslash is only a backslash.",
    ),
    (
        "expected alphabetic or numeric character",
        "A text begins with `&`, `*` or `!`, which mean something else in YAML.",
        QUOTE_IT,
    ),
)


def explain(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """The one place where the file stops being YAML. Nothing after it is read."""
    mark = error.problem_mark or error.context_mark
    index = mark.index if mark is not None else 0
    said = str(error.problem or "")
    message, remedy = _in_plain_words(said)
    return source.problem(min(index, len(source.text)), "yaml_syntax", message, remedy)


def _in_plain_words(said: str) -> tuple[str, str]:
    for fragment, message, remedy in _WORDS:
        if fragment in said:
            return message, remedy
    said = re.sub(r"\s+", " ", said) or "the text cannot be read"
    return (
        f"This is not YAML: {said}.",
        f"Mend the line; if it is text, {QUOTE_IT[0].lower()}{QUOTE_IT[1:]}",
    )
