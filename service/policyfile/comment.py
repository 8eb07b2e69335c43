"""Comments of a YAML file: which ``#`` begins one, and which is text."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from service.policyfile.source import Source
from service.policyfile.yamltree import Mapping, Node, Scalar, Sequence

_MARK = re.compile(r"(?m)(?:^|(?<=[ \t]))#[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: its text from the ``#`` on, the index of that, its line, and whether it is alone.

    One that is not ``alone`` stands behind an entry.
    """

    text: str
    index: int
    line: int
    alone: bool


def comments_of(source: Source, tree: Node) -> Iterator[Comment]:
    """The comments of a file, in order. ``tree`` is what the file was read as."""
    spans = sorted((it.start, it.end) for it in scalars_of(tree))
    starts = [start for start, _ in spans]
    for found in _MARK.finditer(source.text):
        before = bisect_right(starts, found.start()) - 1
        if before >= 0 and found.start() < spans[before][1]:
            continue
        line, column = source.position(found.start())
        begin = found.start() - column + 1
        alone = not source.text[begin : found.start()].strip()
        yield Comment(found[0].rstrip(), found.start(), line, alone)


def scalars_of(node: Node) -> Iterator[Scalar]:
    """Every text and word below a node, keys included."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from scalars_of(item)
    elif isinstance(node, Mapping):
        yield from node.keys.values()
        for item in node.items.values():
            yield from scalars_of(item)
