import pytest

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AddEnumValue,
    AlterColumnOption,
    AlterColumnType,
    AlterConstraint,
    AlterDomain,
    AlterSequence,
    AlterTableOption,
    Analyze,
    AttachIndex,
    AttachPartition,
    ChangeCluster,
    ChangePrivileges,
    ChangeRows,
    Cluster,
    ColumnName,
    ColumnOption,
    ColumnType,
    CommentOn,
    ConstraintKind,
    CreateDomain,
    CreateEnum,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreatePolicy,
    CreateRule,
    CreateSchema,
    CreateSequence,
    CreateStatistics,
    CreateTable,
    CreateTrigger,
    CreateView,
    DetachPartition,
    DoBlock,
    DomainChange,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropObject,
    DropPolicy,
    DropRule,
    DropSchema,
    DropTable,
    DropTrigger,
    DropView,
    Expression,
    Generated,
    IndexColumn,
    LockTable,
    NoTableAction,
    PartitionBound,
    Persistence,
    QualifiedName,
    Reference,
    RefreshView,
    Reindex,
    ReindexKind,
    RenameColumn,
    RenameConstraint,
    RenameEnumValue,
    RenameIndex,
    RenameObject,
    RenameSchema,
    RenameTable,
    RenameType,
    RowChange,
    RowSecurity,
    SetAccessMethod,
    SetDefault,
    SetInheritance,
    SetNotNull,
    SetPersistence,
    SetRowSecurity,
    SetSchema,
    SetTablespace,
    SetTriggerState,
    SetVariable,
    TableOption,
    TransactionControl,
    TransactionVerb,
    Truncate,
    UnmodelledAction,
    Vacuum,
    ValidateConstraint,
)
from safemigrate.sql import read_actions

T = QualifiedName(None, "t")
INDEX = QualifiedName(None, "i")
D = QualifiedName(None, "d")
TRUE = Expression("true")
V = QualifiedName(None, "v")


