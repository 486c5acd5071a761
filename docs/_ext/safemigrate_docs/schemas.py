"""Types of msgspec in words, by way of their JSON Schema."""

from collections.abc import Mapping
from typing import Any

__all__ = ["find_references", "name_type"]

Schema = Mapping[str, Any]

_REFERENCE = "#/$defs/"
_WORDS = {
    "array": "list",
    "boolean": "true or false",
    "integer": "integer",
    "null": "null",
    "number": "number",
    "object": "table",
    "string": "text",
}


def name_type(schema: Schema, definitions: Mapping[str, Schema], link: str = "") -> str:
    """Return what a value may be.

    `link`: how a definition that is an object is linked, with `{name}` in it.
    """
    if "$ref" in schema:
        return _name_reference(schema["$ref"].removeprefix(_REFERENCE), definitions, link)
    if "anyOf" in schema:
        return " or ".join(name_type(one, definitions, link) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{one}`" if one is not None else "null" for one in schema["enum"])
    if schema.get("type") == "array":
        return _name_list(schema, definitions, link)
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        said = name_type(inner, definitions, link)
        return "table" if said in {"table", "anything"} else f"table of name → {said}"
    if "format" in schema:
        return str(schema["format"])
    return _name_simple(schema)


def _name_reference(name: str, definitions: Mapping[str, Schema], link: str) -> str:
    target = definitions[name]
    if "enum" in target or not link:
        return name_type({**target, "description": ""}, definitions, link)
    return link.format(name=name)


def _name_list(schema: Schema, definitions: Mapping[str, Schema], link: str) -> str:
    items = schema.get("prefixItems") or schema.get("items")
    if isinstance(items, list):
        return "list of " + " and ".join(name_type(one, definitions, link) for one in items)
    return f"list of {name_type(items, definitions, link)}" if items else "list"


def _name_simple(schema: Schema) -> str:
    word = _WORDS.get(schema.get("type", ""), "anything")
    if word == "table":
        return word
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    if low is not None:
        return f"{word}, {low} or more"
    if "exclusiveMinimum" in schema:
        return f"{word}, more than {schema['exclusiveMinimum']}"
    return word


def find_references(schema: object) -> list[str]:
    """Return the names of the definitions that a schema refers to, in order, each once."""
    found: dict[str, None] = {}
    if isinstance(schema, dict):
        if "$ref" in schema:
            found[schema["$ref"].removeprefix(_REFERENCE)] = None
        for value in schema.values():
            found.update(dict.fromkeys(find_references(value)))
    elif isinstance(schema, list):
        for value in schema:
            found.update(dict.fromkeys(find_references(value)))
    return list(found)
