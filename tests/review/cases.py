"""For each check a schema that has what it looks for, once, and beside it what it must leave be."""

from dataclasses import dataclass

from safemigrate.model import OLDEST_VERSION


@dataclass(frozen=True)
class ReviewCase:
    """`sql` makes objects; the check finds those of `finds`, and no other. `since`: a major."""

    check: str
    sql: str
    finds: tuple[str, ...]
    since: int = OLDEST_VERSION.major


CASES = (
    ReviewCase(
        "table-without-primary-key",
        """
        CREATE TABLE bad (id bigint UNIQUE);
        CREATE TABLE bad_root (id bigint, at date) PARTITION BY RANGE (at);
        CREATE TABLE bad_part PARTITION OF bad_root DEFAULT;
        CREATE TABLE good (id bigint PRIMARY KEY);
        CREATE TABLE good_root (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
        CREATE VIEW seen AS SELECT 1 AS one;
        """,
        ("public.bad", "public.bad_root"),
    ),
    ReviewCase(
        "foreign-key-without-index",
        """
        CREATE TABLE parent (a bigint, b bigint, PRIMARY KEY (a, b));
        CREATE TABLE one (id bigint PRIMARY KEY);
        CREATE TABLE bare (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES parent);
        CREATE TABLE behind (a bigint, b bigint, k int, FOREIGN KEY (a, b) REFERENCES parent);
        CREATE INDEX ON behind (a, k, b);
        CREATE TABLE included (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES parent);
        CREATE INDEX ON included (a) INCLUDE (b);
        CREATE TABLE part (one_id bigint REFERENCES one, k int);
        CREATE INDEX ON part (one_id) WHERE k = 1;
        CREATE TABLE invalid (one_id bigint REFERENCES one);
        CREATE INDEX invalid_one ON invalid (one_id);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_one'::regclass;
        CREATE TABLE short (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES parent);
        CREATE INDEX ON short (a);
        CREATE TABLE brin (one_id bigint REFERENCES one);
        CREATE INDEX ON brin USING brin (one_id);
        CREATE TABLE bad_root (one_id bigint REFERENCES one, at date) PARTITION BY RANGE (at);
        CREATE TABLE bad_part PARTITION OF bad_root DEFAULT;
        CREATE TABLE swapped (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES parent);
        CREATE INDEX ON swapped (b, a, (1 + 1));
        CREATE TABLE filled (one_id bigint REFERENCES one, "Odd" bigint REFERENCES one);
        CREATE INDEX ON filled (one_id) WHERE one_id IS NOT NULL;
        CREATE INDEX ON filled ("Odd", one_id) WHERE "Odd" IS NOT NULL;
        CREATE TABLE hashed (one_id bigint REFERENCES one);
        CREATE INDEX ON hashed USING hash (one_id);
        CREATE EXTENSION btree_gist;
        CREATE TABLE booked (one_id bigint REFERENCES one, at tstzrange,
            EXCLUDE USING gist (one_id WITH =, at WITH &&));
        CREATE TABLE turned (one_id bigint REFERENCES one, at tstzrange,
            EXCLUDE USING gist (at WITH &&, one_id WITH =));
        CREATE TABLE chosen (one_id bigint REFERENCES one, at tstzrange, is_open boolean,
            EXCLUDE USING gist (one_id WITH =, at WITH &&) WHERE (is_open));
        CREATE TABLE narrow (one_id int REFERENCES one, EXCLUDE USING gist (one_id WITH =));
        CREATE TABLE both_keys (a bigint, b bigint, FOREIGN KEY (a, b) REFERENCES parent,
            EXCLUDE USING gist (b WITH =, a WITH =));
        CREATE TABLE good_root (one_id bigint REFERENCES one, at date) PARTITION BY RANGE (at);
        CREATE TABLE good_part PARTITION OF good_root DEFAULT;
        CREATE INDEX ON good_root (one_id);
        """,
        (
            "public.bad_root",
            "public.bare",
            "public.behind",
            "public.brin",
            "public.chosen",
            "public.included",
            "public.invalid",
            "public.narrow",
            "public.part",
            "public.short",
            "public.turned",
        ),
    ),
    ReviewCase(
        "duplicate-index",
        """
        CREATE TABLE bad (a int, b int);
        CREATE INDEX bad_1 ON bad (a, b);
        CREATE INDEX bad_2 ON bad (a, b);
        CREATE TABLE bad_key (id bigint PRIMARY KEY);
        CREATE UNIQUE INDEX bad_key_again ON bad_key (id);
        CREATE TABLE good (x int, y int, t text);
        CREATE INDEX ON good (x);
        CREATE INDEX ON good (y);
        CREATE INDEX ON good (x, y);
        CREATE INDEX ON good (y, x);
        CREATE INDEX ON good (x DESC NULLS LAST);
        CREATE UNIQUE INDEX ON good (x);
        CREATE INDEX ON good (x) WHERE y = 1;
        CREATE INDEX ON good (x) WHERE y = 2;
        CREATE INDEX ON good (x) INCLUDE (y);
        CREATE INDEX ON good USING hash (x);
        CREATE INDEX ON good (t);
        CREATE INDEX ON good (t text_pattern_ops);
        CREATE INDEX ON good (t COLLATE "C");
        CREATE INDEX ON good (lower(t));
        CREATE INDEX ON good (upper(t));
        """,
        ("public.bad", "public.bad_key"),
    ),
    ReviewCase(
        "overlapping-index",
        """
        CREATE TABLE bad (a int, b int);
        CREATE INDEX ON bad (a);
        CREATE INDEX ON bad (a, b);
        CREATE TABLE good (a int, b int);
        CREATE UNIQUE INDEX ON good (a);
        CREATE INDEX ON good (a) WHERE b = 1;
        CREATE INDEX ON good (b, a);
        CREATE INDEX ON good (a DESC);
        CREATE INDEX ON good (a, b);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "unused-index",
        """
        CREATE TABLE bad (id bigint PRIMARY KEY, a int);
        CREATE INDEX ON bad (a);
        CREATE TABLE good (id bigint PRIMARY KEY, bad_id bigint REFERENCES bad);
        CREATE INDEX ON good (bad_id);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "invalid-index",
        """
        CREATE TABLE bad (a int);
        CREATE INDEX left_over ON bad (a);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_over'::regclass;
        CREATE TABLE good (a int);
        CREATE INDEX ON good (a);
        CREATE TABLE root (a int) PARTITION BY RANGE (a);
        CREATE TABLE leaf PARTITION OF root DEFAULT;
        CREATE INDEX waiting ON ONLY root (a);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "unvalidated-constraint",
        """
        CREATE TABLE bad (a int);
        ALTER TABLE bad ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
        CREATE TABLE good (a int CHECK (a > 0));
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "sequence-near-exhaustion",
        """
        CREATE SEQUENCE bad_small AS smallint;
        SELECT setval('bad_small', 30000);
        CREATE SEQUENCE bad_wide AS bigint;
        CREATE TABLE narrow (id int DEFAULT nextval('bad_wide'));
        ALTER SEQUENCE bad_wide OWNED BY narrow.id;
        SELECT setval('bad_wide', 2000000000);
        CREATE SEQUENCE good_wide AS bigint;
        SELECT setval('good_wide', 2000000000);
        CREATE SEQUENCE good_round AS smallint CYCLE;
        SELECT setval('good_round', 30000);
        CREATE SEQUENCE good_new;
        """,
        ("public.bad_small", "public.bad_wide"),
    ),
    ReviewCase(
        "int4-primary-key",
        """
        CREATE TABLE bad (id serial PRIMARY KEY);
        CREATE TABLE bad_identity (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
        CREATE TABLE good (id bigserial PRIMARY KEY);
        CREATE TABLE good_code (code int PRIMARY KEY);
        """,
        ("public.bad", "public.bad_identity"),
    ),
    ReviewCase(
        "foreign-key-type-mismatch",
        """
        CREATE DOMAIN key AS bigint;
        CREATE TABLE parent (id bigint PRIMARY KEY);
        CREATE TABLE named (name text PRIMARY KEY);
        CREATE TABLE bad (parent_id int REFERENCES parent);
        CREATE TABLE bad_collation (name text COLLATE "POSIX" REFERENCES named);
        CREATE TABLE good (parent_id bigint REFERENCES parent, other key REFERENCES parent);
        CREATE TABLE good_text (name varchar(20) REFERENCES named);
        """,
        ("public.bad", "public.bad_collation"),
    ),
    ReviewCase(
        "timestamp-without-time-zone",
        """
        CREATE TABLE t (bad timestamp, bad_of_day timetz, good timestamptz, of_day time, day date);
        CREATE VIEW seen AS SELECT bad FROM t;
        """,
        ("public.t.bad", "public.t.bad_of_day"),
    ),
    ReviewCase(
        "money-as-float",
        "CREATE TABLE t (total_amount float8, fee money, rate float8, cost numeric, prices float4)",
        ("public.t.fee", "public.t.total_amount"),
    ),
    ReviewCase(
        "numeric-without-precision-for-money",
        "CREATE TABLE t (price numeric, cost numeric(12, 2), ratio numeric)",
        ("public.t.price",),
    ),
    ReviewCase(
        "money-without-currency",
        """
        CREATE TABLE bad (price numeric(12, 2));
        CREATE TABLE good (price numeric(12, 2), price_currency text);
        CREATE TABLE other (ratio numeric(12, 2));
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "limited-text",
        "CREATE TABLE t (code char(3), name varchar(50), long varchar, plain text)",
        ("public.t.code", "public.t.name"),
    ),
    ReviewCase(
        "json-instead-of-jsonb",
        "CREATE TABLE t (bad json, good jsonb)",
        ("public.t.bad",),
    ),
    ReviewCase(
        "serial-instead-of-identity",
        """
        CREATE SEQUENCE shared;
        CREATE TABLE t (
            bad bigserial, good bigint GENERATED ALWAYS AS IDENTITY,
            other bigint DEFAULT nextval('shared')
        );
        """,
        ("public.t.bad",),
    ),
    ReviewCase(
        "unique-over-nullable",
        """
        CREATE TABLE bad (a int, b int NOT NULL, UNIQUE (a, b));
        CREATE TABLE good (a int NOT NULL, b int NOT NULL, c int, UNIQUE (a, b), UNIQUE (c));
        CREATE UNIQUE INDEX ON good (a, b) INCLUDE (c);
        CREATE UNIQUE INDEX ON good (a, c) WHERE c IS NOT NULL;
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "unique-over-nullable",
        "CREATE TABLE good (a int, b int NOT NULL, UNIQUE NULLS NOT DISTINCT (a, b))",
        (),
        since=15,
    ),
    ReviewCase(
        "missing-comment",
        """
        CREATE TYPE bad_mood AS ENUM ('sad');
        CREATE TYPE good_mood AS ENUM ('glad');
        COMMENT ON TYPE good_mood IS 'how somebody feels';
        CREATE TABLE bad (id bigint);
        CREATE TABLE good (id bigint);
        COMMENT ON TABLE good IS 'what is good';
        COMMENT ON COLUMN good.id IS 'its number';
        """,
        ("public.bad", "public.bad", "public.bad_mood"),
    ),
    ReviewCase(
        "unconventional-name",
        """
        CREATE TABLE "Bad" (id bigint);
        CREATE TABLE good (id bigint, "badColumn" int);
        """,
        ('public."Bad"', 'public.good."badColumn"'),
    ),
    ReviewCase(
        "implicit-reference-action",
        """
        CREATE TABLE parent (id bigint PRIMARY KEY);
        CREATE TABLE bad (parent_id bigint REFERENCES parent);
        CREATE TABLE good (parent_id bigint REFERENCES parent ON DELETE CASCADE);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "policies-without-row-security",
        """
        CREATE TABLE bad (a int);
        CREATE POLICY p ON bad USING (a = 1);
        CREATE TABLE bad_root (a int) PARTITION BY RANGE (a);
        CREATE POLICY p ON bad_root USING (a = 1);
        CREATE TABLE good (a int);
        ALTER TABLE good ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON good USING (a = 1);
        """,
        ("public.bad", "public.bad_root"),
    ),
    ReviewCase(
        "row-security-without-policy",
        """
        CREATE TABLE bad (a int);
        ALTER TABLE bad ENABLE ROW LEVEL SECURITY;
        CREATE TABLE good (a int);
        ALTER TABLE good ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON good USING (a = 1);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "row-security-not-forced",
        """
        CREATE TABLE bad (a int);
        ALTER TABLE bad ENABLE ROW LEVEL SECURITY;
        CREATE TABLE good (a int);
        ALTER TABLE good ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "tenant-table-without-row-security",
        """
        CREATE TABLE bad (tenant_id int);
        CREATE TABLE good (tenant_id int);
        ALTER TABLE good ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON good USING (tenant_id = 1);
        CREATE TABLE other (id int);
        """,
        ("public.bad",),
    ),
    ReviewCase("tenant-table-without-row-security", "CREATE TABLE good (tenant_id int)", ()),
    ReviewCase(
        "partition-without-row-security",
        """
        CREATE TABLE root (a int) PARTITION BY RANGE (a);
        ALTER TABLE root ENABLE ROW LEVEL SECURITY;
        CREATE TABLE bad PARTITION OF root DEFAULT;
        CREATE TABLE good PARTITION OF root FOR VALUES FROM (1) TO (2);
        ALTER TABLE good ENABLE ROW LEVEL SECURITY;
        CREATE TABLE plain (a int) PARTITION BY RANGE (a);
        CREATE TABLE plain_part PARTITION OF plain DEFAULT;
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "policy-calls-a-function-per-row",
        """
        CREATE TABLE bad (a text, b text);
        CREATE POLICY p ON bad USING (a = current_setting('app.a')
            AND b = (SELECT current_setting('app.b')));
        CREATE TABLE good (a text);
        CREATE POLICY p ON good USING (a = (SELECT current_setting('app.a')));
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "policy-column-without-index",
        """
        CREATE TABLE bad (a int, b int);
        CREATE INDEX ON bad (b, a);
        CREATE POLICY p ON bad USING (a = 1);
        CREATE TABLE good (a int, deleted_at timestamptz);
        CREATE INDEX ON good (a);
        CREATE POLICY p ON good USING (a = 1 AND deleted_at IS NULL);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "always-true-write-policy",
        """
        CREATE TABLE bad (a int);
        CREATE POLICY p ON bad USING (a = 1) WITH CHECK (true);
        CREATE TABLE bad_insert (a int);
        CREATE POLICY p ON bad_insert FOR INSERT WITH CHECK (true);
        CREATE TABLE good (a int);
        CREATE POLICY p ON good USING (a = 1);
        CREATE POLICY q ON good FOR SELECT USING (true);
        CREATE POLICY r ON good AS RESTRICTIVE USING (true);
        """,
        ("public.bad", "public.bad_insert"),
    ),
    ReviewCase(
        "view-over-row-security",
        """
        CREATE TABLE t (a int);
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE TABLE open_to_all (a int);
        CREATE VIEW bad AS SELECT a FROM t;
        CREATE MATERIALIZED VIEW bad_copy AS SELECT a FROM t;
        CREATE VIEW good AS SELECT a FROM open_to_all;
        """,
        ("public.bad", "public.bad_copy"),
    ),
    ReviewCase(
        "view-over-row-security",
        """
        CREATE TABLE t (a int);
        ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE VIEW good WITH (security_invoker = true) AS SELECT a FROM t;
        CREATE VIEW bad WITH (security_invoker = false) AS SELECT a FROM t;
        """,
        ("public.bad",),
        since=15,
    ),
    ReviewCase(
        "security-definer-without-search-path",
        """
        CREATE FUNCTION bad(int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
        CREATE FUNCTION good() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = ''
            AS 'SELECT 1';
        CREATE FUNCTION plain() RETURNS int LANGUAGE sql AS 'SELECT 1';
        """,
        ("public.bad(integer)",),
    ),
    ReviewCase(
        "granted-to-public",
        """
        CREATE TABLE bad (a int);
        GRANT SELECT, INSERT ON bad TO PUBLIC;
        CREATE TABLE good (a int);
        GRANT SELECT ON good TO CURRENT_USER;
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        CREATE SCHEMA bad_schema;
        GRANT CREATE ON SCHEMA bad_schema TO PUBLIC;
        CREATE SCHEMA good_schema;
        GRANT USAGE ON SCHEMA good_schema TO PUBLIC;
        """,
        ("public.bad", "schema bad_schema"),
    ),
    ReviewCase(
        "wide-or-many-indexes",
        """
        CREATE TABLE bad (a int, b int, c int, d int, e int);
        CREATE INDEX ON bad (a, b, c, d, e);
        CREATE TABLE bad_many (a int);
        CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a);
        CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a);
        CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a);
        CREATE INDEX ON bad_many (a); CREATE INDEX ON bad_many (a);
        CREATE TABLE good (a int, b int, c int, d int, e int);
        CREATE INDEX ON good (a, b, c, d) INCLUDE (e);
        """,
        ("public.bad", "public.bad_many"),
    ),
    ReviewCase(
        "unlogged-table",
        "CREATE UNLOGGED TABLE bad (a int); CREATE TABLE good (a int)",
        ("public.bad",),
    ),
    ReviewCase(
        "jsonb-without-index",
        """
        CREATE TABLE t (
            bad jsonb, indexed jsonb, keyed jsonb, made jsonb, plain text,
            name text GENERATED ALWAYS AS (made ->> 'name') STORED
        );
        CREATE INDEX ON t USING gin (indexed);
        CREATE INDEX ON t ((keyed ->> 'name'));
        CREATE INDEX ON t (name);
        """,
        ("public.t.bad",),
    ),
    ReviewCase(
        "gin-jsonb-operator-class",
        """
        CREATE TABLE bad (doc jsonb);
        CREATE INDEX ON bad USING gin (doc);
        CREATE TABLE good (doc jsonb, tags text[]);
        CREATE INDEX ON good USING gin (doc jsonb_path_ops);
        CREATE INDEX ON good USING gin (tags);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "virtual-generated-column",
        "CREATE TABLE t (a int, bad int GENERATED ALWAYS AS (a + 1), "
        "good int GENERATED ALWAYS AS (a + 1) STORED)",
        ("public.t.bad",),
        since=18,
    ),
    ReviewCase(
        "virtual-generated-column",
        "CREATE TABLE t (a int, good int GENERATED ALWAYS AS (a + 1) STORED)",
        (),
    ),
    ReviewCase(
        "partition-candidate",
        """
        CREATE TABLE bad (id bigint, at timestamptz);
        CREATE TABLE good (id bigint);
        CREATE TABLE small (id bigint, at timestamptz);
        UPDATE pg_class SET reltuples = 6e7 WHERE relname IN ('bad', 'good');
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "brin-candidate",
        """
        CREATE TABLE bad AS SELECT n, hashint4(n) AS mixed FROM generate_series(1, 2000) AS n;
        CREATE INDEX ON bad (n);
        CREATE TABLE good AS SELECT hashint4(n) AS mixed FROM generate_series(1, 2000) AS n;
        CREATE INDEX ON good (mixed);
        CREATE TABLE small AS SELECT n FROM generate_series(1, 2000) AS n;
        CREATE INDEX ON small (n);
        ANALYZE bad, good, small;
        UPDATE pg_class SET reltuples = 2e7 WHERE relname IN ('bad', 'good');
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "low-cardinality-index",
        """
        CREATE TABLE bad AS SELECT n % 2 AS n FROM generate_series(1, 12000) AS n;
        CREATE INDEX ON bad (n);
        CREATE TABLE good AS SELECT n % 100 AS n, n % 2 AS part FROM generate_series(1, 12000) AS n;
        CREATE INDEX ON good (n);
        CREATE INDEX ON good (part) WHERE part = 1;
        ANALYZE bad, good;
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "mostly-null-index",
        """
        CREATE TABLE bad (a text);
        INSERT INTO bad SELECT CASE WHEN n % 3 = 0 THEN repeat('x', 500) || n END
            FROM generate_series(1, 9000) AS n;
        CREATE INDEX ON bad (a);
        CREATE TABLE good AS SELECT a FROM bad;
        CREATE INDEX ON good (a) WHERE a IS NOT NULL;
        ANALYZE bad, good;
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "never-null-but-nullable",
        """
        CREATE TABLE t AS SELECT n AS bad, nullif(n % 2, 0) AS half, n AS good
            FROM generate_series(1, 2000) AS n;
        ALTER TABLE t ALTER good SET NOT NULL;
        CREATE TABLE small (a int);
        INSERT INTO small VALUES (1);
        ANALYZE t, small;
        """,
        ("public.t.bad",),
    ),
    ReviewCase(
        "inconsistent-column-types",
        """
        CREATE TABLE a (bad int, good text, id int);
        CREATE TABLE b (bad bigint, good text, id bigint);
        """,
        ("bad",),
    ),
    ReviewCase(
        "missing-foreign-key",
        """
        CREATE TABLE company (id bigint PRIMARY KEY);
        CREATE TABLE bad (company_id bigint, stranger_id bigint);
        CREATE TABLE plural (id bigint PRIMARY KEY);
        CREATE TABLE plurals (id bigint PRIMARY KEY);
        CREATE TABLE good (company_id bigint REFERENCES company);
        CREATE TABLE other_type (company_id text);
        CREATE TABLE any_of_them (company_id bigint, company_type text);
        """,
        ("public.bad.company_id",),
    ),
    ReviewCase(
        "circular-foreign-keys",
        """
        CREATE TABLE bad_a (id bigint PRIMARY KEY, other bigint);
        CREATE TABLE bad_b (id bigint PRIMARY KEY, other bigint REFERENCES bad_a);
        ALTER TABLE bad_a ADD FOREIGN KEY (other) REFERENCES bad_b;
        CREATE TABLE leaf (id bigint REFERENCES bad_a);
        CREATE TABLE tree (id bigint PRIMARY KEY, parent bigint REFERENCES tree);
        """,
        ("public.bad_a",),
    ),
    ReviewCase(
        "foreign-key-across-tenants",
        """
        CREATE TABLE parent (tenant_id int, id bigint PRIMARY KEY, UNIQUE (tenant_id, id));
        CREATE TABLE bad (tenant_id int, parent_id bigint REFERENCES parent);
        CREATE TABLE good (
            tenant_id int, parent_id bigint,
            FOREIGN KEY (tenant_id, parent_id) REFERENCES parent (tenant_id, id)
        );
        CREATE TABLE plain (parent_id bigint REFERENCES parent);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "range-without-exclusion",
        """
        CREATE TABLE bad (valid_from date, valid_to date);
        CREATE TABLE bad_range (during tstzrange);
        CREATE TABLE good (during tstzrange, EXCLUDE USING gist (during WITH &&));
        CREATE TABLE half (valid_from date);
        """,
        ("public.bad", "public.bad_range"),
    ),
    ReviewCase(
        "unchecked-status",
        """
        CREATE TYPE mood AS ENUM ('sad');
        CREATE TABLE known (name text PRIMARY KEY);
        CREATE TABLE t (
            bad_status text, kind text CHECK (kind IN ('a')), state mood,
            type text REFERENCES known, note text, status_code int
        );
        """,
        ("public.t.bad_status",),
    ),
    ReviewCase(
        "missing-audit-columns",
        """
        CREATE TABLE bad (created_at timestamptz);
        CREATE TABLE good (created_at timestamptz, updated_at timestamptz);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "view-not-concurrently-refreshable",
        """
        CREATE MATERIALIZED VIEW bad AS SELECT 1 AS a;
        CREATE UNIQUE INDEX ON bad (a) WHERE a > 0;
        CREATE UNIQUE INDEX ON bad ((a + 1));
        CREATE MATERIALIZED VIEW good AS SELECT 1 AS a;
        CREATE UNIQUE INDEX ON good (a);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "partitions-without-default",
        """
        CREATE TABLE bad (a int) PARTITION BY LIST (a);
        CREATE TABLE good (a int) PARTITION BY RANGE (a);
        CREATE TABLE good_rest PARTITION OF good DEFAULT;
        CREATE TABLE hashed (a int) PARTITION BY HASH (a);
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "disabled-trigger-or-constraint",
        """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TABLE bad (a int);
        CREATE TRIGGER t BEFORE INSERT ON bad FOR EACH ROW EXECUTE FUNCTION f();
        ALTER TABLE bad DISABLE TRIGGER t;
        CREATE TABLE good (a int CHECK (a > 0));
        CREATE TRIGGER t BEFORE INSERT ON good FOR EACH ROW EXECUTE FUNCTION f();
        """,
        ("public.bad",),
    ),
    ReviewCase(
        "disabled-trigger-or-constraint",
        """
        CREATE TABLE bad (a int, CONSTRAINT positive CHECK (a > 0) NOT ENFORCED);
        CREATE TABLE good (a int CHECK (a > 0));
        """,
        ("public.bad",),
        since=18,
    ),
)