def one(sql: str) -> Action:
    (action,) = read_actions(sql)
    return action


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "ALTER TABLE t DROP COLUMN IF EXISTS a CASCADE",
            DropColumn(T, "a", is_cascade=True, takes_missing=True, offset=14),
        ),
        ("ALTER TABLE t RENAME COLUMN a TO b", RenameColumn(T, "a", "b")),
        ("ALTER TABLE t RENAME TO u", RenameTable(T, "u")),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b", RenameConstraint(T, "a", "b")),
        ("ALTER TABLE t SET SCHEMA s", SetSchema(T, "s")),
        ("ALTER TABLE t ALTER a DROP DEFAULT", DropDefault(T, "a", 14)),
        ("ALTER TABLE t ALTER a SET NOT NULL", SetNotNull(T, "a", 14)),
        ("ALTER TABLE t ALTER a DROP NOT NULL", DropNotNull(T, "a", 14)),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", ValidateConstraint(T, "c", 14)),
        ("ALTER TABLE t DROP CONSTRAINT c", DropConstraint(T, "c", offset=14)),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", SetRowSecurity(T, RowSecurity.ENABLE, 14)),
        (
            "ALTER TABLE t ALTER a SET STATISTICS 500",
            AlterColumnOption(T, "a", ColumnOption.STATISTICS, offset=14),
        ),
        (
            "ALTER TABLE t ATTACH PARTITION v DEFAULT",
            AttachPartition(T, V, is_default=True, offset=14),
        ),
        (
            "ALTER TABLE t DETACH PARTITION v CONCURRENTLY",
            DetachPartition(T, V, is_concurrent=True, offset=14),
        ),
        ("ALTER TABLE t SET LOGGED", SetPersistence(T, Persistence.PERMANENT, 14)),
        ("ALTER INDEX i RENAME TO j", RenameIndex(QualifiedName(None, "i"), "j")),
        ("DROP TABLE IF EXISTS t CASCADE", DropTable(T, is_cascade=True, takes_missing=True)),
        ("DROP VIEW v", DropView(V)),
        ("DROP MATERIALIZED VIEW v CASCADE", DropView(V, is_cascade=True, is_materialized=True)),
        (
            "DROP INDEX CONCURRENTLY IF EXISTS s.i",
            DropIndex(QualifiedName("s", "i"), is_concurrent=True, takes_missing=True),
        ),
        ("DROP TRIGGER g ON t", DropTrigger(T, "g")),
        ("DROP POLICY p ON t", DropPolicy(T, "p")),
        ("DROP FUNCTION f(int)", DropObject("FUNCTION", QualifiedName(None, "f"))),
        (
            "DROP TYPE IF EXISTS s.m CASCADE",
            DropObject("TYPE", QualifiedName("s", "m"), is_cascade=True, takes_missing=True),
        ),
        ("DROP CAST (int AS text)", DropObject("CAST", QualifiedName(None, ""))),
        ("DROP RULE r ON t", DropRule(T, "r")),
        ("CREATE RULE r AS ON INSERT TO t DO NOTHING", CreateRule(T, "r")),
        ("ALTER TABLE t SET UNLOGGED", SetPersistence(T, Persistence.UNLOGGED, 14)),
        ("ALTER TABLE t SET ACCESS METHOD heap", SetAccessMethod(T, "heap", 14)),
        ("ALTER TABLE t SET TABLESPACE fast", SetTablespace(T, "fast", 14)),
        ("ALTER INDEX i SET TABLESPACE fast", SetTablespace(INDEX, "fast")),
        ("ALTER TABLE t SET (fillfactor = 70)", AlterTableOption(T, TableOption.PARAMETERS, 14)),
        ("ALTER TABLE t OWNER TO app", AlterTableOption(T, TableOption.OWNER, 14, value="app")),
        (
            "ALTER TABLE t REPLICA IDENTITY FULL",
            AlterTableOption(T, TableOption.REPLICA_IDENTITY, 14, value="FULL"),
        ),
        ("ALTER VIEW v OWNER TO app", AlterTableOption(V, TableOption.OWNER, value="app")),
        ("ALTER VIEW v SET (security_barrier)", AlterTableOption(V, TableOption.VIEW)),
        ("ALTER TABLE t INHERIT v", SetInheritance(T, V, offset=14)),
        ("ALTER TABLE t NO INHERIT v", SetInheritance(T, V, is_ended=True, offset=14)),
        (
            "ALTER TABLE t DISABLE TRIGGER ALL",
            SetTriggerState(T, None, is_enabled=False, offset=14, is_internal=True),
        ),
        ("ALTER TABLE t ENABLE TRIGGER g", SetTriggerState(T, "g", is_enabled=True, offset=14)),
        (
            "ALTER TABLE t DISABLE RULE r",
            SetTriggerState(T, "r", is_enabled=False, is_rule=True, offset=14),
        ),
        (
            "ALTER TABLE t ALTER CONSTRAINT c NOT ENFORCED",
            AlterConstraint(T, "c", is_enforced=False, offset=14),
        ),
        ("ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE", AlterConstraint(T, "c", offset=14)),
        ("ALTER INDEX i ATTACH PARTITION s.i", AttachIndex(INDEX, QualifiedName("s", "i"))),
        ("REINDEX INDEX CONCURRENTLY i", Reindex(ReindexKind.INDEX, INDEX, is_concurrent=True)),
        ("REINDEX (CONCURRENTLY off) TABLE t", Reindex(ReindexKind.TABLE, T)),
        ("REINDEX SCHEMA s", Reindex(ReindexKind.SCHEMA, None, schema="s")),
        ("VACUUM (FULL, ANALYZE) t", Vacuum(T, is_full=True)),
        ("VACUUM (FULL false) t", Vacuum(T)),
        ("VACUUM", Vacuum(None)),
        ("ANALYZE t", Analyze(T)),
        ("CLUSTER t USING i", Cluster(T, "i")),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", RefreshView(V, is_concurrent=True)),
        ("REFRESH MATERIALIZED VIEW v WITH NO DATA", RefreshView(V, has_no_data=True)),
        ("CREATE STATISTICS st ON a, b FROM t", CreateStatistics(QualifiedName(None, "st"), T)),
        ("ALTER DOMAIN d SET NOT NULL", AlterDomain(D, DomainChange.SET_NOT_NULL)),
        ("ALTER DOMAIN d VALIDATE CONSTRAINT c", AlterDomain(D, DomainChange.VALIDATE, "c")),
        ("ALTER TYPE d RENAME VALUE 'a' TO 'b'", RenameEnumValue(D, "a", "b")),
        ("ALTER FUNCTION d(int) RENAME TO e", RenameObject("FUNCTION", D, "e")),
        ("ALTER SEQUENCE d RENAME TO e", RenameObject("SEQUENCE", D, "e")),
        ("CREATE EXTENSION IF NOT EXISTS citext", CreateExtension("citext", takes_existing=True)),
        ("CREATE SEQUENCE d OWNED BY t.id", CreateSequence(D, T)),
        ("CREATE SEQUENCE IF NOT EXISTS d", CreateSequence(D, takes_existing=True)),
        ("ALTER SEQUENCE d AS bigint", AlterSequence(D, ColumnType("bigint"))),
        ("ALTER SEQUENCE d OWNED BY NONE", AlterSequence(D)),
        ("CREATE DATABASE shop", ChangeCluster("CREATE DATABASE", "shop")),
        ("ALTER ROLE app NOLOGIN", ChangeCluster("ALTER ROLE", "app")),
        ("CREATE ROLE app", ChangeCluster("CREATE ROLE", "app")),
        (
            "ALTER ROLE app PASSWORD 'soup'",
            ChangeCluster("ALTER ROLE", "app", has_password=True),
        ),
        ("ALTER ROLE app PASSWORD NULL", ChangeCluster("ALTER ROLE", "app")),
        (
            "CREATE ROLE app PASSWORD 'SCRAM-SHA-256$4096:a$b:c'",
            ChangeCluster("CREATE ROLE", "app"),
        ),
        ("ALTER SYSTEM SET work_mem = '1GB'", ChangeCluster("ALTER SYSTEM")),
        (
            "REVOKE ALL ON ALL TABLES IN SCHEMA s FROM PUBLIC",
            ChangePrivileges("TABLE", (), ("public",), schemas=("s",), is_revoke=True),
        ),
        ("DROP SCHEMA IF EXISTS s", DropSchema("s", takes_missing=True)),
        ("DROP SCHEMA s CASCADE", DropSchema("s", is_cascade=True)),
        ("ALTER SCHEMA s RENAME TO z", RenameSchema("s", "z")),
        (
            "CREATE DOMAIN s.d AS int CHECK (VALUE > 0)",
            CreateDomain(QualifiedName("s", "d"), ColumnType("integer"), is_constrained=True),
        ),
        (
            "CREATE DOMAIN d AS int DEFAULT 1",
            CreateDomain(QualifiedName(None, "d"), ColumnType("integer")),
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false)",
            SetVariable("search_path", ""),
        ),
        ("ALTER TYPE m RENAME TO n", RenameType(QualifiedName(None, "m"), "n")),
        ("CREATE SCHEMA s", CreateSchema("s")),
        ("CREATE SCHEMA IF NOT EXISTS s", CreateSchema("s", takes_existing=True)),
        ("CREATE TYPE m AS ENUM ('a', 'b')", CreateEnum(QualifiedName(None, "m"), ("a", "b"))),
        ("ALTER TYPE m ADD VALUE 'c'", AddEnumValue(QualifiedName(None, "m"), "c")),
        (
            "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'",
            CreateFunction(QualifiedName("s", "f"), "s", body=(), is_analysed=True),
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            CreateFunction(QualifiedName(None, "f"), "v", body=(), is_analysed=True),
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS ''",
            CreateFunction(
                QualifiedName(None, "f"),
                "v",
                body=(),
                is_analysed=True,
                replaces=True,
                is_definer=True,
            ),
        ),
        (
            "CREATE VIEW v AS SELECT * FROM t",
            CreateView(
                V,
                (T,),
                columns=(ColumnName(T, "*"),),
                definition="CREATE VIEW v AS SELECT * FROM t",
            ),
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
            CreateView(V, (T,), is_materialized=True, columns=(ColumnName(T, "*"),)),
        ),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
            CreateTrigger(T, "g"),
        ),
        (
            "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
            CreateTrigger(T, "g", replaces=True),
        ),
        (
            "CREATE POLICY p ON t AS RESTRICTIVE FOR SELECT TO app USING (true)",
            CreatePolicy(T, "p", is_permissive=False, command="SELECT", roles=("app",), using=TRUE),
        ),
        (
            "ALTER POLICY p ON t WITH CHECK (true)",
            CreatePolicy(T, "p", is_altered=True, check=TRUE),
        ),
        ("COMMENT ON TABLE t IS 'x'", CommentOn(T)),
        ("COMMENT ON COLUMN t.a IS 'x'", CommentOn(T, column="a")),
        ("COMMENT ON CONSTRAINT c ON t IS 'x'", CommentOn(T, is_part=True)),
        ("COMMENT ON INDEX s.i IS 'x'", CommentOn(QualifiedName("s", "i"))),
        ("COMMENT ON TYPE m IS 'x'", CommentOn(None)),
        ("INSERT INTO t SELECT * FROM v", ChangeRows(RowChange.INSERT, T, (V,), columns=None)),
        ("UPDATE t SET a = 1", ChangeRows(RowChange.UPDATE, T, columns=("a",))),
        (
            "WITH w AS (SELECT 1) DELETE FROM t USING w, v WHERE true",
            ChangeRows(RowChange.DELETE, T, (V,), has_condition=True),
        ),
        ("COPY t FROM STDIN", ChangeRows(RowChange.COPY, T)),
        ("COPY t TO STDOUT", NoTableAction("COPY", (T,))),
        ("SELECT * FROM t", NoTableAction("SELECT", (T,))),
        ("SELECT * FROM t FOR UPDATE", LockTable(T, "ROW SHARE")),
        (
            "GRANT SELECT ON t TO PUBLIC",
            ChangePrivileges("TABLE", ("SELECT",), ("public",), (T,)),
        ),
        (
            "GRANT EXECUTE ON FUNCTION d(int) TO app",
            ChangePrivileges("FUNCTION", ("EXECUTE",), ("app",), objects=(D,)),
        ),
        (
            "GRANT USAGE ON SCHEMA d TO app",
            ChangePrivileges("SCHEMA", ("USAGE",), ("app",), objects=(D,)),
        ),
        (
            "GRANT USAGE ON TYPE d TO app",
            ChangePrivileges("TYPE", ("USAGE",), ("app",), objects=(D,)),
        ),
        ("TRUNCATE t CASCADE", Truncate(T, is_cascade=True)),
        ("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE", LockTable(T, "SHARE ROW EXCLUSIVE")),
        ("LOCK t", LockTable(T, "ACCESS EXCLUSIVE")),
        ("SET LOCAL lock_timeout = '5s'", SetVariable("lock_timeout", "5s", is_local=True)),
        ("SET TimeZone TO 'UTC'", SetVariable("timezone", "UTC")),
        ("RESET lock_timeout", SetVariable("lock_timeout", None)),
        ("BEGIN", TransactionControl(TransactionVerb.BEGIN)),
        ("START TRANSACTION", TransactionControl(TransactionVerb.BEGIN)),
        ("END", TransactionControl(TransactionVerb.COMMIT)),
        ("ROLLBACK", TransactionControl(TransactionVerb.ROLLBACK)),
        ("SAVEPOINT s", TransactionControl(TransactionVerb.SAVEPOINT)),
        ("DO $$ BEGIN END $$", DoBlock()),
        ("VACUUM FULL t", Vacuum(T, is_full=True)),
    ],
)
def test_reads_one_action(sql: str, expected: Action) -> None:
    assert one(sql) == expected


