"""A migration framework for PostgreSQL with safety linting, on Alembic."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # to look the version up costs more than all else that a remembered report needs
    from importlib.metadata import version  # noqa: PLC0415

    return version("safemigrate")
