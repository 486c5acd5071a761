"""JUnit XML, as the programs that read it expect: suites of cases, counted.

https://github.com/testmoapp/junitxml
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

__all__ = ["clean", "format_suites", "join_documents", "make_case"]

# https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def format_suites(name: str, suites: Mapping[str, Sequence[ET.Element]]) -> str:
    """Return the document of suites by their names; one without cases has one that passes."""
    return _format(name, [_make_suite(path, list(cases)) for path, cases in suites.items()])


def join_documents(name: str, documents: Iterable[str]) -> str:
    """Return one document with the suites of several that `format_suites` made."""
    suites = [suite for one in documents for suite in ET.fromstring(one)]  # noqa: S314 - our own
    return _format(name, suites)


def _format(name: str, made: list[ET.Element]) -> str:
    root = ET.Element("testsuites", {"name": name, **_count_all(made)})
    root.extend(made)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def make_case(path: str, name: str, line: int = 1) -> ET.Element:
    """Return a case that passes, of something in the file at `path`."""
    return ET.Element(
        "testcase", classname=clean(path), name=clean(name), file=clean(path), line=str(line)
    )


def clean(text: str) -> str:
    """Return the text with `�` for the characters that XML forbids."""
    return _FORBIDDEN.sub("�", text)


def _make_suite(path: str, cases: list[ET.Element]) -> ET.Element:
    cases = cases or [make_case(path, "no findings")]
    _number_names(cases)
    suite = ET.Element("testsuite", {"name": clean(path), **_count_cases(cases)})
    suite.extend(cases)
    return suite


def _number_names(cases: list[ET.Element]) -> None:
    """Give cases of one name different names: programs take two of a name for one case."""
    seen: Counter[str] = Counter()
    for case in cases:
        name = case.attrib["name"]
        seen[name] += 1
        if seen[name] > 1:
            case.set("name", f"{name} ({seen[name]})")


def _count_cases(cases: list[ET.Element]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
    }


def _count_all(suites: list[ET.Element]) -> dict[str, str]:
    return {
        key: str(sum(int(suite.attrib[key]) for suite in suites))
        for key in ("tests", "failures", "errors", "skipped")
    }
