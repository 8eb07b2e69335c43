"""A place in a document: where to point when something is wrong there."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from service.policyfile.position import index_of
from service.policyfile.problem import Problem, Severity, render_path
from service.policyfile.source import Source
from service.policyfile.yamltree import Mapping, Node, Path, Scalar, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a file, how it is reached, and the key that names it (if one does)."""

    source: Source
    node: Node
    path: Path = ()
    key: Scalar | None = None

    def child(self, *steps: str | int) -> "Place":
        """The place below. Where the file has none, the last one on the way, by its full path."""
        place = self
        for step in steps:
            place = place._below(step)
        return place

    def problem(
        self,
        code: str,
        message: str,
        remedy: str,
        *,
        on_key: bool = False,
        offset: int | None = None,
        severity: Severity = "error",
    ) -> Problem:
        """A problem here: at the value, at the key that names it, or inside its text."""
        line, column = self.source.position(self._index(on_key=on_key, offset=offset))
        return Problem(
            file=self.source.file,
            line=line,
            column=column,
            path=render_path(self.path),
            code=code,
            message=message,
            remedy=remedy,
            severity=severity,
        )

    def where(self) -> str:
        """``file:line:column`` of the key, or of the value where no key names it."""
        line, column = self.source.position(self._index(on_key=True, offset=None))
        return f"{self.source.file}:{line}:{column}"

    def _index(self, *, on_key: bool, offset: int | None) -> int:
        if on_key and self.key is not None:
            return self.key.start
        if offset is not None and isinstance(self.node, Scalar):
            return index_of(self.source, self.node, offset)
        return self.node.start

    def _below(self, step: str | int) -> "Place":
        path = (*self.path, step)
        node = self.node
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
            return Place(self.source, node.items[step], path, node.keys[step])
        if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            return Place(self.source, node.items[step], path)
        return Place(self.source, node, path, self.key)


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A value that has its shape, and the place it was read from."""

    place: Place
    value: T
