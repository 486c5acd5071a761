"""Code in a sentence that is the name of a rule, a property or a command leads to its page."""

from typing import Any

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

from safemigrate.lint import rules
from safemigrate.model import Property
from safemigrate.review import list_checks
from safemigrate_docs.options import list_commands

__all__ = ["WordLinks", "list_targets"]


def list_targets() -> dict[str, tuple[str, str]]:
    """Return the page and the anchor in it by the word."""
    found = {name: ("reference/checks", f"check-{name}") for name in list_checks()}
    found |= {one.value: ("reference/properties", f"property-{one.value}") for one in Property}
    found |= {name: (f"reference/rules/{name}", "") for name in rules()}
    for name in list_commands():
        found[f"safemigrate {name}"] = (f"reference/commands/{name.replace(' ', '-')}", "")
    return found


class WordLinks(SphinxPostTransform):
    """Makes the links; not in headings, in links, or on the page itself."""

    default_priority = 400

    def run(self, **_: Any) -> None:
        """Link what is code and nothing else."""
        targets = list_targets()
        for literal in list(self.document.findall(nodes.literal)):
            page, anchor = targets.get(literal.astext(), ("", ""))
            docname = self.env.docname
            if not page or page == docname or _is_inside(literal):
                continue
            link = make_refnode(self.app.builder, docname, page, anchor, literal.deepcopy())
            literal.replace_self(link)


def _is_inside(node: nodes.Node) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, nodes.reference | nodes.title):
            return True
        parent = parent.parent
    return False
