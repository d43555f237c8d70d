"""The REST API, read from the OpenAPI document that the server itself hands out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.scripts.markdown import cell
from neardup_cli.web.app import create_app
from neardup_cli.web.options import ServeOptions


def document() -> dict[str, Any]:
    """Return the OpenAPI document; no catalog is opened for it."""
    return create_app(Path("nowhere"), ServeOptions()).openapi()


def page() -> str:
    """Return a section for each operation, then one for each document."""
    api = document()
    lines = ["## Operations", ""]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            lines += _operation(method.upper(), path, operation)
    lines += ["## Documents", ""]
    for name, schema in api["components"]["schemas"].items():
        lines += _schema(name, schema)
    return "\n".join(lines)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {method} {path}"
    yield ""
    yield from (operation.get("description") or operation["summary"], "")
    taken = [
        (f"`{one['name']}` ({one['in']})", one.get("schema", {}), one.get("description", ""))
        for one in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    taken += [(f"body, `{kind}`", content.get("schema", {}), "") for kind, content in body.items()]
    if taken:
        yield from ("| takes | type | what it means |", "|---|---|---|")
        yield from (f"| {name} | {_type(schema)} | {cell(said)} |" for name, schema, said in taken)
        yield ""
    yield from ("| answers | with | when |", "|---|---|---|")
    for code, answer in operation["responses"].items():
        kinds = answer.get("content", {})
        shown = "; ".join(_type(content.get("schema", {})) or f"`{kind}`" for kind, content in kinds.items())
        yield f"| {code} | {shown} | {cell(answer.get('description', ''))} |"
    yield ""


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield from (f"### {name}", "", schema.get("description", "").strip(), "")
    if properties := schema.get("properties"):
        yield from ("| key | type | what it means |", "|---|---|---|")
        for key, one in properties.items():
            yield f"| `{key}` | {_type(one)} | {cell(one.get('description', ''))} |"
        yield ""
    elif words := schema.get("enum"):
        yield from (", ".join(f"`{word}`" for word in words) + ".", "")
    for example in schema.get("examples", []):
        yield from ("```json", json.dumps(example, indent=2, ensure_ascii=False), "```", "")


def _type(schema: dict[str, Any]) -> str:
    """Return a type in words, with a link to the document that it refers to."""
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{re.sub(r'[^a-z0-9_-]', '', name.lower())})"
    if several := schema.get("anyOf") or schema.get("allOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(filter(None, map(_type, several))))
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        return f"list of {_type(items)}" if items else "list"
    return str(schema.get("format") or schema.get("type") or "")
