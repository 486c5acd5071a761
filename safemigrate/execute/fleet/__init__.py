"""One command on many databases, or on many schemas of one."""

from safemigrate.execute.fleet.children import ChildCarrier, look_at_target
from safemigrate.execute.fleet.fleet import FailureLimit, FleetSettings, run_fleet
from safemigrate.execute.fleet.result import (
    Carrier,
    FleetEvent,
    FleetProgress,
    FleetReport,
    FleetStopped,
    TargetFinished,
    TargetOutcome,
    TargetResult,
    TargetSaid,
    TargetStarted,
)
from safemigrate.execute.fleet.schemas import (
    check_version_table,
    in_schema,
    list_schemas,
    pass_arguments,
)
from safemigrate.execute.fleet.target import (
    Target,
    check_targets,
    make_schema_targets,
    parse_target,
    read_targets,
)

__all__ = [
    "Carrier",
    "ChildCarrier",
    "FailureLimit",
    "FleetEvent",
    "FleetProgress",
    "FleetReport",
    "FleetSettings",
    "FleetStopped",
    "Target",
    "TargetFinished",
    "TargetOutcome",
    "TargetResult",
    "TargetSaid",
    "TargetStarted",
    "check_targets",
    "check_version_table",
    "in_schema",
    "list_schemas",
    "look_at_target",
    "make_schema_targets",
    "parse_target",
    "pass_arguments",
    "read_targets",
    "run_fleet",
]
