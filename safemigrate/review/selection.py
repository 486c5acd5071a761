"""Which checks are asked: by name, by category, and by what there is to see."""

from collections.abc import Iterable

from safemigrate.errors import UsageError
from safemigrate.review.checks import SchemaCategory, SchemaCheck, list_checks

__all__ = ["choose_checks"]


def choose_checks(
    select: Iterable[str] = (), ignore: Iterable[str] = ()
) -> tuple[SchemaCheck, ...]:
    """Return the checks named, by themselves or by their category, in their order; all by default.

    Raises UsageError for a word that names neither.
    """
    wanted = _find(select) or {*list_checks()}
    unwanted = _find(ignore)
    return tuple(
        check for name, check in list_checks().items() if name in wanted and name not in unwanted
    )


def _find(words: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for word in words:
        names = {
            one.name for one in list_checks().values() if word in {one.name, one.category.value}
        }
        if not names:
            categories = ", ".join(one.value for one in SchemaCategory)
            raise UsageError(
                f'"{word}" is neither a check of schemas nor a category of them',
                f'"safemigrate review --checks" lists them; the categories are {categories}',
            )
        found |= names
    return found
