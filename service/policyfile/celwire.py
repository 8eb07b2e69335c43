"""Protocol buffers, read without their schema: fields by number (protobuf.dev, Encoding).

Conditions are checked by a library that hands out its tree in this form only. A few fields
of it are needed, which is less than a dependency on a protobuf runtime would cost.
"""

import re
from typing import NamedTuple, TypeAlias

_VARINT, _EIGHT_BYTES, _LENGTH_FIRST, _FOUR_BYTES = 0, 1, 2, 5
_WIRE = 7
_MORE = 0x80

Field: TypeAlias = tuple[int, int, int]
"""The key (the field's number times 8, plus its wire type), then where the value begins and
ends; of a number the value itself, and where it ends."""


IN_A_ROW = 0
"""The key of several fields in a row; no field has it."""


class Row(NamedTuple):
    """Fields of one key and one length that stand in a row: slices read them all at once."""

    key: int
    pattern: re.Pattern[bytes]


NO_ROW = Row(-1, re.compile(b""))


def read_fields(data: bytes, at: int, end: int, row: Row = NO_ROW) -> list[Field]:
    """The fields between two places, in order and without a copy of their bytes.

    What matches ``row`` comes as one field of the key `IN_A_ROW`. Raises `ValueError` where
    the bytes are cut short, or of a wire type that is not in use.
    """
    row_key, row_pattern = row
    found = []
    try:
        while at < end:
            key, size = data[at], data[at + 1]
            if key == row_key and (several := row_pattern.match(data, at, end)):
                found.append((IN_A_ROW, at, several.end()))
                at = several.end()
                continue
            if key < _MORE > size and key & _WIRE == _LENGTH_FIRST:  # nearly all are such
                at += 2
            else:
                key, size, at = _read_long(data, at)
            if key & _WIRE == _VARINT:
                found.append((key, size, at))
            else:
                found.append((key, at, at + size))
                at += size
    except IndexError:
        raise ValueError("a number is cut short") from None
    if at > end:
        raise ValueError("a field is cut short")
    return found


def _read_long(data: bytes, at: int) -> Field:
    """The key at ``at``, its number or length, and what follows those."""
    key, at = _read_varint(data, at)
    wire = key & _WIRE
    if wire in (_VARINT, _LENGTH_FIRST):
        size, at = _read_varint(data, at)
    elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
        size = 8 if wire == _EIGHT_BYTES else 4
    else:
        raise ValueError(f"wire type {wire} is not known")
    return key, size, at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, seven bits a byte, lowest first, and what follows it."""
    value = shift = 0
    while data[at] & _MORE:
        value |= (data[at] & ~_MORE) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1


def signed(value: int) -> int:
    """An ``int32`` or ``int64``: two's complement in 64 bits."""
    return value - (1 << 64) if value >> 63 else value


class Message:
    """The fields of one protocol buffer by number; what is absent reads as empty or zero."""

    __slots__ = ("fields",)

    def __init__(self, data: bytes) -> None:
        """Read all fields. Raises `ValueError` as `read_fields` does."""
        self.fields: dict[int, list[int | bytes]] = {}
        for key, start, end in read_fields(data, 0, len(data)):
            value = data[start:end] if key & _WIRE else start
            self.fields.setdefault(key >> 3, []).append(value)

    def has(self, number: int) -> bool:
        """Whether the field is there, even with an empty value."""
        return number in self.fields

    def whole(self, number: int) -> int:
        """An unsigned number, a boolean or an enumeration."""
        value = self.fields.get(number, [0])[-1]
        return value if isinstance(value, int) else 0

    def signed(self, number: int) -> int:
        """An ``int32`` or ``int64``."""
        return signed(self.whole(number))

    def data(self, number: int) -> bytes:
        """The bytes of a field, whatever they hold."""
        value = self.fields.get(number, [b""])[-1]
        return value if isinstance(value, bytes) else b""

    def text(self, number: int) -> str:
        """A string. Raises `ValueError` where it is not UTF-8."""
        return self.data(number).decode()

    def part(self, number: int) -> "Message":
        """A message inside this one."""
        return Message(self.data(number))

    def every(self, number: int) -> tuple[bytes, ...]:
        """The bytes of a repeated field; of a map, its entries (key 1, value 2)."""
        found = self.fields.get(number, ())
        return tuple(value for value in found if isinstance(value, bytes))
