"""The phone's generated types are those of the messages as they stand."""

from __future__ import annotations

from fieldcrm.wire import sync, typescript
from fieldcrm.wire.protocol import SCHEMA


def test_generated_types_are_current() -> None:
    assert typescript.TARGET.read_text(encoding="utf-8") == typescript.module()


def test_every_kind_and_doc_is_typed() -> None:
    text = typescript.module()
    for kind, payload in sync.PAYLOADS.items():
        assert f'"{kind}": {payload.__name__};' in text
        assert f"export interface {payload.__name__} {{" in text
    for doc in sync.DOCS.values():
        assert f"export interface {doc.__name__} {{" in text


def test_hash_names_the_schema() -> None:
    assert len(SCHEMA) == 16
    assert f'SCHEMA = "{SCHEMA}"' in typescript.module()
