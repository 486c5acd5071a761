"""Which fixes are made, and what is said of the others."""

import re
from pathlib import Path
from textwrap import dedent

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import FixPlan, judge, plan_fixes
from safemigrate.model import NEWEST_VERSION, Catalog, ServerVersion
from safemigrate.source import read_sql_files
from safemigrate.testing import Case, RuleCases, case_timeline

SCHEMA = """\
CREATE TABLE cook (id bigint PRIMARY KEY, name text);
CREATE TABLE recipe (id bigint PRIMARY KEY, name text, minutes int, cook bigint);
CREATE INDEX recipe_name_idx ON recipe (name);
CREATE INDEX recipe_cook_idx ON recipe (cook);
CREATE TABLE meal (id bigint PRIMARY KEY) PARTITION BY HASH (id);
CREATE INDEX meal_idx ON meal (id);
CREATE MATERIALIZED VIEW menu AS SELECT id FROM recipe;
"""

MORE = "the statement does more than this"
COMMENT = "a comment stands in the statement"
KEPT = (
    "with IF NOT EXISTS a second run would keep the INVALID index that a failed concurrent build "
    "leaves"
)
HALF_WAY = "it would end the transaction of upgrade() half-way"
INDEX = 'op.create_index("a", "recipe", ["id"])'
OTHER_INDEX = 'op.create_index("b", "recipe", ["name", "id"])'
CHECK = 'op.create_check_constraint("c", "recipe", "id > 0")'
DROP = 'op.drop_index("recipe_name_idx")'


def plan_sql(text: str, folder: Path, schema: str = SCHEMA) -> FixPlan:
    path = folder / "file.sql"
    path.write_text(text, encoding="utf-8")
    before = catalog_of_sql(schema, "schema.sql") if schema else Catalog()
    timeline = walk(read_sql_files([path]), before=before, version=NEWEST_VERSION)
    return plan_fixes(judge(timeline, settings=RuleSettings()), timeline)


def plan_revision(*upgrade: str, downgrade: str = "pass") -> FixPlan:
    case = Case(id="it", good_alembic="\n".join(upgrade), downgrade=downgrade)
    timeline = case_timeline(RuleCases(rule="none", schema=SCHEMA, cases=(case,)), case)
    return plan_fixes(judge(timeline, settings=RuleSettings()), timeline)


def fixed(plan: FixPlan) -> list[str]:
    return [one.rule for file in plan.files for one in file.findings]


