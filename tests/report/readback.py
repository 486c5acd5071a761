"""Findings read back out of each format, as the programs that read it would."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["READERS", "Seen", "read_markdown", "show_inline"]

_CONFIDENCE = re.compile(r" \((?:medium|low) confidence\)$")


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """What every format says of a finding."""

    path: str
    line: int
    rule: str
    severity: str
    message: str


def _message(text: str) -> str:
    return _CONFIDENCE.sub("", text.splitlines()[0])


def read_text(document: str) -> Iterator[Seen]:
    pattern = re.compile(
        r"^(error|warning|info)\[([\w-]+)\](?: \(\w+ confidence\))?: (.*)\n"
        r" *--> (.*):(\d+):\d+(?:   .*)?$",
        re.MULTILINE,
    )
    for severity, rule, message, path, line in pattern.findall(document):
        yield Seen(path, int(line), rule, severity, message)


def read_json(document: str) -> Iterator[Seen]:
    for found in json.loads(document)["findings"]:
        yield Seen(found["path"], found["line"], found["rule"], found["severity"], found["message"])


def read_sarif(document: str) -> Iterator[Seen]:
    levels = {"error": "error", "warning": "warning", "note": "info"}
    (run,) = json.loads(document)["runs"]
    for found in run["results"]:
        assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
        (location,) = found["locations"]
        place = location["physicalLocation"]
        yield Seen(
            unquote(place["artifactLocation"]["uri"]),
            place["region"]["startLine"],
            found["ruleId"],
            levels[found["level"]],
            _message(found["message"]["text"]),
        )


def read_junit(document: str) -> Iterator[Seen]:
    for suite in ET.fromstring(document.encode()):  # noqa: S314 - made by the test itself
        for case in suite:
            path, line = suite.attrib["name"], int(case.attrib["line"])
            assert case.attrib["file"] == path
            failure, passed = case.find("failure"), case.findtext("system-out")
            if failure is not None:
                rule, message = failure.attrib["type"], failure.attrib["message"]
                yield Seen(path, line, rule, "error", _message(message))
            elif passed is not None:
                (found,) = read_text(passed)
                assert (found.path, found.line) == (path, line)
                yield found


def read_github(document: str) -> Iterator[Seen]:
    severities = {"error": "error", "warning": "warning", "notice": "info"}
    *commands, _ = document.splitlines()
    for command in commands:
        matched = re.fullmatch(r"::(\w+) (.*?)::(.*)", command)
        assert matched is not None, command
        # what the runner undoes is what a URL's escapes are, for these characters
        pairs = (pair.partition("=") for pair in matched[2].split(","))
        properties = {key: unquote(value) for key, _, value in pairs}
        if properties["title"] != "not judged":
            yield Seen(
                properties["file"],
                int(properties["line"]),
                properties["title"],
                severities[matched[1]],
                _message(unquote(matched[3])),
            )


def read_gitlab(document: str) -> Iterator[Seen]:
    severities = {"critical": "error", "major": "warning", "info": "info"}
    for found in json.loads(document):
        if found["check_name"] != "not-judged":
            yield Seen(
                found["location"]["path"],
                found["location"]["lines"]["begin"],
                found["check_name"],
                severities[found["severity"]],
                _message(found["description"]),
            )


def show_inline(token: Token) -> str:
    """Return the text that a reader sees of a line."""
    parts = []
    for child in token.children or []:
        if child.type in {"text", "code_inline", "text_special"}:
            parts.append(child.content)
        elif child.type == "html_inline":
            assert child.content in {"<code>", "</code>", "<!-- -->"}, child.content
        else:
            raise AssertionError(f"{child.type} in {token.content}")
    return "".join(parts)


def read_markdown(document: str) -> Iterator[Seen]:
    severities = {"Errors": "error", "Warnings": "warning", "Infos": "info"}
    tokens = MarkdownIt("commonmark").enable("table").parse(document)
    path = heading = ""
    for before, token in pairwise(tokens):
        if before.tag == "h3" and token.type == "inline":
            path = show_inline(token)
        elif before.tag == "h4" and token.type == "inline":
            heading = show_inline(token)
        elif heading in severities and token.type == "inline":
            found = re.match(r"([\w-]+) at line (\d+): (.*)", show_inline(token))
            if found is not None:
                yield Seen(path, int(found[2]), found[1], severities[heading], _message(found[3]))


READERS: Mapping[str, Callable[[str], Iterator[Seen]]] = {
    "text": read_text,
    "json": read_json,
    "sarif": read_sarif,
    "junit": read_junit,
    "github": read_github,
    "gitlab": read_gitlab,
    "markdown": read_markdown,
}
