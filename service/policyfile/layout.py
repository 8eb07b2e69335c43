"""The layout of policy files: the same for everybody, comments kept, nothing said otherwise.

Indentation and blanks are written anew. Entries of one line that stand below each other are
aligned as a table, and so are their comments. What a file says is read before and after:
if that differed in anything but layout, the file would be left alone.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.resolver import VersionedResolver

from service.policyfile.comment import Comment, comments_of, scalars_of
from service.policyfile.problem import Problem
from service.policyfile.source import Source
from service.policyfile.yamltree import Mapping, Node, read_tree, to_plain
from service.policyfile.yamltree import Sequence as SequenceNode

_NO_WIDTH = 2**16
_BLANK_LINES = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


class _NoGuessing(VersionedResolver):
    """Takes every unquoted word for text, so that 2026-03-01 or 010 is written as it was."""

    versioned_resolver: Any = MappingProxyType({})


class LayoutError(Exception):
    """A file that would say something else in another layout, and is left alone."""


def laid_out(file: str, text: str) -> str:
    """The text in the layout of the house. ``text`` is a file that can be read.

    Laid out again it stays as it is. Raises `LayoutError`.
    """
    before = _said(file, text)
    spread = _spaced(_rewritten(text))
    aligned = _with_aligned_comments(file, _aligned(file, spread))
    if _said(file, aligned) != before or _remarks(file, aligned) != _remarks(file, text):
        raise LayoutError(file)
    return aligned


def _rewritten(text: str) -> str:
    """Through a reader that keeps comments, quotes and breaks, and makes nothing of words."""
    yaml = YAML()
    yaml.Resolver = _NoGuessing
    yaml.preserve_quotes = True
    yaml.width = _NO_WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(yaml.load(text), out)
    return out.getvalue()


def _spaced(text: str) -> str:
    """No blanks at the ends of lines, no two empty lines together, one line break at the end."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip("\n") + "\n"


def _said(file: str, text: str) -> object:
    """What a file says, the order of its keys included."""
    return _ordered(to_plain(_tree(file, text)))


def _ordered(value: object) -> object:
    """Mappings as pairs, since two of them are equal whatever their order."""
    if isinstance(value, dict):
        return [(key, _ordered(item)) for key, item in value.items()]
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _tree(file: str, text: str) -> Mapping:
    found: list[Problem] = []
    tree = read_tree(Source(file, text), found)
    if tree is None or found:
        raise LayoutError(file)
    return tree


# ── tables ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of one line: how deep it lies, its keys, and where its columns begin."""

    line: int
    depth: int
    keys: tuple[str, ...]
    starts: tuple[int, ...]


def _aligned(file: str, text: str) -> str:
    """Columns of entries of the same shape on lines right below each other begin together."""
    source = Source(file, text)
    wider: dict[int, int] = {}
    for rows in _runs(list(_rows(source, _tree(file, text)))):
        shift = [0] * len(rows)
        for column in range(len(rows[0].starts)):
            at = [
                source.position(row.starts[column])[1] + shift[number]
                for number, row in enumerate(rows)
            ]
            for number, row in enumerate(rows):
                gap = max(at) - at[number]
                shift[number] += gap
                wider[row.starts[column]] = gap
    for index in sorted(wider, reverse=True):
        text = text[:index] + " " * wider[index] + text[index:]
    return text


def _runs(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Rows of the same keys at the same depth, on lines that follow each other."""
    for _, run in groupby(enumerate(rows), key=_table):
        yield [row for _, row in run]


def _table(numbered: tuple[int, _Row]) -> tuple[int, int, tuple[str, ...]]:
    """What rows of one table have in common."""
    number, row = numbered
    return row.line - number, row.depth, row.keys


def _rows(source: Source, node: Node) -> Iterator[_Row]:
    """The entries that could be rows of a table, in the order of the file."""
    if isinstance(node, Mapping):
        for name, item in node.items.items():
            key = node.keys[name]
            if _is_row(source, key.start, item):
                yield _Row(*source.position(key.start), (), (item.start,))
            else:
                yield from _rows(source, item)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            if isinstance(item, Mapping) and _is_row(source, item.start, item):
                starts = tuple(key.start for key in list(item.keys.values())[1:])
                yield _Row(*source.position(item.start), tuple(item.keys), starts)
            else:
                yield from _rows(source, item)


def _is_row(source: Source, start: int, node: Node) -> bool:
    """Whether an entry that begins at ``start`` is a mapping in braces, on one line."""
    if not isinstance(node, Mapping) or not source.text.startswith("{", node.start):
        return False
    line = source.position(start)[0]
    return all(source.position(scalar.end)[0] == line for scalar in scalars_of(node))


# ── comments ──────────────────────────────────────────────────────────────────────────


def _with_aligned_comments(file: str, text: str) -> str:
    """Comments behind entries begin two blanks behind the longest entry of their run."""
    lines = text.split("\n")
    trailing = [it for it in _comments(file, text) if not it.alone]
    for _, run in groupby(enumerate(trailing), key=lambda it: it[1].line - it[0]):
        comments = [comment for _, comment in run]
        entries = [lines[it.line - 1].removesuffix(it.text).rstrip() for it in comments]
        column = 2 + max(map(len, entries))
        for comment, entry in zip(comments, entries, strict=True):
            lines[comment.line - 1] = entry.ljust(column) + comment.text
    return "\n".join(lines)


def _comments(file: str, text: str) -> list[Comment]:
    return list(comments_of(Source(file, text), _tree(file, text)))


def _remarks(file: str, text: str) -> list[str]:
    """What the comments say, in order."""
    return [comment.text for comment in _comments(file, text)]