def test_one_action_for_each_subcommand_with_its_own_offset() -> None:
    sql = (
        'ALTER TABLE ONLY s."T, x" ADD a numeric(10, 2), DROP b,\n  ALTER c TYPE text USING f(c, 1)'
    )

    actions = read_actions(sql)

    assert [type(action) for action in actions] == [AddColumn, DropColumn, AlterColumnType]
    assert [sql[action.offset :].split(maxsplit=1)[0] for action in actions] == [
        "ADD",
        "DROP",
        "ALTER",
    ]
    assert isinstance(actions[0], AddColumn)
    assert actions[0].table == QualifiedName("s", "T, x")


def test_offsets_count_characters_behind_non_ascii_text() -> None:
    sql = "ALTER TABLE größe ADD é int, DROP COLUMN ü"

    _, drop = read_actions(sql)

    assert sql[drop.offset :] == "DROP COLUMN ü"


def test_reads_a_column_with_everything_inline() -> None:
    action = one(
        "ALTER TABLE t ADD COLUMN z varchar(10) COLLATE \"C\" NOT NULL DEFAULT upper('x')"
        " CONSTRAINT z_ok CHECK (z <> '') REFERENCES s.p (k) ON DELETE CASCADE"
    )

    assert isinstance(action, AddColumn)
    column = action.column
    assert column.type == ColumnType("character varying", (10,))
    assert column.is_not_null
    assert column.collation == "C"
    assert column.default is not None
    assert [call.name for call in column.default.functions] == ["upper"]
    check, key = column.constraints
    assert (check.kind, check.name, check.columns) == (ConstraintKind.CHECK, "z_ok", ("z",))
    assert key.reference == Reference(QualifiedName("s", "p"), ("k",), on_delete="CASCADE")


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("a int", "integer"),
        ("a INT8", "bigint"),
        ("a timestamptz(3)", "timestamp(3) with time zone"),
        ("a timestamp", "timestamp without time zone"),
        ("a decimal(8, 2)", "numeric(8,2)"),
        ("a float(10)", "real"),
        ("a char", "character(1)"),
        ("a s.mood[][]", "s.mood[][]"),
        ('a "MixedCase"', "MixedCase"),
    ],
)
def test_names_types_as_format_type_does(definition: str, expected: str) -> None:
    action = one(f"CREATE TABLE t ({definition})")

    assert isinstance(action, CreateTable)
    assert str(action.columns[0].type) == expected


