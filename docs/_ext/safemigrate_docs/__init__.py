"""What this site adds to Sphinx: the reference is written from the code, and words lead to it."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from safemigrate_docs.documents import list_document_pages
from safemigrate_docs.lists import list_check_pages, list_property_pages
from safemigrate_docs.names import resolve_name
from safemigrate_docs.options import list_command_pages
from safemigrate_docs.rulepages import list_rule_pages
from safemigrate_docs.settings import list_setting_pages
from safemigrate_docs.words import WordLinks

__all__ = ["setup"]

_FOLDER = "reference"
_FILE_LINK = re.compile(r"\[`?[\w/-]+\.md`?\]\((?!https?:)([^)#]+\.md)\)")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what is here with Sphinx."""
    app.connect("builder-inited", _write_reference)
    app.connect("missing-reference", resolve_name)
    app.connect("source-read", _name_pages)
    app.connect("html-page-context", _fold_navigation, priority=100)  # before the theme's own
    app.add_post_transform(WordLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_reference(app: Sphinx) -> None:
    """Write the pages of the folder `reference`, and remove those that nothing makes any more."""
    source = Path(app.srcdir)
    folder = source / _FOLDER
    pages = {
        **list_command_pages(source),
        **list_rule_pages(),
        **list_property_pages(source),
        **list_check_pages(),
        **list_setting_pages(),
        **list_document_pages(),
    }
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    made = {folder / name for name in pages}
    for path in folder.rglob("*"):
        if path.is_file() and path not in made:
            path.unlink()
    app.project.discover(app.config.exclude_patterns, app.config.include_patterns)


def _name_pages(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Call a page by its title where the text has its file, as it reads well elsewhere."""
    source[0] = _FILE_LINK.sub(r"[](\1)", source[0])


def _fold_navigation(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object
) -> None:
    """Let the list beside a page open only where the page is: every rule on every page is slow."""
    if "toctree" in context:
        context["toctree"] = partial(_unfold_here, context["toctree"])


def _unfold_here(toctree: Callable[..., str], **choices: Any) -> str:
    return toctree(**{**choices, "collapse": True})
