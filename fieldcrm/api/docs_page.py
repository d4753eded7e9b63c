"""The API's documentation as one plain page made from its OpenAPI description; no script at all."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--bg:#fbfcfd;--panel:#fff;--line:#dfe3e6;--text:#11181c;
--muted:#434c53;--accent:#0a645b;--soft:#eef1f2;--get:#0a645b;--post:#41338a;--put:#5c3f00;
--delete:#8c1519}
@media (prefers-color-scheme:dark){:root{--bg:#101314;--panel:#16191b;--line:#2a2f32;
--text:#eceff0;--muted:#a9b3b9;--accent:#5fd1c2;--soft:#1c2022;--get:#5fd1c2;--post:#cdc3ff;
--put:#ffd27d;--delete:#ffb3b6}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
a{color:var(--accent)}a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);
outline-offset:2px;border-radius:5px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--panel);padding:8px}
.layout{display:grid;grid-template-columns:240px minmax(0,860px);gap:32px;max-width:1180px;
margin:0 auto;padding:24px}
nav{position:sticky;top:24px;align-self:start;max-height:calc(100vh - 48px);overflow:auto}
nav ul{list-style:none;margin:0 0 12px;padding:0}nav li{margin:2px 0;overflow-wrap:anywhere}
nav h2{font-size:12px;margin:12px 0 4px;color:var(--muted);text-transform:capitalize}
nav a{font-size:13px;text-decoration:none}nav a:hover{text-decoration:underline}
h1{font-size:28px;margin:0 0 8px}h2{font-size:20px;margin:32px 0 8px;text-transform:capitalize}
h3{font-size:12px;color:var(--muted);margin:12px 0 4px}
.call{background:var(--panel);border:1px solid var(--line);border-radius:8px;margin:8px 0}
.call>summary{display:flex;gap:12px;align-items:baseline;padding:8px 12px;cursor:pointer;
flex-wrap:wrap}
.body{padding:0 12px 12px;border-top:1px solid var(--line)}
code{font:12px/1.5 ui-monospace,"SF Mono","Cascadia Mono","Roboto Mono","DejaVu Sans Mono",monospace;
overflow-wrap:anywhere}
.method{font-weight:700;min-width:56px}.GET{color:var(--get)}.POST{color:var(--post)}
.PUT,.PATCH{color:var(--put)}.DELETE{color:var(--delete)}
.what{color:var(--muted);margin-left:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;
padding:4px 8px 4px 0;border-bottom:1px solid var(--line);font-size:13px}
td{overflow-wrap:anywhere}
th{color:var(--muted);font-weight:600}
@media (max-width:800px){.layout{display:block;padding:16px}nav{position:static;max-height:none}
.what{margin-left:0;width:100%}}
"""
_METHODS = ("get", "post", "put", "patch", "delete", "head")


def render(schema: dict[str, Any]) -> tuple[str, str]:
    """The page, and the content security policy it fits."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    return _page(schema), policy


def _page(schema: dict[str, Any]) -> str:
    groups = _groups(schema)
    info = schema["info"]
    links = "".join(_links(tag, calls) for tag, calls in groups.items())
    calls = "".join(_section(tag, calls, schema) for tag, calls in groups.items())
    title = f"{escape(info['title'])} API"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<style>{_STYLE}</style></head><body><a class="skip" href="#main">Skip to the calls</a>'
        f'<div class="layout"><nav aria-label="Calls">{links}{_shape_links(schema)}</nav>'
        f'<main id="main"><h1>{title}</h1><p>{_prose(info.get("description", ""))}</p>'
        '<p>The same as data: <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>'
        f"{calls}{_shapes(schema)}</main></div></body></html>"
    )


def _groups(schema: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """Calls by tag: (method, path, operation)."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in schema["paths"].items():
        for method in _METHODS:
            if operation := operations.get(method):
                tag = (operation.get("tags") or ["other"])[0]
                groups.setdefault(tag, []).append((method.upper(), path, operation))
    return groups


