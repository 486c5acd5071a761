"""The chart of docs/deploy/helm as its templates come out, by the few expressions they may have.

An expression is a value (.Values.a.b, .Release.Name, .Chart.Name), with `int` or `toYaml` before it
and `| quote` or `| nindent N` behind it, and `{{-` to take off the white space in front. Anything
else is an error: it would have to be understood here as helm understands it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["render"]

_EXPRESSION = re.compile(r"(\s*\{\{-|\{\{)(.*?)\}\}", re.DOTALL)
_FORM = re.compile(r" (?:(int|toYaml) )?((?:\.\w+)+)(?: \| (quote|nindent (\d+)))? ")


def render(chart: Path, template: str, *, release: str, values: Mapping[str, Any]) -> Any:
    """Return what a template becomes with the chart's values and those given; it is one document.

    Raises ValueError for an expression that is not one of those above, KeyError for a value that
    is not there.
    """
    scope = {
        "Release": {"Name": release},
        "Chart": {"Name": _load(chart / "Chart.yaml")["name"]},
        "Values": _merge(_load(chart / "values.yaml"), values),
    }
    text = (chart / "templates" / template).read_text(encoding="utf-8")
    return yaml.safe_load(_EXPRESSION.sub(lambda match: _evaluate(match[2], scope), text))


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, as helm does: what is given counts, and a map is merged key by key."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            merged[key] = _merge(under[key], over[key])
    return merged


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _evaluate(expression: str, scope: Mapping[str, Any]) -> str:
    form = _FORM.fullmatch(expression)
    if form is None:
        raise ValueError(f"an expression that the test does not know: {expression}")
    function, path, end, width = form.groups()
    value: Any = scope
    for name in path.split(".")[1:]:
        value = value[name]
    if function == "toYaml":
        text = yaml.safe_dump(value, default_flow_style=False).rstrip("\n")
    else:
        text = str(int(value) if function == "int" else value)
    if width is not None:
        return "".join(f"\n{' ' * int(width)}{line}" for line in text.splitlines())
    return json.dumps(text) if end == "quote" else text