def test_reads_generated_identity_and_serial_columns() -> None:
    action = one(
        "CREATE TABLE t (a bigserial, b int GENERATED ALWAYS AS IDENTITY,"
        " c int GENERATED ALWAYS AS (b + 1) STORED, d int GENERATED ALWAYS AS (b) VIRTUAL)"
    )

    assert isinstance(action, CreateTable)
    serial, identity, stored, virtual = action.columns
    assert serial.is_serial
    assert serial.is_not_null
    assert serial.type == ColumnType("bigint")
    assert identity.is_identity
    assert stored.generated is Generated.STORED
    assert virtual.generated is Generated.VIRTUAL


def test_reads_table_constraints_of_every_kind() -> None:
    action = one(
        "CREATE UNLOGGED TABLE t (a int, b int, r int4range, PRIMARY KEY (a), UNIQUE (a, b),"
        " CHECK (a > 0 AND b IS NOT NULL), FOREIGN KEY (a) REFERENCES v,"
        " EXCLUDE USING gist (r WITH &&))"
    )

    assert isinstance(action, CreateTable)
    assert action.persistence is Persistence.UNLOGGED
    assert [constraint.kind for constraint in action.constraints] == [
        ConstraintKind.PRIMARY_KEY,
        ConstraintKind.UNIQUE,
        ConstraintKind.CHECK,
        ConstraintKind.FOREIGN_KEY,
        ConstraintKind.EXCLUDE,
    ]
    check = action.constraints[2].expression
    assert check is not None
    assert check.not_null_columns == ("b",)


