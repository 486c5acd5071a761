"""What pending revisions will do to a database as it is now."""

from safemigrate.plan.courses import Course, Proceeding
from safemigrate.plan.digests import Change, compare_digests, digest_of
from safemigrate.plan.estimates import Estimate, Figures
from safemigrate.plan.foresight import Foreseen, Foresight
from safemigrate.plan.passages import walk_pending
from safemigrate.plan.plans import (
    Holder,
    Obstacle,
    RelationPlan,
    RevisionPlan,
    StatementPlan,
    list_relations,
    list_worked_on,
    make_plan,
    measure_room,
)
from safemigrate.plan.resuming import Resumption, resumption_of

__all__ = [
    "Change",
    "Course",
    "Estimate",
    "Figures",
    "Foreseen",
    "Foresight",
    "Holder",
    "Obstacle",
    "Proceeding",
    "RelationPlan",
    "Resumption",
    "RevisionPlan",
    "StatementPlan",
    "compare_digests",
    "digest_of",
    "list_relations",
    "list_worked_on",
    "make_plan",
    "measure_room",
    "resumption_of",
    "walk_pending",
]
