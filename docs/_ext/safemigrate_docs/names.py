"""Names of Python that annotations have and pages do not: where they lead."""

from docutils.nodes import Element, reference
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["resolve_name"]

_ROOT = "safemigrate"
_SHORTEST = 3  # of a name below a package of it


def resolve_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Element
) -> reference | None:
    """Return a link to the package that a name of one of its modules is public in.

    An annotation knows the module that a class is made in; its page is that of the package.
    """
    name = str(node.get("reftarget", ""))
    parts = name.split(".")
    if node.get("refdomain") != "py" or parts[0] != _ROOT or len(parts) < _SHORTEST:
        return None
    public = ".".join((*parts[:2], parts[-1]))
    if public == name:
        return None
    domain = env.domains.python_domain
    found: reference | None = domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", public, node, contnode
    )
    return found
