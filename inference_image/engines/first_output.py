"""An ONNX file without what only its further outputs need: ONNX Runtime runs every node, whatever is fetched.

It reads protobuf's wire format by the numbers of the fields in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, for the image holds no ``onnx``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_GRAPH = 7  # of the model
_NODE, _INITIALIZER, _OUTPUT = 1, 5, 12  # of a graph
_NODE_INPUT, _NODE_OUTPUT, _ATTRIBUTE = 1, 2, 5
_SUBGRAPHS = (6, 11)  # of an attribute
_INITIALIZER_NAME, _OUTPUT_NAME = 8, 1

# How a field's value is encoded: https://protobuf.dev/programming-guides/encoding/
_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


class _Field(NamedTuple):
    number: int
    value: memoryview
    encoded: memoryview
    """With its number and length."""


def with_first_output(path: Path) -> Path | bytes:
    """A model cut down to its first output: the same path where it has no other.

    Raises:
        ValueError: the file is no ONNX model.
    """
    model = list(_fields(memoryview(path.read_bytes())))
    graph = [field for part in model if part.number == _GRAPH for field in _fields(part.value)]
    first, *further = [name for field in graph if field.number == _OUTPUT for name in _names(field, _OUTPUT_NAME)] or [
        b""
    ]
    if not further:
        return path
    needed = _needed(first, [field for field in graph if field.number == _NODE])
    names = {_NODE: _NODE_OUTPUT, _INITIALIZER: _INITIALIZER_NAME, _OUTPUT: _OUTPUT_NAME}
    wanted = {_NODE: needed, _INITIALIZER: needed, _OUTPUT: {first}}
    kept = b"".join(
        field.encoded
        for field in graph
        if field.number not in names or not wanted[field.number].isdisjoint(_names(field, names[field.number]))
    )
    others = [part.encoded for part in model if part.number != _GRAPH]
    return b"".join([*others, _varint(_GRAPH << 3 | _LENGTH_DELIMITED), _varint(len(kept)), kept])


def _needed(output: bytes, nodes: list[_Field]) -> set[bytes]:
    """The names of all values that an output comes from, its own too."""
    makers = {name: node for node in nodes for name in _names(node, _NODE_OUTPUT)}
    needed, found = set(), [output]
    while found:
        name = found.pop()
        if name not in needed:
            needed.add(name)
            found += _inputs(makers[name]) if name in makers else []
    return needed


def _inputs(node: _Field) -> list[bytes]:
    """What a node reads, also by the graphs in it."""
    attributes = [each for each in _fields(node.value) if each.number == _ATTRIBUTE]
    subgraphs = [each for attribute in attributes for each in _fields(attribute.value) if each.number in _SUBGRAPHS]
    inner = [each for subgraph in subgraphs for each in _fields(subgraph.value) if each.number == _NODE]
    return _names(node, _NODE_INPUT) + [name for each in inner for name in _inputs(each)]


def _names(field: _Field, number: int) -> list[bytes]:
    return [bytes(each.value) for each in _fields(field.value) if each.number == number]


def _fields(message: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        if (kind := key & 7) == _VARINT:
            _, end = _read_varint(message, at)
        elif kind == _LENGTH_DELIMITED:
            length, at = _read_varint(message, at)
            end = at + length
        elif kind in _FIXED_BYTES:
            end = at + _FIXED_BYTES[kind]
        else:
            raise ValueError("It is no ONNX file.")
        if end > len(message):
            raise ValueError("It is cut off.")
        yield _Field(key >> 3, message[at:end], message[start:end])
        at = end


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends."""
    number = shift = 0
    while at < len(message):
        number |= (message[at] & 0x7F) << shift
        if message[at] < 0x80:
            return number, at + 1
        at, shift = at + 1, shift + 7
    raise ValueError("It is cut off.")


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
