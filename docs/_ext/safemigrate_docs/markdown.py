"""Pieces of Markdown, as MyST reads it."""

import re
from collections.abc import Iterable, Sequence

__all__ = ["escape", "fence", "format_table", "head_page", "mark_options", "toctree"]


def head_page(title: str, description: str, depth: int | None = None) -> str:
    """Return how a page begins: what search engines show of it, and its title.

    `depth`: how many levels of headings stand beside the page; None for all, as it must be for
    one with pages below it: the list of all pages would end there.
    """
    shown = description.replace("`", "").replace('"', "'")
    limit = "" if depth is None else f"tocdepth: {depth}\n"
    return f'---\n{limit}myst:\n  html_meta:\n    description: "{shown}"\n---\n\n# {title}\n\n'


def fence(text: str, language: str, options: Iterable[str] = ()) -> str:
    """Return a block of code; what its lexer cannot read is shown all the same."""
    bars = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    lines = [f"{bars}{{code-block}} {language}", ":force:", *options, "", text.strip("\n"), bars]
    return "\n".join(lines) + "\n\n"


def escape(text: str) -> str:
    """Return plain text that stands in Markdown as it is; what is between backticks is code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*<>\[\]|])", r"\\\1", part) for part in parts
    )


def mark_options(text: str) -> str:
    """Return plain text as Markdown, the options named in it as code."""
    parts = re.split(r"(`[^`]+`)", escape(text))
    return "".join(
        part if part.startswith("`") else re.sub(r"(?<![\w-])(--?[a-z][a-z-]*)\b", r"`\1`", part)
        for part in parts
    )


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines) + "\n"


def toctree(names: Iterable[str]) -> str:
    """Return the hidden list that hangs pages below this one."""
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"]) + "\n"