@pytest.mark.parametrize(
    ("sql", "is_not_valid", "is_enforced"),
    [
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", False, True),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", True, True),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED", False, False),
        ("ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES v NOT VALID", True, True),
        ("ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID", True, True),
        ("ALTER TABLE t ADD CONSTRAINT c NOT NULL a", False, True),
        ("ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)", False, True),
    ],
)
def test_tells_not_valid_from_not_enforced(
    sql: str, *, is_not_valid: bool, is_enforced: bool
) -> None:
    action = one(sql)

    assert isinstance(action, AddConstraint)
    assert action.constraint.is_not_valid is is_not_valid
    assert action.constraint.is_enforced is is_enforced


def test_reads_an_index_with_all_its_parts() -> None:
    action = one(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY s.t USING btree"
        " (a DESC NULLS LAST, lower(b) text_pattern_ops, (c + 1)) INCLUDE (d) WHERE e IS NOT NULL"
    )

    assert isinstance(action, CreateIndex)
    assert (action.name, action.is_unique, action.is_concurrent) == ("i", True, True)
    assert (action.takes_existing, action.is_only) == (True, True)
    assert [column.column for column in action.columns] == ["a", None, None]
    assert [column.text for column in action.columns] == [
        "a DESC NULLS LAST",
        "lower(b) text_pattern_ops",
        "(c + 1)",
    ]
    assert action.included == ("d",)
    assert action.predicate is not None
    assert action.predicate.columns == ("e",)


def test_reads_set_default_with_its_expression() -> None:
    action = one("ALTER TABLE t ALTER COLUMN a SET DEFAULT NULL::text")

    assert isinstance(action, SetDefault)
    assert action.default.is_null_constant


def test_reads_partitions() -> None:
    action = one("CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (2)")

    assert isinstance(action, CreateTable)
    assert action.partition_of == T
    assert not action.is_default_partition


@pytest.mark.parametrize("sql", ["SELEKT 1", "SELECT 1; SELECT 2", ""])
def test_refuses_what_is_not_one_statement(sql: str) -> None:
    with pytest.raises(SqlSyntaxError):
        read_actions(sql)


