"""What surrounds a revision that is proved: roles, extensions, a seed, the network, time."""

from safemigrate.verify.surroundings.extensions import find_missing_extensions
from safemigrate.verify.surroundings.network import NetworkRefusedError, refusing_network
from safemigrate.verify.surroundings.roles import (
    list_roles,
    prepare_for_roles,
    replaying_roles,
    standing_roles,
)
from safemigrate.verify.surroundings.seeding import plant_seed
from safemigrate.verify.surroundings.timelimit import (
    TimeLimitReached,
    keeping_time,
    limiting_time,
)

__all__ = [
    "NetworkRefusedError",
    "TimeLimitReached",
    "find_missing_extensions",
    "keeping_time",
    "limiting_time",
    "list_roles",
    "plant_seed",
    "prepare_for_roles",
    "refusing_network",
    "replaying_roles",
    "standing_roles",
]
