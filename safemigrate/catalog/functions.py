"""Functions and procedures in a catalog."""

from dataclasses import replace

from safemigrate.model import Catalog, Function

__all__ = ["remember_function"]


def remember_function(catalog: Catalog, function: Function) -> Catalog:
    """Return the catalog with the function, in the place of one with the same arguments."""
    name = catalog.resolve_new(function.definition.name)
    others = [one for one in catalog.functions.get(name, ()) if not function.replaces(one)]
    return replace(catalog, functions={**catalog.functions, name: (*others, function)})
