"""Prints the phone's TypeScript types from the messages: `python -m fieldcrm.wire.typescript`."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import inspect

from fieldcrm.wire import sync
from fieldcrm.wire.protocol import PROTOCOL_VERSION, SCHEMA

TARGET = Path(__file__).parent.parent / "phone" / "src" / "wire.gen.ts"
HEADER = "// Made by `python -m fieldcrm.wire.typescript` from fieldcrm/wire/sync.py: edit that.\n"


def module() -> str:
    """The whole TypeScript module."""
    known: dict[str, inspect.StructType] = {}
    for root in inspect.multi_type_info(sync.MESSAGES):
        _collect(root, known)
    blocks = [_interface(known[name]) for name in sorted(known)]
    version = f"export const PROTOCOL_VERSION = {PROTOCOL_VERSION};"
    constants = f'{version}\nexport const SCHEMA = "{SCHEMA}";'
    return "\n\n".join([HEADER + constants, *blocks, _map("Payloads", sync.PAYLOADS),
                        _map("Docs", sync.DOCS)]) + "\n"  # fmt: skip


def _collect(node: object, known: dict[str, inspect.StructType]) -> None:
    """Remember every struct that a type reaches."""
    if isinstance(node, inspect.StructType):
        if node.cls.__name__ in known:
            return
        known[node.cls.__name__] = node
        for each in node.fields:
            _collect(each.type, known)
    elif isinstance(node, inspect.UnionType):
        for each in node.types:
            _collect(each, known)
    elif isinstance(node, inspect.ListType):
        _collect(node.item_type, known)
    elif isinstance(node, inspect.DictType):
        _collect(node.value_type, known)
    elif isinstance(node, inspect.Metadata):
        _collect(node.type, known)


def _interface(struct: inspect.StructType) -> str:
    lines = [_field(each) for each in struct.fields]
    return "\n".join([f"export interface {struct.cls.__name__} {{", *lines, "}"])


def _field(each: inspect.Field) -> str:
    """A field that may be left out (it has a default) gets a question mark."""
    mark = "" if each.required else "?"
    return f"  {each.encode_name}{mark}: {_type(each.type)};"


def _type(node: object) -> str:
    match node:
        case inspect.Metadata():
            return _type(node.type)
        case inspect.StructType():
            return node.cls.__name__
        case inspect.UnionType():
            options = [_type(t) for t in node.types if _is_said(t)]
            return " | ".join(dict.fromkeys(options))
        case inspect.ListType():
            item = _type(node.item_type)
            return f"({item})[]" if "|" in item else f"{item}[]"
        case inspect.DictType():
            return f"Record<string, {_type(node.value_type)}>"
        case inspect.LiteralType():
            return " | ".join(f'"{value}"' for value in node.values)
        case inspect.StrType():
            return "string"
        case inspect.BoolType():
            return "boolean"
        case inspect.IntType() | inspect.FloatType():
            return "number"
        case inspect.NoneType():
            return "null"
        case inspect.AnyType():
            return "unknown"
    raise TypeError(f"no TypeScript for {node!r}")


def _is_said(node: object) -> bool:
    """Whether JSON can hold it: 'left out' is the question mark, not a value."""
    return not (isinstance(node, inspect.CustomType) and node.cls is msgspec.UnsetType)


def _map(name: str, types: dict[str, type[msgspec.Struct]]) -> str:
    lines = [f'  "{key}": {value.__name__};' for key, value in types.items()]
    return "\n".join([f"export interface {name} {{", *lines, "}"])


def write() -> None:
    """Write the generated module where the phone imports it."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(module(), encoding="utf-8")


if __name__ == "__main__":
    write()
