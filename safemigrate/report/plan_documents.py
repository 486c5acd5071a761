"""The plan of a run, as JSON, version 1: a contract with the scripts that read it."""

from msgspec import Struct

from safemigrate.gate import Decision
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.plan import Estimate, RelationPlan, RevisionPlan, StatementPlan
from safemigrate.report.plans import PlanReport

__all__ = ["PlanDocument", "plan_document"]

_VERSION = 1


class _EstimateDocument(Struct, frozen=True):
    """`bound`: `about`; `most` where it may be much less; `least` where a part is not known."""

    ms: int
    bound: str


class _HolderDocument(Struct, frozen=True):
    pid: int
    mode: str
    age_ms: int | None
    description: str
    gives_way: bool


class _RelationDocument(Struct, frozen=True):
    relation: str
    lock: str | None
    new: bool
    rewritten: bool
    scanned: bool
    size_bytes: int | None
    rows: int | None
    holders: tuple[_HolderDocument, ...]


class _StatementDocument(Struct, frozen=True):
    ordinal: int
    path: str
    line: int
    sql: str
    transaction: int | None
    certainty: str
    relations: tuple[_RelationDocument, ...]
    course: str
    locked_together: tuple[str, ...]
    waits_for_snapshots: bool
    work: _EstimateDocument | None
    hold: _EstimateDocument | None
    row_hold: _EstimateDocument | None


class _ObstacleDocument(Struct, frozen=True):
    text: str
    advice: str


class _RevisionDocument(Struct, frozen=True):
    revision: str | None
    message: str
    path: str
    resumption: str
    rewrite_bytes: int
    obstacle: _ObstacleDocument | None
    statements: tuple[_StatementDocument, ...]


class _ObjectionDocument(Struct, frozen=True):
    kind: str
    text: str
    advice: str
    option: str
    overridden: str


class _GateDocument(Struct, frozen=True):
    allowed: bool
    objections: tuple[_ObjectionDocument, ...]
    notices: tuple[str, ...]


class _ReplicaDocument(Struct, frozen=True):
    name: str
    lag_ms: int | None
    lag_bytes: int | None
    visible: bool


class PlanDocument(Struct, frozen=True):
    """The JSON of `plan`."""

    version: int
    database: str
    pg_version: int
    direction: str
    current: tuple[str, ...]
    revisions: tuple[_RevisionDocument, ...]
    replicas: tuple[_ReplicaDocument, ...]
    gate: _GateDocument


def plan_document(report: PlanReport) -> PlanDocument:
    """Return the content of the JSON of `plan`."""
    return PlanDocument(
        version=_VERSION,
        database=report.database,
        pg_version=report.server_version.major,
        direction=report.direction.value,
        current=report.heads,
        revisions=tuple(map(_revision_document, report.revisions)),
        replicas=tuple(
            _ReplicaDocument(
                one.name, _milliseconds(one.lag_seconds), one.lag_bytes, one.is_visible
            )
            for one in report.replicas
        ),
        gate=_gate_document(report.decision),
    )


def _revision_document(plan: RevisionPlan) -> _RevisionDocument:
    migration = plan.passage.migration
    return _RevisionDocument(
        revision=migration.revision,
        message=migration.message,
        path=migration.path,
        resumption=plan.resumption.value,
        rewrite_bytes=sum(plan.room.values()),
        obstacle=None
        if plan.obstacle is None
        else _ObstacleDocument(plan.obstacle.text, plan.obstacle.advice),
        statements=tuple(map(_statement_document, plan.statements)),
    )


def _statement_document(plan: StatementPlan) -> _StatementDocument:
    statement = plan.explained.statement
    return _StatementDocument(
        ordinal=statement.ordinal,
        path=statement.path,
        line=statement.span.line,
        sql=hide_sql_passwords(statement.sql),
        transaction=statement.transaction,
        certainty=plan.explained.facts.certainty.value,
        relations=tuple(map(_relation_document, plan.relations)),
        course=plan.proceeding.course.value,
        locked_together=tuple(map(str, plan.proceeding.together)),
        waits_for_snapshots=plan.proceeding.waits_for_snapshots,
        work=_estimate_document(plan.work),
        hold=_estimate_document(plan.hold),
        row_hold=_estimate_document(plan.row_hold),
    )


def _relation_document(relation: RelationPlan) -> _RelationDocument:
    return _RelationDocument(
        relation=str(relation.relation),
        lock=None if relation.mode is None else relation.mode.value,
        new=relation.is_new,
        rewritten=relation.is_rewritten,
        scanned=relation.is_scanned,
        size_bytes=relation.size_bytes,
        rows=relation.rows,
        holders=tuple(
            _HolderDocument(
                one.pid,
                one.mode.value,
                _milliseconds(one.age_seconds),
                one.words,
                one.gives_way,
            )
            for one in relation.holders
        ),
    )


def _estimate_document(estimate: Estimate | None) -> _EstimateDocument | None:
    if estimate is None:
        return None
    bound = "least" if estimate.is_least else "most" if estimate.is_most else "about"
    return _EstimateDocument(round(estimate.seconds * 1000), bound)


def _gate_document(decision: Decision) -> _GateDocument:
    every = (*((one, "") for one in decision.refused), *decision.overridden)
    return _GateDocument(
        allowed=decision.is_allowed,
        objections=tuple(
            _ObjectionDocument(one.kind.value, one.text, one.advice, one.option, reason)
            for one, reason in every
        ),
        notices=decision.notices,
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
