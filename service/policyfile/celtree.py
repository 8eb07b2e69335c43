"""The tree of a parsed or checked expression, read from its serialized form.

The form is ``google.protobuf.Any`` around ``cel.expr.CheckedExpr`` or ``ParsedExpr``
(cel-spec, proto/cel/expr/checked.proto and syntax.proto). Only the few fields that the
language uses are read. A set has thousands of expressions, so a message is read where it stands,
without a copy; only what is rare is read at more leisure.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from service.policyfile.celwire import IN_A_ROW, NO_ROW, Message, Row, read_fields

Value: TypeAlias = bool | int | float | str | bytes | None


class Constant(NamedTuple):
    """A literal. ``type`` tells an int from a uint; a uint is money in minor units."""

    value: Value
    type: str
    offset: int


class Name(NamedTuple):
    """A variable by its qualified name, or a name that a macro such as ``exists`` binds.

    ``offset`` is that of the last dot, or of the name where it has none.
    """

    name: str
    type: str
    offset: int


class Select(NamedTuple):
    """A field of a map."""

    operand: "Node"
    field: str
    type: str
    offset: int


class Call(NamedTuple):
    """A function or an operator (``_<=_``, ``_?_:_``, ``@in``), at its ``(`` or its sign.

    ``args`` begin with the receiver where it is called as a method.
    """

    function: str
    args: tuple["Node", ...]
    type: str
    offset: int


class Items(NamedTuple):
    """A list that is written out."""

    args: tuple["Node", ...]
    type: str
    offset: int


class Entries(NamedTuple):
    """A map that is written out, or, with a ``message``, a protocol buffer."""

    message: str
    keys: tuple["Node", ...]
    values: tuple["Node", ...]
    type: str
    offset: int


class Comprehension(NamedTuple):
    """A macro over a list or map. ``args`` are range, start, condition, step and result."""

    variables: tuple[str, ...]
    args: tuple["Node", ...]
    type: str
    offset: int


Node: TypeAlias = Constant | Name | Select | Call | Items | Entries | Comprehension


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order of the text where there is one."""
    match node:
        case Select():
            return (node.operand,)
        case Entries():
            return (*node.keys, *node.values)
        case Call() | Items() | Comprehension():
            return node.args
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and every node below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def read_tree(serialized: bytes, names: Mapping[str, str]) -> Node:
    """The tree in ``serialized``.

    The types are as in ``uint``, ``list(string)``, ``map(string, int)``, ``timestamp``;
    where the expression was parsed only, the variables' are taken from ``names`` and the
    others are empty. Raises `ValueError` where the bytes are of another form.
    """
    return read_nodes(serialized, names)[0]


def read_nodes(serialized: bytes, names: Mapping[str, str]) -> list[Node]:
    """All nodes of the tree, in the order of `walk`: the tree itself is the first.

    See `read_tree`; this spares the walk.
    """
    outer = _places(serialized, 0, len(serialized))
    form = _CHECKED if _text(serialized, outer, 1).endswith("CheckedExpr") else _PARSED
    reader = _Reader(serialized, *outer.get(_key(2), _NOWHERE), form, names)
    reader.node(*reader.root)
    return reader.nodes


class _Form(NamedTuple):
    """The keys of an expression's parts in one of its two messages."""

    expr: int
    source: int
    types: Row


def _key(number: int) -> int:
    """The key of a field whose value is a text or a message."""
    return number << 3 | 2


# Entries of the two maps by id, where a byte is enough for each of their numbers.
_PLAIN_TYPES = Row(
    _key(3), re.compile(rb"(?:\x1a\x06 \x08[\0-\x7f] \x12\x02 \x18[\1-\6])+", re.VERBOSE)
)
_NEAR_POSITIONS = Row(
    _key(4), re.compile(rb"(?:\x22\x04 \x08[\0-\x7f] \x10[\0-\x7f])+", re.VERBOSE)
)
_CHECKED = _Form(expr=_key(4), source=_key(5), types=_PLAIN_TYPES)
_PARSED = _Form(expr=_key(2), source=_key(3), types=NO_ROW)
_ID = 2 << 3  # of an expression: a number
_FUNCTION = _key(2)
_LONG = 0x80
_NOWHERE = (0, 0)

_PLAIN = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN = {1: "dyn", 2: "timestamp", 3: "duration"}
_OTHERS = {1: "dyn", 2: "null", 4: "wrapper", 8: "function", 9: "message", 10: "dyn", 11: "type"}


def _type(message: Message) -> str:
    if message.has(3):
        return _PLAIN.get(message.whole(3), "dyn")
    if message.has(5):
        return _WELL_KNOWN.get(message.whole(5), "dyn")
    if message.has(6):
        return f"list({_type(message.part(6).part(1))})"
    if message.has(7):
        entry = message.part(7)
        return f"map({_type(entry.part(1))}, {_type(entry.part(2))})"
    return next((name for field, name in _OTHERS.items() if message.has(field)), "dyn")


# What these read is small, and the same comes up in one expression after the other.


@lru_cache(maxsize=4096)
def _offset(entry: bytes) -> tuple[int, int]:
    message = Message(entry)
    return message.whole(1), message.signed(2)


@lru_cache(maxsize=4096)
def _typed(entry: bytes) -> tuple[int, str]:
    message = Message(entry)
    return message.whole(1), _type(message.part(2))


@lru_cache(maxsize=4096)
def _name(ident: bytes) -> str:
    return Message(ident).text(1).removeprefix(".")


@lru_cache(maxsize=4096)
def _literal(constant: bytes) -> tuple[Value, str]:
    message = Message(constant)
    for field, (kind, read) in _CONSTANTS.items():
        if message.has(field):
            return read(message), kind
    return None, "null"


class _Reader:
    """Turns ``cel.expr.Expr`` into nodes. Its methods take where their message stands."""

    __slots__ = ("data", "names", "nodes", "offsets", "root", "types")

    def __init__(
        self, data: bytes, start: int, end: int, form: _Form, names: Mapping[str, str]
    ) -> None:
        self.data = data
        self.names = names
        self.nodes: list[Node] = []
        self.types: dict[int, str] = {}
        self.offsets: dict[int, int] = {}
        self.root = source = _NOWHERE
        for key, first, last in read_fields(data, start, end, form.types):
            if key == IN_A_ROW:
                kinds = map(_PLAIN.__getitem__, data[first + 7 : last : 8])
                self.types.update(zip(data[first + 3 : last : 8], kinds, strict=True))
            elif key == form.types.key:
                identity, kind = _typed(data[first:last])
                self.types[identity] = kind
            elif key == form.expr:
                self.root = first, last
            elif key == form.source:
                source = first, last
        self.read_offsets(*source)

    def read_offsets(self, start: int, end: int) -> None:
        data = self.data
        for key, first, last in read_fields(data, start, end, _NEAR_POSITIONS):
            if key == IN_A_ROW:
                near = data[first + 5 : last : 6]
                self.offsets.update(zip(data[first + 3 : last : 6], near, strict=True))
            elif key == _NEAR_POSITIONS.key:
                identity, offset = _offset(data[first:last])
                self.offsets[identity] = offset

    def node(self, start: int, end: int) -> Node:
        identity, kind, start, end = self.open(start, end)
        if kind not in _READERS:
            raise ValueError("an expression of an unknown kind")
        place = len(self.nodes)
        type_, offset = self.types.get(identity, ""), self.offsets.get(identity, 0)
        found = _READERS[kind](self, start, end, type_, offset)
        self.nodes.insert(place, found)
        return found

    def open(self, start: int, end: int) -> tuple[int, int, int, int]:
        """The id of an expression, its kind, and where the message of that kind stands."""
        data = self.data
        if start + 4 < end and data[start] == _ID and end == start + 4 + data[start + 3]:
            identity, kind = data[start + 1], data[start + 2]
            if identity < _LONG > end - start - 4:
                return identity, kind, start + 4, end
        identity = kind = 0
        for key, first, last in read_fields(data, start, end):
            if key == _ID:
                identity = first
            else:
                kind, start, end = key, first, last
        return identity, kind, start, end

    def constant(self, start: int, end: int, kind: str, offset: int) -> Node:
        value, own = _literal(self.data[start:end])
        return Constant(value, kind or own, offset)

    def name(self, start: int, end: int, kind: str, offset: int) -> Node:
        name = _name(self.data[start:end])
        return Name(name, kind or self.names.get(name, ""), offset)

    def select(self, start: int, end: int, kind: str, offset: int) -> Node:
        place, parts = len(self.nodes), _places(self.data, start, end)
        operand = self.node(*parts.get(_key(1), _NOWHERE))
        field = _text(self.data, parts, 2)
        dotted = f"{_dotted(operand)}.{field}"
        if dotted in self.names and not kind:
            del self.nodes[place:]  # the name is one node, not its parts
            return Name(dotted, self.names[dotted], offset)
        return Select(operand, field, kind, offset)

    def call(self, start: int, end: int, kind: str, offset: int) -> Node:
        function, args = "", []
        for key, first, last in read_fields(self.data, start, end):
            if key == _FUNCTION:
                function = self.data[first:last].decode()
            else:  # the receiver or an argument
                args.append(self.node(first, last))
        return Call(function, tuple(args), kind, offset)

    def items(self, start: int, end: int, kind: str, offset: int) -> Node:
        fields = read_fields(self.data, start, end)
        args = tuple(self.node(first, last) for key, first, last in fields if key == _key(1))
        return Items(args, kind, offset)

    def entries(self, start: int, end: int, kind: str, offset: int) -> Node:
        fields = read_fields(self.data, start, end)
        rows = [_places(self.data, first, last) for key, first, last in fields if key == _key(2)]
        keys = tuple(self.node(*row[_key(3)]) for row in rows if _key(3) in row)
        values = tuple(self.node(*row.get(_key(4), _NOWHERE)) for row in rows)
        message = _text(self.data, _places(self.data, start, end), 1)
        return Entries(message, keys, values, kind, offset)

    def comprehension(self, start: int, end: int, kind: str, offset: int) -> Node:
        parts = _places(self.data, start, end)
        variables = tuple(filter(None, (_text(self.data, parts, number) for number in (1, 8))))
        args = tuple(self.node(*parts.get(_key(number), _NOWHERE)) for number in (2, 4, 5, 6, 7))
        return Comprehension(variables, args, kind, offset)


_READERS = {
    _key(3): _Reader.constant,
    _key(4): _Reader.name,
    _key(5): _Reader.select,
    _key(6): _Reader.call,
    _key(7): _Reader.items,
    _key(8): _Reader.entries,
    _key(9): _Reader.comprehension,
}


def _places(data: bytes, start: int, end: int) -> dict[int, tuple[int, int]]:
    """Where the fields of a message stand, by their keys; the last, where one is repeated."""
    return {key: (first, last) for key, first, last in read_fields(data, start, end)}


def _text(data: bytes, places: Mapping[int, tuple[int, int]], number: int) -> str:
    start, end = places.get(_key(number), _NOWHERE)
    return data[start:end].decode()


def _double(data: bytes) -> float:
    value: float = struct.unpack("<d", data)[0]
    return value


_CONSTANTS: Mapping[int, tuple[str, Callable[[Message], Value]]] = {
    2: ("bool", lambda message: bool(message.whole(2))),
    3: ("int", lambda message: message.signed(3)),
    4: ("uint", lambda message: message.whole(4)),
    5: ("double", lambda message: _double(message.data(5))),
    6: ("string", lambda message: message.text(6)),
    7: ("bytes", lambda message: message.data(7)),
}


def _dotted(node: Node) -> str:
    """The name that a chain of fields spells, or nothing that any variable is called."""
    match node:
        case Name():
            return node.name
        case Select():
            return f"{_dotted(node.operand)}.{node.field}"
        case _:
            return "?"