def test_says_where_the_syntax_error_is_in_characters() -> None:
    sql = "SELECT 'é' FRMO t x y"

    with pytest.raises(SqlSyntaxError) as caught:
        read_actions(sql)

    assert sql[caught.value.offset :].startswith("t")


def test_reads_what_a_common_table_expression_changes() -> None:
    actions = read_actions(
        "WITH gone AS (DELETE FROM v WHERE a RETURNING *) INSERT INTO t SELECT 1"
    )

    changes = [(one.change, one.table) for one in actions if isinstance(one, ChangeRows)]
    assert changes == [(RowChange.INSERT, T), (RowChange.DELETE, V)]


def test_knows_a_column_under_casts() -> None:
    action = one("ALTER TABLE t ALTER a TYPE text USING a::varchar(3)::text")

    assert isinstance(action, AlterColumnType)
    assert action.using is not None
    assert action.using.bare_column == "a"
    assert [str(cast) for cast in action.using.casts] == ["character varying(3)", "text"]


@pytest.mark.parametrize(
    ("sql", "has_condition", "columns"),
    [
        ("UPDATE t SET a = 1 WHERE t.b IS NULL AND c > 1", True, {"b", "c"}),
        ("UPDATE t SET a = 1 WHERE true", True, set()),
        ("INSERT INTO t SELECT * FROM v", False, set()),
        ("INSERT INTO t SELECT * FROM v WHERE id = 1", True, {"id"}),
        ("INSERT INTO t SELECT * FROM v LIMIT 5", True, set()),
        ("INSERT INTO t VALUES (1)", False, set()),
    ],
)
def test_reads_by_what_rows_are_picked(sql: str, *, has_condition: bool, columns: set[str]) -> None:
    (action,) = read_actions(sql)
    assert isinstance(action, ChangeRows)
    assert (action.has_condition, set(action.condition_columns)) == (has_condition, columns)


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        ("FOR VALUES FROM (1, MINVALUE) TO (2, 'x')", PartitionBound(("1", None), ("2", "'x'"))),
        ("FOR VALUES IN ('a', NULL)", PartitionBound(values=("'a'", "NULL"))),
        ("FOR VALUES WITH (MODULUS 4, REMAINDER 1)", PartitionBound()),
        ("DEFAULT", None),
    ],
)
def test_reads_the_bound_of_a_partition(words: str, bound: PartitionBound | None) -> None:
    (attached,) = read_actions(f"ALTER TABLE t ATTACH PARTITION v {words}")
    (created,) = read_actions(f"CREATE TABLE v PARTITION OF t {words}")
    assert isinstance(attached, AttachPartition)
    assert isinstance(created, CreateTable)
    assert attached.bound == created.bound == bound


def test_reads_what_a_table_is_partitioned_by() -> None:
    (action,) = read_actions('CREATE TABLE t (a int) PARTITION BY RANGE ("A b", (lower(c)))')
    assert isinstance(action, CreateTable)
    assert action.partition_key == (
        IndexColumn('"A b"', "A b", ("A b",)),
        IndexColumn("lower(c)", None, ("c",)),
    )


def test_reads_the_new_expression_of_a_generated_column() -> None:
    (action,) = read_actions("ALTER TABLE t ALTER a SET EXPRESSION AS (b + 1)")
    assert isinstance(action, AlterColumnOption)
    assert action.expression is not None
    assert action.expression.sql == "b + 1"


def test_what_is_not_modelled_says_so() -> None:
    (action,) = read_actions("DROP OWNED BY cook")
    assert isinstance(action, UnmodelledAction)
    assert action.kind == "DROP OWNED"


@pytest.mark.parametrize(
    "head",
    [
        "ALTER TABLE t ",
        'alter  table\n\tif exists only a."b "" c".t\n  ',
        'ALTER TABLE "only" ',
        "ALTER TABLE ONLY tä ",
        "ALTER TABLE if ",
        "ALTER TABLE IF EXISTS a . t * ",
        "ALTER TABLE /* which */ t -- here\n ",
        'ALTER TABLE U&"t" ',
        "ALTER TABLE t$1 ",
    ],
)
def test_the_only_subcommand_begins_where_the_first_of_several_does(head: str) -> None:
    first, _ = read_actions(f"{head}ADD COLUMN a int, ADD COLUMN b int")
    (only,) = read_actions(f"{head}ADD COLUMN a int")
    assert only == first
    assert only.offset == len(head)