def reasons(plan: FixPlan) -> list[str]:
    return [one.reason for one in plan.unfixed]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("BEGIN; CREATE INDEX ON recipe (id); COMMIT;", "it stands between BEGIN and COMMIT"),
        (
            "CREATE INDEX IF NOT EXISTS i ON recipe (id);",
            KEPT,
        ),
        ("ALTER TABLE recipe ADD CHECK (id > 0);", "the constraint has no name of its own"),
        ("ALTER TABLE recipe ADD UNIQUE (name);", "the constraint has no name of its own"),
        (
            "ALTER TABLE recipe ADD CONSTRAINT c FOREIGN KEY (cook) REFERENCES meal;",
            '"meal" is partitioned',
        ),
        (
            "ALTER TABLE meal ADD CONSTRAINT c FOREIGN KEY (id) REFERENCES cook;",
            '"meal" is partitioned',
        ),
    ],
)
def test_what_is_not_safe_is_not_done_and_the_reason_is_said(
    sql: str, reason: str, tmp_path: Path
) -> None:
    plan = plan_sql(sql, tmp_path)
    assert (fixed(plan), reasons(plan)) == ([], [reason])


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        (
            "CREATE INDEX ON t (a);",
            '"t" may be partitioned: nothing shows how it was made (--schema can)',
        ),
        ("DROP INDEX i;", 'nothing shows which table has index "i" (--schema can)'),
        (
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u;",
            '"t" may be partitioned: nothing shows how it was made (--schema can)',
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a);",
            '"t" may be partitioned: nothing shows how it was made (--schema can)',
        ),
        (
            "ALTER TABLE t ALTER a SET NOT NULL;",
            'nothing shows all constraints of "t" (--schema can)',
        ),
    ],
)
def test_what_the_history_does_not_show_is_not_taken_for_a_plain_table(
    sql: str, reason: str, tmp_path: Path
) -> None:
    plan = plan_sql(sql, tmp_path, schema="")
    assert (fixed(plan), reasons(plan)) == ([], [reason])
    plan = plan_sql(f"COMMENT ON TABLE t IS 'there'; {sql}", tmp_path, schema="")
    assert (fixed(plan), reasons(plan)) == ([], [reason])


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("CREATE INDEX ON meal (id);", '"meal" is partitioned'),
        ("DROP INDEX meal_idx;", '"meal" is partitioned'),
        ("DROP INDEX recipe_name_idx CASCADE;", "CONCURRENTLY takes no CASCADE"),
        ("DROP INDEX recipe_name_idx, recipe_cook_idx;", MORE),
        ("ALTER TABLE recipe ADD CONSTRAINT c CHECK (id > 0), ADD COLUMN d int;", MORE),
        (
            "ALTER TABLE recipe ADD CONSTRAINT c CHECK (id > 0), ADD CONSTRAINT d CHECK (id > 1);",
            MORE,
        ),
        ("ALTER TABLE recipe ADD COLUMN d int DEFAULT 1 CHECK (d > 0);", "it comes with a column"),
        ("ALTER TABLE recipe ADD COLUMN d int UNIQUE;", "it comes with a column"),
        (
            "ALTER TABLE recipe ADD CONSTRAINT c UNIQUE (name) WITH (fillfactor = 70);",
            "what it says with WITH would be lost",
        ),
        (
            "ALTER TABLE recipe ADD CONSTRAINT c UNIQUE (name) USING INDEX TABLESPACE fast;",
            "what it says with TABLESPACE and USING would be lost",
        ),
        ("ALTER TABLE recipe ADD CONSTRAINT c UNIQUE (name /* and no more */);", COMMENT),
        (
            "ALTER TABLE IF EXISTS recipe ADD CONSTRAINT c UNIQUE (name);",
            "what it says with EXISTS would be lost",
        ),
        ("ALTER TABLE /* the table */ recipe ADD CONSTRAINT c CHECK (id > 0);", COMMENT),
        (
            "ALTER TABLE ONLY recipe ALTER name SET NOT NULL;",
            "what it says with ONLY would be lost",
        ),
        ("ALTER TABLE recipe ALTER name SET NOT NULL, ALTER cook SET NOT NULL;", MORE),
        ("DO $$ BEGIN CREATE INDEX i ON recipe (id); END $$;", MORE),
        (
            "REINDEX INDEX recipe_name_idx;",
            "one that fails leaves an INVALID index beside it, which nothing takes away by itself",
        ),
        (
            "REFRESH MATERIALIZED VIEW menu;",
            "CONCURRENTLY is refused where the view was never filled, which nothing here shows",
        ),
    ],
)
def test_where_a_change_would_say_something_else_it_is_not_made_and_the_reason_is_said(
    sql: str, reason: str, tmp_path: Path
) -> None:
    plan = plan_sql(sql, tmp_path)
    assert (fixed(plan), set(reasons(plan))) == ([], {reason})


def test_a_transaction_ends_where_all_of_it_only_adds() -> None:
    plan = plan_revision(INDEX, CHECK, OTHER_INDEX)
    assert fixed(plan) == ["non-concurrent-index", "validated-check", "non-concurrent-index"]
    assert reasons(plan) == []


@pytest.mark.parametrize("other", [DROP, "op.execute('SELECT 1')", "op.drop_table('cook')"])
def test_a_transaction_does_not_end_where_it_does_something_else_too(other: str) -> None:
    for lines in ((INDEX, other), (other, INDEX)):
        plan = plan_revision(*lines)
        assert "non-concurrent-index" not in fixed(plan)
        assert set(reasons(plan)) == {HALF_WAY}


def test_indexes_that_go_may_go_one_by_one() -> None:
    assert fixed(plan_revision(DROP, 'op.drop_index("recipe_cook_idx")')) == [
        "non-concurrent-drop-index",
        "non-concurrent-drop-index",
    ]


