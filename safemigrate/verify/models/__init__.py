"""The project's models, made by create_all() and compared with what the history makes."""

from safemigrate.verify.models.comparison import Comparison, compare_with_models
from safemigrate.verify.models.creation import Creation, Uncreated, create_models
from safemigrate.verify.models.registration import Roster, Unlisted, find_unregistered

__all__ = [
    "Comparison",
    "Creation",
    "Roster",
    "Uncreated",
    "Unlisted",
    "compare_with_models",
    "create_models",
    "find_unregistered",
]
