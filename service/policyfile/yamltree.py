"""YAML to a tree that knows where everything stands.

The events of libyaml are taken as they come, before anything is expanded or guessed:
aliases, tags, duplicate keys and everything else that makes a file mean more than it
shows are refused here, each at its place. Scalars are resolved by `service.policyfile.scalar`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import yaml

from service.policyfile.problem import Problem, render_path
from service.policyfile.scalar import PlainValue, Surprise, resolve
from service.policyfile.source import Source, find_tabs
from service.policyfile.yamlsyntax import QUOTE_IT, explain

NESTING_MAX = 16
"""How deep lists and mappings may lie in one another."""

Path: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True, eq=False)
class Scalar:
    """A leaf. ``start`` and ``end`` are indexes into the source, quotes included.

    ``text`` is what YAML says it holds, ``value`` what that means. ``broken`` is set when
    a problem was already told about it.
    """

    start: int
    end: int
    style: str
    text: str
    value: PlainValue
    broken: bool = False


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    start: int
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys in the order of the file; each with the scalar that names it."""

    start: int
    keys: dict[str, Scalar] = field(default_factory=dict)
    items: dict[str, "Node"] = field(default_factory=dict)


Node: TypeAlias = Scalar | Sequence | Mapping

BROKEN = object()
"""Stands for a broken scalar in plain data: of no type, so nothing accepts it."""


def read_tree(source: Source, found: list[Problem]) -> Mapping | None:
    """The file's one document, a mapping; or None with the reason among ``found``.

    A tree may come back together with problems: those told about single scalars and keys.
    """
    tabs = list(find_tabs(source))
    if tabs:
        found.extend(tabs)
        return None
    try:
        return _Composer(source, found).document()
    except _StopError:
        return None
    except yaml.MarkedYAMLError as error:
        found.append(explain(source, error))
        return None


def to_plain(node: Node) -> object:
    """Dictionaries, lists and values, as pydantic takes them."""
    if isinstance(node, Scalar):
        return BROKEN if node.broken else node.value
    if isinstance(node, Sequence):
        return [to_plain(item) for item in node.items]
    return {key: to_plain(item) for key, item in node.items.items()}


def _start(event: yaml.Event) -> int:
    mark = event.start_mark
    return 0 if mark is None else int(mark.index)


def _end(event: yaml.Event) -> int:
    mark = event.end_mark
    return 0 if mark is None else int(mark.index)


