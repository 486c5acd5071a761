"""A page for each JSON document that a command writes, and its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from safemigrate.report.documents import ExplainDocument, LintDocument
from safemigrate.report.drift import DriftDocument
from safemigrate.report.fleet import FleetDocument, FleetLine
from safemigrate.report.plan_documents import PlanDocument
from safemigrate.report.proof_documents import VerifyDocument
from safemigrate.report.reviews import ReviewDocument
from safemigrate.report.rules import RulesDocument
from safemigrate.report.standing_documents import HistoryDocument, StatusDocument
from safemigrate_docs.markdown import escape, format_table, head_page, toctree
from safemigrate_docs.schemas import find_references, name_type

__all__ = ["list_document_pages"]


class _StatusDocument(StatusDocument, frozen=True, kw_only=True):
    """The JSON of `status`; `drift` is there with `--drift`."""

    edited: tuple[str, ...]
    changed_elsewhere: tuple[str, ...]
    is_history_hidden: bool
    drift: DriftDocument | msgspec.UnsetType = msgspec.UNSET


_DOCUMENTS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "explain": ((ExplainDocument,), "safemigrate explain --format json"),
    "fleet": ((FleetLine, FleetDocument), "safemigrate upgrade --targets FILE --format json"),
    "history": ((HistoryDocument,), "safemigrate history --format json"),
    "lint": ((LintDocument,), "safemigrate lint --format json"),
    "plan": ((PlanDocument,), "safemigrate plan --format json"),
    "review": ((ReviewDocument,), "safemigrate review --format json"),
    "rule": ((RulesDocument,), "safemigrate rule --format json"),
    "status": ((_StatusDocument,), "safemigrate status --format json"),
    "verify": ((VerifyDocument,), "safemigrate verify --format json"),
}
_BOOK = "https://json-schema.org/draft/2020-12/schema"


def list_document_pages() -> dict[str, str]:
    """Return the pages and the schemas by their paths below the reference."""
    rows = [
        (f"[`{call}`]({name}.md)", f"[{name}.schema.json]({name}.schema.json)")
        for name, (_, call) in _DOCUMENTS.items()
    ]
    index = (
        head_page("JSON", "What the commands write with --format json, and its JSON Schema.")
        + "`--format json` writes one document to standard output, or one a line where a run is "
        "followed as it goes.\n"
        "Each has `version`, which is 1: within it no key changes its meaning and none goes away, "
        "but new ones may come, so leave out what you do not know.\n"
        "A number has its unit in its name; lines and columns count from 1.\n\n"
        + format_table(("written by", "JSON Schema"), rows)
        + "What `safemigrate upgrade` and `safemigrate downgrade` write is in "
        "[the events of a run](../../events.md).\n\n" + toctree(_DOCUMENTS)
    )
    pages = {"documents/index.md": index}
    for name, (kinds, call) in _DOCUMENTS.items():
        found, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
        body = found[0] if len(found) == 1 else {"anyOf": list(found)}
        title = {"$schema": _BOOK, "title": f"What `{call}` writes"}
        schema = {**title, **body, "$defs": definitions}
        shown = json.dumps(_clean(schema), indent=2, ensure_ascii=False)
        pages[f"documents/{name}.schema.json"] = shown + "\n"
        pages[f"documents/{name}.md"] = _page(name, call, schema)
    return pages


def _clean(value: Any) -> Any:
    """Return the schema with the names of definitions as users may see them."""
    if isinstance(value, dict):
        return {
            _rename(key): _rename(one) if key == "$ref" else _clean(one)
            for key, one in value.items()
            if not (key == "title" and str(one).startswith("_"))
        }
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _rename(text: str) -> str:
    """Return a name without the mark of what is private, and without `Document`."""
    head, slash, name = text.rpartition("/")
    return f"{head}{slash}{name.lstrip('_').removesuffix('Document') or name}"


def _page(name: str, call: str, schema: Mapping[str, Any]) -> str:
    parts = [
        head_page(
            f"JSON of {call.removesuffix(' --format json')}", f"The keys of what {call} writes."
        ),
        f"Written by `{call}`; as JSON Schema: [{name}.schema.json]({name}.schema.json).\n\n",
    ]
    for definition, heading in _walk(schema):
        body = schema["$defs"][definition]
        rows = [
            (f"`{key}`", name_type(one, schema["$defs"], f"[{{name}}](#{name}-{{name}})"))
            for key, one in body["properties"].items()
        ]
        shown = [(key, _say(kind)) for key, kind in rows]
        told = f"{escape(body['description'])}\n\n" if "description" in body else ""
        parts.append(f"({name}-{definition})=\n## {heading}\n\n{told}")
        parts.append(format_table(("key", "is"), shown))
    return "".join(parts)


def _say(kind: str) -> str:
    """Return the words for a type in a JSON document, whose tables are objects."""
    head, bracket, rest = kind.partition("[_")
    text = f"{head}[{rest}" if bracket else kind
    return (
        text.replace("Document]", "]").replace("table of", "object of").replace("table", "object")
    )


def _walk(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return each definition that is an object, outermost first, with its heading."""
    top = schema.get("anyOf", [{"$ref": schema.get("$ref")}])
    waiting = find_references(top)
    seen: set[str] = set()
    outermost = "The document" if len(waiting) == 1 else ""
    while waiting:
        name = waiting.pop(0)
        body = schema["$defs"][name]
        if name in seen or "properties" not in body:
            continue
        seen.add(name)
        yield name, outermost or _rename(name)
        outermost = ""
        waiting += find_references(body["properties"])
