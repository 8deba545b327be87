"""An ONNX file without what only its further outputs need: ONNX Runtime runs every node, whatever is fetched.

It reads protobuf's wire format by the numbers of the fields in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, for the image holds no ``onnx``.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_GRAPH = 7  # of the model
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # of a graph
_NAME = {_NODE: 2, _INITIALIZER: 8, _INPUT: 1, _OUTPUT: 1}  # of each of these; a node has those of its outputs
_NODE_INPUT, _ATTRIBUTE = 1, 5
_SUBGRAPHS = (6, 11)  # of an attribute
_DATA_LOCATION, _EXTERNAL = 14, b"\1"  # of an initializer, whose value is in a file of its own

# How a field's value is encoded: https://protobuf.dev/programming-guides/encoding/
_VARINT, _LENGTH_DELIMITED = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


class _Field(NamedTuple):
    number: int
    value: memoryview
    encoded: memoryview
    """With its number and length."""


def with_first_output(path: Path) -> Path | bytes:
    """A model cut down to its first output.

    The same path where it has no other, or has weights in other files, which are found from where it lies.

    Raises:
        ValueError: the file is no ONNX model.
    """
    with path.open("rb") as file:
        model = list(_fields(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))))
    graph = [field for part in model if part.number == _GRAPH for field in _fields(part.value)]
    names = {kind: [name for field in graph if field.number == kind for name in _names(field)] for kind in _NAME}
    external = (_EXTERNAL in _values(field, _DATA_LOCATION) for field in graph if field.number == _INITIALIZER)
    if len(names[_OUTPUT]) < 2 or any(external):
        return path
    first = names[_OUTPUT][0]
    needed = _needed(first, [field for field in graph if field.number == _NODE])
    # Old files list initializers among the inputs; one without its initializer would be asked of the caller.
    inputs = needed | (set(names[_INPUT]) - set(names[_INITIALIZER]))
    wanted = {_NODE: needed, _INITIALIZER: needed, _INPUT: inputs, _OUTPUT: {first}}
    kept = [
        field.encoded
        for field in graph
        if field.number not in wanted or not wanted[field.number].isdisjoint(_names(field))
    ]
    others = [part.encoded for part in model if part.number != _GRAPH]
    return b"".join([*others, _varint(_GRAPH << 3 | _LENGTH_DELIMITED), _varint(sum(map(len, kept))), *kept])


def _needed(output: bytes, nodes: list[_Field]) -> set[bytes]:
    """The names of all values that an output comes from, its own too."""
    makers = {name: node for node in nodes for name in _names(node)}
    needed, found = set(), [output]
    while found:
        name = found.pop()
        if name and name not in needed:  # without a name: an optional value that is left out
            needed.add(name)
            found += _inputs(makers[name]) if name in makers else []
    return needed


def _inputs(node: _Field) -> list[bytes]:
    """What a node reads, also by the graphs in it."""
    attributes = [each for each in _fields(node.value) if each.number == _ATTRIBUTE]
    subgraphs = [each for attribute in attributes for each in _fields(attribute.value) if each.number in _SUBGRAPHS]
    inner = [each for subgraph in subgraphs for each in _fields(subgraph.value) if each.number == _NODE]
    return _values(node, _NODE_INPUT) + [name for each in inner for name in _inputs(each)]


def _names(field: _Field) -> list[bytes]:
    return _values(field, _NAME[field.number])


def _values(field: _Field, number: int) -> list[bytes]:
    return [bytes(each.value) for each in _fields(field.value) if each.number == number]


def _fields(message: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        if key < 8:  # numbers begin with 1; a file of zeros would be a great many fields
            raise ValueError("It is no ONNX file.")
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