def _as_written(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


class _StopError(Exception):
    """The rest of this file cannot be read; the reason was told."""


class _Composer:
    def __init__(self, source: Source, found: list[Problem]) -> None:
        self._source = source
        self._found = found
        self._events: Iterator[yaml.Event] = iter(yaml.parse(source.text, Loader=yaml.CSafeLoader))
        self._path: list[str | int] = []

    def document(self) -> Mapping:
        """Read the whole stream. Raises `_StopError` where it is not one mapping."""
        next(self._events)  # the stream's start
        self._begin(next(self._events))
        root = self._node(next(self._events))
        next(self._events)  # the document's end
        self._finish(next(self._events))
        if not isinstance(root, Mapping):
            self._stop(0, "not_a_mapping", "The file holds no keys.", "Begin with `remit: 1`.")
        return root

    def _begin(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.StreamEndEvent):
            self._stop(0, "empty_file", "The file is empty.", "Delete it, or write rules into it.")
        if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
            self._stop(
                _start(event),
                "directive",
                "The file begins with a YAML directive.",
                "Delete the lines that begin with `%`.",
            )

    def _finish(self, event: yaml.Event) -> None:
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(
                _start(event),
                "several_documents",
                "A second document begins here.",
                "Put it into a file of its own; files are merged.",
            )

    def _node(self, event: yaml.Event) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        return self._collection(event)

    def _collection(self, event: yaml.Event) -> Sequence | Mapping:
        assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - no other begins a node
        self._refuse_properties(event)
        if len(self._path) >= NESTING_MAX:
            self._stop(
                _start(event),
                "too_deep",
                f"This lies more than {NESTING_MAX} levels deep.",
                "Nothing in a policy needs this; write it flatter.",
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event)
        return self._mapping(event)

    def _sequence(self, event: yaml.CollectionStartEvent) -> Sequence:
        sequence = Sequence(_start(event))
        self._path.append(0)
        while not isinstance(following := next(self._events), yaml.SequenceEndEvent):
            sequence.items.append(self._node(following))
            self._path[-1] = len(sequence.items)
        self._path.pop()
        return sequence

    def _mapping(self, event: yaml.CollectionStartEvent) -> Mapping:
        mapping = Mapping(_start(event))
        previous: Node | None = None
        while not isinstance(following := next(self._events), yaml.MappingEndEvent):
            self._path.append("")
            key = self._node(following)
            self._path[-1] = key.text if isinstance(key, Scalar) else "?"
            value = self._node(next(self._events))
            if event.flow_style and self._is_rest(key, value) and isinstance(previous, Scalar):
                self._tell_cut(previous)
            else:
                self._keep(mapping, key, value)
                previous = value
            self._path.pop()
        return mapping

    def _is_rest(self, key: Node, value: Node) -> bool:
        """Whether a key between braces has no colon: then it is the rest of the text before."""
        if not isinstance(key, Scalar) or not isinstance(value, Scalar) or value.start < value.end:
            return False
        return not self._source.rest_of_line(key.end).lstrip(" \t").startswith(":")

    def _tell_cut(self, scalar: Scalar) -> None:
        if not scalar.broken:
            scalar.broken = True
            self._tell(
                scalar.end,
                "cut_short",
                "The text is cut short by the `,`: between braces YAML ends a text there.",
                QUOTE_IT,
            )

    def _keep(self, mapping: Mapping, key: Node, value: Node) -> None:
        """Add a pair, or tell why not. A first value is never replaced by a second."""
        if not isinstance(key, Scalar):
            self._tell(key.start, "key_not_text", "A key is a list or a mapping.", "Name it.")
        elif key.text == "<<" and not key.style:
            self._tell(
                key.start,
                "merge_key",
                "`<<` takes over keys from elsewhere in the file.",
                "Write the keys out where they hold.",
            )
        elif key.text in mapping.items:
            self._tell_duplicate(mapping, key)
        else:
            self._check_key(key)
            mapping.keys[key.text] = key
            mapping.items[key.text] = value

    def _tell_duplicate(self, mapping: Mapping, key: Scalar) -> None:
        line, column = self._source.position(mapping.keys[key.text].start)
        self._tell(
            key.start,
            "duplicate_key",
            f"`{key.text}` stands here a second time, after line {line}, column {column}.",
            "Keep one of the two; in YAML the last would win without a word.",
        )

    def _check_key(self, key: Scalar) -> None:
        if key.broken or isinstance(key.value, str):
            return
        key.broken = True
        shown = key.text or "~"
        self._tell(
            key.start,
            "key_not_text",
            f"The key `{shown}` is not text.",
            f'Write "{shown}" in quotes if it is a name.',
        )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        scalar = Scalar(
            start=_start(event),
            end=_end(event),
            style=event.style or "",
            text=event.value,
            value=event.value,
        )
        if event.tag is not None or event.anchor is not None:
            scalar.broken = True
            self._refuse_properties(event)
        elif not scalar.style:
            self._resolve(scalar)
        return scalar

    def _resolve(self, scalar: Scalar) -> None:
        try:
            scalar.value = resolve(scalar.text)
        except Surprise as surprise:
            scalar.broken = True
            self._tell(scalar.start, surprise.code, surprise.message, surprise.remedy)

    def _alias(self, event: yaml.AliasEvent) -> Scalar:
        self._tell(
            _start(event),
            "alias",
            f"`*{event.anchor}` stands for something written elsewhere.",
            "Write it out here.",
        )
        return Scalar(_start(event), _end(event), "", str(event.anchor), None, broken=True)

    def _refuse_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            self._tell(
                _start(event),
                "tag",
                f"`{_as_written(event.tag)}` is a tag to YAML, not text.",
                "If it is text, put all of it in single quotes: '…'",
            )
        if event.anchor is not None:
            self._tell(
                _start(event),
                "anchor",
                f"`&{event.anchor}` marks something to be repeated elsewhere.",
                "Delete the mark, and write out what it was for.",
            )

    def _tell(self, index: int, code: str, message: str, remedy: str) -> None:
        line, column = self._source.position(index)
        self._found.append(
            Problem(
                file=self._source.file,
                line=line,
                column=column,
                path=render_path(tuple(self._path)),
                code=code,
                message=message,
                remedy=remedy,
            )
        )

    def _stop(self, index: int, code: str, message: str, remedy: str) -> NoReturn:
        self._tell(index, code, message, remedy)
        raise _StopError
