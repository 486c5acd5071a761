"""The style of SQL: sqlfluff asked about migrations, and our findings shown in sqlfluff.

sqlfluff itself, which an extra installs, is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safemigrate.style.finding import Stylist

__all__ = ["Stylist"]


def __getattr__(name: str) -> object:
    # sqlfluff imports this package wherever it is installed, for the plugin alone
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.finding"), name)
