"""The page at /docs: every operation of the OpenAPI document, without scripts."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

from serving.problems import TABLE

_STYLE = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --link: #06c; }
@media (prefers-color-scheme: dark) { :root { --link: #8bf; } }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
a { color: var(--link); } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 code { font-size: 1rem; } nav ul { columns: 2; padding-left: 1.2rem; }
section.operation { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0;
  padding: 0 1rem 1rem; }
pre { background: var(--soft); padding: .75rem; overflow: auto; font-size: .85rem;
  border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
td, th { text-align: left; padding: .25rem .6rem .25rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
summary { cursor: pointer; } .muted { opacity: .75; }
@media (max-width: 40rem) { nav ul { columns: 1; } }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
METHODS = ("get", "post")


def page(document: dict[str, Any]) -> str:
    info = document["info"]
    body = "".join(
        (
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            _prose(info["description"]),
            "<p><a href='/openapi.json'>OpenAPI document</a></p>",
            _contents(document),
            *(_group(document, tag) for tag in document["tags"]),
            _webhooks(document),
            _problems(),
        )
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
        f"content='width=device-width, initial-scale=1'><title>{escape(info['title'])} API</title>"
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give method, path and operation, in the document's order."""
    for path, entry in document["paths"].items():
        for method in METHODS:
            if method in entry:
                yield method, path, entry[method]


def _contents(document: dict[str, Any]) -> str:
    rows = "".join(
        f"<li><a href='#{escape(op['operationId'])}'>"
        f"<code>{method.upper()} {escape(path)}</code></a></li>"
        for method, path, op in operations(document)
    )
    return f"<nav><ul>{rows}</ul></nav>"


def _group(document: dict[str, Any], tag: dict[str, str]) -> str:
    sections = "".join(
        _operation(method, path, op, document)
        for method, path, op in operations(document)
        if tag["name"] in op["tags"]
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{sections}"


def _operation(method: str, path: str, op: dict[str, Any], document: dict[str, Any]) -> str:
    scopes = [name for row in op.get("security", []) for name in row.get("ApiKey", [])]
    needed = f"Scope: {' or '.join(scopes)}" if scopes else "No key needed"
    return (
        f"<section class='operation' id='{escape(op['operationId'])}'>"
        f"<h3>{escape(op['summary'])} <code>{method.upper()} {escape(path)}</code></h3>"
        f"{_prose(op['description'])}<p class='muted'>{needed}.</p>"
        f"{_requests(method, path, op, document)}{_responses(op)}</section>"
    )


def _requests(method: str, path: str, op: dict[str, Any], document: dict[str, Any]) -> str:
    content = op.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = content.get("examples", {})
    shown = _fields(content.get("schema", {}), document)
    first = next((row["value"] for row in examples.values()), None)
    shown += f"<p>Call:</p><pre>{escape(_curl(method, path, op, first))}</pre>"
    for row in list(examples.values())[1:]:
        shown += (
            f"<details><summary>{escape(row['summary'])}</summary>{_json(row['value'])}</details>"
        )
    return shown


def _curl(method: str, path: str, op: dict[str, Any], body: object) -> str:
    lines = [f"curl -X {method.upper()} http://127.0.0.1:8000{path}"]
    if op.get("security"):
        lines.append('-H "Authorization: Bearer $TRIAGE_KEY"')
    if body is not None:
        text = json.dumps(body, ensure_ascii=False, indent=1).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join(lines)


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """List the fields of a body, down through the models it holds."""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(text)}</td></tr>"
        for name, kind, text in _walk(schema, "", document)
    )
    if not rows:
        return ""
    return f"<table><tr><th>Field</th><th>Type</th><th>Meaning</th></tr>{rows}</table>"


def _walk(
    schema: dict[str, Any], name: str, document: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    schema = _resolved(schema, document)
    if schema.get("type") == "array":
        yield from _walk(schema["items"], f"{name}[]", document)
        return
    for key, row in schema.get("properties", {}).items():
        path = f"{name}.{key}" if name else key
        needed = "" if key in schema.get("required", ()) else ", optional"
        yield path, _kind(row, document) + needed, row.get("description", "")
        yield from _walk(row, path, document)


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        found: dict[str, Any] = document["components"]["schemas"][name]
        return found
    return schema


def _kind(schema: dict[str, Any], document: dict[str, Any]) -> str:
    whole = _resolved(schema, document)
    if "anyOf" in whole:
        kinds = (_kind(row, document) for row in whole["anyOf"] if row.get("type") != "null")
        return " or ".join(kinds)
    if "enum" in whole:
        return " | ".join(map(str, whole["enum"]))
    limit = f", at most {whole['maxLength']:,} characters" if "maxLength" in whole else ""
    return str(whole.get("format") or whole.get("type", "")) + limit


def _responses(op: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{status}</td><td>{escape(row['description'])}</td></tr>"
        for status, row in sorted(op["responses"].items())
    )
    shown = f"<table><tr><th>Status</th><th>Meaning</th></tr>{rows}</table>"
    for row in op["responses"].values():
        example = row.get("content", {}).get("application/json", {}).get("example")
        if example is not None:
            shown += f"<details><summary>Example answer</summary>{_json(example)}</details>"
    return shown


def _json(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=1))}</pre>"


def _webhooks(document: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(entry['post']['summary'])}</td></tr>"
        for name, entry in document["webhooks"].items()
    )
    first = next(entry["post"] for entry in document["webhooks"].values())
    example = first["requestBody"]["content"]["application/json"]["example"]
    return (
        f"<h2>Webhooks</h2>{_prose(first['description'])}<table>{rows}</table>"
        f"<details><summary>Example announcement</summary>{_json(example)}</details>"
    )


def _prose(text: str) -> str:
    """Write paragraphs, with `words` as code."""
    marked = re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
    return "".join(f"<p>{part}</p>" for part in marked.split("\n\n"))


def _problems() -> str:
    answers = {row.slug: row for row in TABLE.values()}
    rows = "".join(
        f"<tr id='{row.slug}'><td>{row.status}</td><td><code>/docs#{row.slug}</code></td>"
        f"<td>{escape(row.title)}</td></tr>"
        for row in sorted(answers.values(), key=lambda row: row.status)
    )
    return f"<h2>Problems</h2><table>{rows}</table>"