def _links(tag: str, calls: list[tuple[str, str, dict[str, Any]]]) -> str:
    items = "".join(
        f'<li><a href="#{_anchor(method, path)}">{escape(op.get("summary", path))}</a></li>'
        for method, path, op in calls
    )
    return f"<h2>{escape(tag)}</h2><ul>{items}</ul>"


def _shape_links(schema: dict[str, Any]) -> str:
    names = _named_shapes(schema)
    items = "".join(f'<li><a href="#shape-{escape(n)}">{escape(n)}</a></li>' for n in names)
    return f"<h2>shapes</h2><ul>{items}</ul>"


def _anchor(method: str, path: str) -> str:
    return f"{method.lower()}{path}".replace("/", "-").replace("{", "").replace("}", "")


def _section(tag: str, calls: list[tuple[str, str, dict[str, Any]]], schema: dict[str, Any]) -> str:
    return f"<h2>{escape(tag)}</h2>" + "".join(_call(*call) for call in calls)


def _call(method: str, path: str, op: dict[str, Any]) -> str:
    head = (
        f'<summary><code class="method {method}">{method}</code> <code>{escape(path)}</code>'
        f' <span class="what">{escape(op.get("summary", ""))}</span></summary>'
    )
    body = (
        f"<p>{_prose(op.get('description', ''))}</p>{_parameters(op)}{_request(op)}{_answers(op)}"
    )
    return (
        f'<details class="call" id="{_anchor(method, path)}">{head}'
        f'<div class="body">{body}</div></details>'
    )


def _parameters(op: dict[str, Any]) -> str:
    rows = [
        (p["name"] + ("" if p.get("required") else "?"), p["in"], _type(p.get("schema", {})),
         p.get("description", ""))
        for p in op.get("parameters", []) if p["in"] != "cookie"
    ]  # fmt: skip
    return _table("Parameters", ("Name", "Where", "Type", "Meaning"), rows)


def _request(op: dict[str, Any]) -> str:
    content = op.get("requestBody", {}).get("content", {})
    rows = [(kind, _type(c.get("schema", {}))) for kind, c in content.items()]
    return _table("Body", ("Content type", "Shape"), rows)


def _answers(op: dict[str, Any]) -> str:
    rows = [
        (status, answer.get("description", ""), " ".join(
            f"{kind}: {_type(c.get('schema', {}))}" for kind, c in answer.get("content", {}).items()))
        for status, answer in op.get("responses", {}).items()
    ]  # fmt: skip
    return _table("Answers", ("Status", "When", "Shape"), rows)


def _named_shapes(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(sorted(schema.get("components", {}).get("schemas", {}).items()))


def _shapes(schema: dict[str, Any]) -> str:
    return "<h2>shapes</h2>" + "".join(_shape(n, s) for n, s in _named_shapes(schema).items())


def _shape(name: str, shape: dict[str, Any]) -> str:
    required = shape.get("required", [])
    rows = [
        (field + ("" if field in required else "?"), _type(s), s.get("description", ""))
        for field, s in shape.get("properties", {}).items()
    ]
    head = f"<summary><code>{escape(name)}</code></summary>"
    about = f"<p>{_prose(shape.get('description', ''))}</p>"
    table = _table("Fields", ("Name", "Type", "Meaning"), rows)
    return (
        f'<details class="call" id="shape-{escape(name)}">{head}'
        f'<div class="body">{about}{table}</div></details>'
    )


def _table(title: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    lines = "".join(
        "<tr>" + "".join(f"<td>{_cell(i, c)}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<h3>{escape(title)}</h3><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(column: int, text: str) -> str:
    return f"<code>{escape(text)}</code>" if column == 0 else _prose(text)


def _type(shape: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if ref := shape.get("$ref"):
        return ref.rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf"):
        if key in shape:
            return " or ".join(dict.fromkeys(_type(s) for s in shape[key]))
    kind = shape.get("type", "any")
    if kind == "array":
        return f"list of {_type(shape.get('items', {}))}"
    if "enum" in shape:
        return " | ".join(str(v) for v in shape["enum"])
    return f"{kind} ({shape['format']})" if "format" in shape else str(kind)


def _prose(text: str) -> str:
    """Escaped text in which `ticks` make code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))
