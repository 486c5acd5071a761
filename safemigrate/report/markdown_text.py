"""Text that may hold anything, put into GitHub's Markdown so that it is shown as it is.

https://github.github.com/gfm/
https://docs.github.com/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
https://docs.gitlab.com/user/markdown/#gitlab-specific-references
"""

import re
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["COMMENT_LIMIT", "code_span", "escape_html", "escape_text", "fence_code", "measure"]

# The most characters that GitHub takes in a comment; it counts in UTF-16.
COMMENT_LIMIT = 65_536

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = {mark: f"\\{mark}" for mark in "\\`*_[]|~$"}
_IN_HTML = str.maketrans(_ENTITIES)
_IN_TEXT = str.maketrans(_ENTITIES | _SPECIAL)

# A comment, which is not shown, keeps a name from calling a person and a number an issue: forges
# look for such in what is shown between two tags, so that a backslash would not keep it.
_BREAK = "<!-- -->"
# What a comment comes behind.
_CALLS = re.compile(
    r"""
    [@\#]                                    # people; issues, and GitLab's ^alert#1
    | \bGH-(?=\d)                             # issues of GitHub
    | [!&$](?=\d)                            # merge requests, epics and snippets of GitLab
    | %(?=["\w])                             # milestones of GitLab
    | ~(?=["\w&?.-])                         # labels of GitLab
    | \*(?=iteration:)                       # iterations of GitLab
    | \[(?=[a-z][a-z_]*:)                    # [vulnerability:1] and others of GitLab
    | :(?=(?:100|1234|\d*[a-z_+-][\w+-]*):)  # emoji; a place such as a.py:10: is none
    | :(?=//)                                # URLs
    | \bwww(?=\.)
    | [0-9a-f]{6}(?=[0-9a-f])                # commits, which have seven digits at least
    """,
    re.VERBOSE | re.IGNORECASE,
)

_BACKTICKS = re.compile(r"`+")
_FENCE = 3


def escape_text(text: str) -> str:
    """Return text of one line for a paragraph, a list or a cell of a table."""
    return _escape(text, _IN_TEXT)


def escape_html(text: str) -> str:
    """Return text of one line for an element of HTML, in which Markdown means nothing."""
    return _escape(text, _IN_HTML)


def _escape(text: str, table: Mapping[int, str]) -> str:
    return _BREAK.join(part.translate(table) for part in _cut_calls(text))


def _cut_calls(text: str) -> Iterator[str]:
    """Yield the parts of a text, none of which calls anybody or leads anywhere."""
    begin = 0
    for call in _CALLS.finditer(text):
        yield text[begin : call.end()]
        begin = call.end()
    yield text[begin:]


def code_span(text: str) -> str:
    """Return text of one line as code, for a paragraph, a heading or a cell of a table.

    A span of backticks cannot hold every text in a cell, an element can hold any.
    """
    if text.strip() == text != "" and not any(mark in text for mark in "`|\\"):
        return f"`{text}`"
    plain = (mark if mark.isalnum() or not mark.isascii() else f"&#{ord(mark)};" for mark in text)
    return f"<code>{''.join(plain)}</code>"


def fence_code(language: str, lines: Sequence[str]) -> list[str]:
    """Return the lines of a block of code, its fence longer than any in the code."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(_FENCE, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def measure(text: str) -> int:
    """Return the length as GitHub counts it, in UTF-16."""
    return len(text.encode("utf-16-le")) // 2
