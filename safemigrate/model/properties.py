"""The properties of a revision, or of a whole history, that `verify` proves.

A property's name says what is true where it holds: `keeps-rows`. The numbers are those of the
list that `docs/verify.md` explains.
"""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Property", "PropertyFamily", "find_properties"]


class PropertyFamily(Enum):
    """Properties that are proved together; the values are what `--select` takes."""

    HISTORY = "history"
    SCHEMA = "schema"
    MODELS = "models"
    ROWS = "rows"
    OFFLINE = "offline"
    FACTS = "facts"
    TRAFFIC = "traffic"
    FAILURE = "failure"
    PLANS = "plans"
    SECURITY = "security"
    REVIEW = "review"
    MAJORS = "majors"
    COMPATIBILITY = "compatibility"
    DETERMINISM = "determinism"


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a property is; `is_of_history`: of the whole, and not of one revision."""

    name: str
    number: str
    family: PropertyFamily
    sentence: str
    is_of_history: bool = False


class Property(Enum):
    """One thing that `verify` proves, by its name."""

    SINGLE_HEAD = "single-head"
    APPLIES = "applies"
    APPLIES_AGAIN = "applies-again"
    RESTORES_SCHEMA = "restores-schema"
    HAS_DOWNGRADE = "has-downgrade"
    MATCHES_MODELS = "matches-models"
    REGISTERS_MODELS = "registers-models"
    APPLIES_ON_ROWS = "applies-on-rows"
    KEEPS_ROWS = "keeps-rows"
    RENDERS_OFFLINE = "renders-offline"
    FORESEEN_LOCKS = "foreseen-locks"
    FORESEEN_REWRITES = "foreseen-rewrites"
    FORESEEN_SCANS = "foreseen-scans"
    LETS_OTHERS_WORK = "lets-others-work"
    BLOCKS_BRIEFLY = "blocks-briefly"
    ORDERED_LOCKS = "ordered-locks"
    REPEATABLE = "repeatable"
    RESUMABLE = "resumable"
    LEAVES_NOTHING_INVALID = "leaves-nothing-invalid"
    TAKES_SAMPLES = "takes-samples"
    EXPECTED_PLANS = "expected-plans"
    ISOLATES_TENANTS = "isolates-tenants"
    ADDS_NO_FINDINGS = "adds-no-findings"
    MASKS_NOTHING = "masks-nothing"
    SAME_ON_MAJORS = "same-on-majors"
    OLD_STATEMENTS_WORK = "old-statements-work"
    NEW_STATEMENTS_WORK = "new-statements-work"
    CHANGES_FEW_ROWS = "changes-few-rows"
    EQUALS_CREATE_ALL = "equals-create-all"
    IS_DETERMINISTIC = "is-deterministic"
    HONEST_MARKERS = "honest-markers"

    @property
    def number(self) -> str:
        """Its number in the list, such as `H04`; empty for one that is not in it."""
        return _MEANINGS[self].number

    @property
    def family(self) -> PropertyFamily:
        """What it is proved together with."""
        return _MEANINGS[self].family

    @property
    def sentence(self) -> str:
        """What is true where it holds."""
        return _MEANINGS[self].sentence

    @property
    def is_of_history(self) -> bool:
        """Whether it is one of the history as a whole."""
        return _MEANINGS[self].is_of_history


_MEANINGS = {
    Property(one.name): one
    for one in (
        _Meaning(
            "single-head",
            "H01",
            PropertyFamily.HISTORY,
            "the history ends in one head, or in one for each named branch",
            is_of_history=True,
        ),
        _Meaning(
            "applies",
            "H02",
            PropertyFamily.SCHEMA,
            "the upgrade applies to the state before it, and the version table says so",
        ),
        _Meaning(
            "applies-again",
            "H03",
            PropertyFamily.SCHEMA,
            "upgraded again after its downgrade, the schema is the same",
        ),
        _Meaning(
            "restores-schema",
            "H04",
            PropertyFamily.SCHEMA,
            "the downgrade leads back to the schema before",
        ),
        _Meaning(
            "has-downgrade",
            "H05",
            PropertyFamily.SCHEMA,
            "there is a downgrade, and it does something where the upgrade does",
        ),
        _Meaning(
            "matches-models",
            "H06",
            PropertyFamily.MODELS,
            "everything that the models declare is in the schema, as they declare it",
            is_of_history=True,
        ),
        _Meaning(
            "registers-models",
            "H07",
            PropertyFamily.MODELS,
            "env.py imports every model of the application",
            is_of_history=True,
        ),
        _Meaning(
            "applies-on-rows",
            "H08",
            PropertyFamily.ROWS,
            "the upgrade applies where the tables have rows",
        ),
        _Meaning(
            "keeps-rows",
            "H09",
            PropertyFamily.ROWS,
            "upgrade and downgrade lose nothing that was written before or in between",
        ),
        _Meaning(
            "renders-offline",
            "H10",
            PropertyFamily.OFFLINE,
            "the SQL that is rendered offline is what an online run sends",
        ),
        _Meaning(
            "foreseen-locks",
            "H11",
            PropertyFamily.FACTS,
            "no lock is taken that explain did not foresee",
        ),
        _Meaning(
            "foreseen-rewrites",
            "H12",
            PropertyFamily.FACTS,
            "no table is rewritten that explain did not foresee",
        ),
        _Meaning(
            "foreseen-scans",
            "H13",
            PropertyFamily.FACTS,
            "no table is scanned that explain did not foresee",
        ),
        _Meaning(
            "lets-others-work",
            "H14",
            PropertyFamily.FACTS,
            "what runs outside a transaction lets others read and write meanwhile",
        ),
        _Meaning(
            "blocks-briefly",
            "H15",
            PropertyFamily.TRAFFIC,
            "the application's statements wait no longer than the budget",
        ),
        _Meaning(
            "ordered-locks",
            "H16",
            PropertyFamily.FACTS,
            "nothing slow runs under a strong lock, and no lock is asked for without a timeout",
        ),
        _Meaning(
            "repeatable",
            "H17",
            PropertyFamily.FAILURE,
            "running it once more changes nothing",
        ),
        _Meaning(
            "resumable",
            "H18",
            PropertyFamily.FAILURE,
            "cut off before any statement, it leaves the state before, or the next run finishes it",
        ),
        _Meaning(
            "leaves-nothing-invalid",
            "H19",
            PropertyFamily.SCHEMA,
            "no index is left invalid",
        ),
        _Meaning(
            "takes-samples",
            "H20",
            PropertyFamily.ROWS,
            "the project's own sample rows can be inserted",
        ),
        _Meaning(
            "expected-plans",
            "H21",
            PropertyFamily.PLANS,
            "queries are planned as the project expects",
        ),
        _Meaning(
            "isolates-tenants",
            "H22",
            PropertyFamily.SECURITY,
            "row-level security keeps tenants apart for every role that may use a table",
        ),
        _Meaning(
            "adds-no-findings",
            "H23",
            PropertyFamily.REVIEW,
            "a review of the schema finds nothing new",
        ),
        _Meaning(
            "masks-nothing",
            "H24",
            PropertyFamily.FAILURE,
            "IF NOT EXISTS takes nothing else for what it should make",
        ),
        _Meaning(
            "same-on-majors",
            "H25",
            PropertyFamily.MAJORS,
            "what holds on one major version of PostgreSQL holds on the others asked for",
            is_of_history=True,
        ),
        _Meaning(
            "old-statements-work",
            "H26",
            PropertyFamily.COMPATIBILITY,
            "the old release's statements work on the new schema",
        ),
        _Meaning(
            "new-statements-work",
            "H27",
            PropertyFamily.COMPATIBILITY,
            "the new release's statements work on the old schema",
        ),
        _Meaning(
            "changes-few-rows",
            "H28",
            PropertyFamily.ROWS,
            "no statement changes more rows in one go than allowed",
        ),
        _Meaning(
            "equals-create-all",
            "H29",
            PropertyFamily.MODELS,
            "the history makes nothing that the models' create_all() does not",
            is_of_history=True,
        ),
        _Meaning(
            "is-deterministic",
            "H30",
            PropertyFamily.DETERMINISM,
            "two runs on two databases make the same schema",
        ),
        _Meaning(
            "honest-markers",
            "",
            PropertyFamily.SCHEMA,
            "every marker in the revision names a property and a reason",
        ),
    )
}


def find_properties(word: str) -> frozenset[Property]:
    """Return what a name, a number, or the name of a family stands for; empty for none of them."""
    return frozenset(one for one in Property if word in {one.value, one.number, one.family.value})
