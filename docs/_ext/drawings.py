"""The directive `drawing`: an SVG that stands in the page itself, and so has the page's colours.

A drawing is a file of `explanation/diagrams`, or what was measured in `measured`, or the table of
lock conflicts, which is made of the one that the judging uses.
"""

import re
import sys
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]
# Sphinx looks for extensions, and not for the package that draws.
if str(DOCS.parent) not in sys.path:
    sys.path.append(str(DOCS.parent))

from docs._ext.lock_conflicts import draw_conflicts  # noqa: E402 - found by the line above
from docs.measured.draw import draw  # noqa: E402
from docs.measured.figures import About, read_experiment  # noqa: E402

__all__ = ["Drawing", "setup"]

_CONFLICTS = "lock-conflicts"


class Drawing(SphinxDirective):
    """A figure with an inline SVG; `alt` says in words what it shows."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return the figure, with its caption."""
        (name,) = self.arguments
        if "alt" not in self.options:
            raise self.error(f'the drawing "{name}" needs :alt:')
        try:
            svg, note = self._find(name)
        except FileNotFoundError as err:
            raise self.error(f'there is no drawing "{name}": {err.filename}') from err
        figure = nodes.figure("", classes=["drawing"])
        figure += nodes.raw("", _label(svg, self.options["alt"]), format="html")
        caption = nodes.caption("")
        children, _ = self.state.inline_text(" ".join(self.content), self.lineno)
        caption += children
        if note:
            caption += nodes.inline("", f" {note}", classes=["drawing-note"])
        figure += caption
        return [figure]

    def _find(self, name: str) -> tuple[str, str]:
        """Return the SVG, and what is to be said of how it was measured."""
        if name == _CONFLICTS:
            return draw_conflicts(), ""
        measured = DOCS / "measured" / f"{name}.json"
        if measured.exists():
            self.env.note_dependency(str(measured))
            experiment = read_experiment(measured)
            return draw(experiment), describe(experiment.about)
        diagram = DOCS / "explanation" / "diagrams" / f"{name}.svg"
        self.env.note_dependency(str(diagram))
        return diagram.read_text(encoding="utf-8"), ""


def describe(about: About) -> str:
    """Return in a sentence what was measured on."""
    busy = " The machine was busy with other work." if about.load > about.cpus else ""
    return (
        f"PostgreSQL {about.postgresql}, {about.rows:,} rows, {about.cpus} processors, "
        f"{about.memory_gib} GiB, {about.settings}; "
        f"median of {about.repeats}, {about.measured_on}.{busy}"
    )


def _label(svg: str, alt: str) -> str:
    """Return the SVG with the words that a screen reader says for it."""
    words = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return re.sub(r"<svg\b", f'<svg role="img" aria-label="{words}"', svg, count=1)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and its style sheet."""
    app.add_directive("drawing", Drawing)
    app.add_css_file("drawings.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
