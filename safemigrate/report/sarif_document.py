"""The parts of SARIF 2.1.0 that `lint` writes; names and order are the standard's."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType, field

__all__ = [
    "ArtifactLocation",
    "Configuration",
    "Descriptor",
    "DescriptorReference",
    "Driver",
    "Invocation",
    "Location",
    "Log",
    "LogicalLocation",
    "Notification",
    "PhysicalLocation",
    "Region",
    "Result",
    "ResultProperties",
    "RuleProperties",
    "Run",
    "Text",
    "Tool",
]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


class Text(Struct, frozen=True):
    """A message, also as Markdown."""

    text: str
    markdown: str | UnsetType = UNSET


class Configuration(Struct, frozen=True):
    """What a rule's findings are when nobody says otherwise."""

    level: str


class RuleProperties(Struct, frozen=True):
    """What GitHub reads of a rule beside the standard."""

    tags: Sequence[str]
    problem_severity: str = field(name="problem.severity")


class Descriptor(Struct, frozen=True, rename="camel"):
    """A rule, or a kind of notification."""

    id: str
    short_description: Text | UnsetType = UNSET
    full_description: Text | UnsetType = UNSET
    help: Text | UnsetType = UNSET
    default_configuration: Configuration | UnsetType = UNSET
    properties: RuleProperties | UnsetType = UNSET


class Driver(Struct, frozen=True, rename="camel"):
    """The tool."""

    name: str
    semantic_version: str
    rules: Sequence[Descriptor]
    notifications: Sequence[Descriptor]


class Tool(Struct, frozen=True):
    """The tool without extensions."""

    driver: Driver


class ArtifactLocation(Struct, frozen=True, rename="camel"):
    """A file; one without a URI is what others are relative to."""

    uri: str | UnsetType = UNSET
    uri_base_id: str | UnsetType = UNSET
    description: Text | UnsetType = UNSET


class Region(Struct, frozen=True, rename="camel"):
    """A piece of a file: 1-based lines and columns, the end column exclusive."""

    start_line: int
    start_column: int | UnsetType = UNSET
    end_line: int | UnsetType = UNSET
    end_column: int | UnsetType = UNSET


class PhysicalLocation(Struct, frozen=True, rename="camel"):
    """A piece of which file."""

    artifact_location: ArtifactLocation
    region: Region


class LogicalLocation(Struct, frozen=True, rename="camel"):
    """A function of a revision."""

    name: str
    fully_qualified_name: str
    kind: str


class Location(Struct, frozen=True, rename="camel"):
    """Where something is."""

    physical_location: PhysicalLocation
    logical_locations: Sequence[LogicalLocation] | UnsetType = UNSET


class DescriptorReference(Struct, frozen=True):
    """Which descriptor."""

    id: str


class Notification(Struct, frozen=True):
    """What the reader should know about the run."""

    message: Text
    level: str
    locations: Sequence[Location] | UnsetType = UNSET
    descriptor: DescriptorReference | UnsetType = UNSET


class Invocation(Struct, frozen=True, rename="camel"):
    """The run of the command; it reached its end, or there would be no log."""

    execution_successful: bool
    tool_execution_notifications: Sequence[Notification]


class ResultProperties(Struct, frozen=True, rename="camel"):
    """What is known of a finding beside the standard's own fields."""

    confidence: str
    revision: str | None
    direction: str
    sql: str
    locks: Sequence[str]
    blocks: Sequence[str]
    help_sql: str
    help_alembic: str


class Result(Struct, frozen=True, rename="camel"):
    """A finding."""

    rule_id: str
    rule_index: int
    level: str
    message: Text
    locations: Sequence[Location]
    partial_fingerprints: Mapping[str, str]
    properties: ResultProperties


class Run(Struct, frozen=True, rename="camel", kw_only=True):
    """A run of the tool."""

    tool: Tool
    invocations: Sequence[Invocation]
    original_uri_base_ids: Mapping[str, ArtifactLocation]
    column_kind: str
    results: Sequence[Result]


class Log(Struct, frozen=True, kw_only=True):
    """The file."""

    schema: str = field(default=_SCHEMA, name="$schema")
    version: str = "2.1.0"
    runs: Sequence[Run]