def test_one_fix_that_is_left_out_leaves_out_what_it_stands_with() -> None:
    plan = plan_revision(INDEX, OTHER_INDEX.replace(")", ", **{})"))
    assert fixed(plan) == []
    assert reasons(plan) == ["its arguments are not all written out", HALF_WAY]


def test_each_direction_has_a_transaction_of_its_own() -> None:
    plan = plan_revision(INDEX, "op.execute('SELECT 1')", downgrade='op.drop_index("a")')
    assert fixed(plan) == ["non-concurrent-drop-index"]


def test_what_stands_outside_the_transaction_does_not_hold_it_together() -> None:
    block = "with op.get_context().autocommit_block():\n"
    plan = plan_revision(f"{block}    op.execute('SELECT 1')", INDEX)
    assert fixed(plan) == ["non-concurrent-index"]


def test_a_revision_that_was_not_seen_whole_keeps_its_transaction() -> None:
    plan = plan_revision(INDEX, "raise ValueError")
    assert reasons(plan) == ["not all that the revision runs could be recorded"]


def test_a_validation_leaves_the_transaction_of_additions_only() -> None:
    add = CHECK.replace(")", ", postgresql_not_valid=True)")
    validate = "op.execute('ALTER TABLE recipe VALIDATE CONSTRAINT c')"
    assert fixed(plan_revision(add, validate)) == ["validation-in-same-transaction"]
    assert reasons(plan_revision(add, "op.execute('SELECT 1')", validate)) == [HALF_WAY]
    both = "op.execute('ALTER TABLE recipe ADD d int, ADD CONSTRAINT c CHECK (id > 0) NOT VALID')"
    assert reasons(plan_revision(both, validate)) == [HALF_WAY]


def test_a_finding_that_is_silenced_is_not_fixed(tmp_path: Path) -> None:
    reason = "-- safemigrate: ignore[non-concurrent-index] small"
    plan = plan_sql(f"{reason}\nCREATE INDEX ON recipe (id);\n", tmp_path)
    assert plan == FixPlan((), ())


def test_a_comment_in_a_string_is_left_to_the_user() -> None:
    plan = plan_revision('op.execute("""SELECT 1 -- safemigrate: ignore[dropped-table] gone\n""")')
    assert reasons(plan) == ["the comment stands in a string"]


def test_an_ignore_that_stands_beside_what_it_is_meant_for_is_left_to_the_user() -> None:
    comment = "# safemigrate: ignore[missing-downgrade] the rows are gone"
    plan = plan_revision("pass", downgrade=f"{comment}\nraise NotImplementedError")
    (reason,) = reasons(plan)
    assert re.fullmatch(
        r'it may be meant for line \d+, where "missing-downgrade" is found: an ignore stands on '
        "that line, or alone on the line above",
        reason,
    )
    assert fixed(plan) == []
    gone = plan_revision("pass", downgrade=f"{comment}\npass")
    assert (fixed(gone), reasons(gone)) == (["unused-ignore"], [])


def test_of_two_fixes_at_one_place_the_statement_comes_first() -> None:
    comment = "# safemigrate: ignore[dropped-table] gone"
    plan = plan_revision(comment, INDEX)
    assert (fixed(plan), reasons(plan)) == (["non-concurrent-index"], [])
    (file,) = plan.files
    assert comment in file.text


def test_fixes_that_only_touch_are_made_in_one_go() -> None:
    plan = plan_revision(CHECK, INDEX)
    (file,) = plan.files
    assert file.text.endswith(
        dedent(
            """\
                op.create_check_constraint("c", "recipe", "id > 0", postgresql_not_valid=True)
                with op.get_context().autocommit_block():
                    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT c")
                with op.get_context().autocommit_block():
                    op.create_index("a", "recipe", ["id"], postgresql_concurrently=True)
            def downgrade():
                pass
            """
        )
    )


def test_only_the_findings_of_the_result_are_fixed(tmp_path: Path) -> None:
    path = tmp_path / "file.sql"
    path.write_text("CREATE INDEX ON recipe (id);", encoding="utf-8")
    before = catalog_of_sql(SCHEMA, "schema.sql")
    timeline = walk(read_sql_files([path]), before=before, version=ServerVersion(14))
    result = judge(timeline, settings=RuleSettings(), paths=frozenset())
    assert plan_fixes(result, timeline) == FixPlan((), ())
