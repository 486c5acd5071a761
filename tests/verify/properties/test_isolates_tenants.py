"""Tenants kept apart by row-level security, and every way in which they are not."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import DuplicateObject
from sqlalchemy.engine import make_url

from safemigrate.config import VerifyChoices
from safemigrate.model import Property, Standing
from safemigrate.server import Server, open_server
from safemigrate.source import open_project
from safemigrate.trace import open_connection
from safemigrate.verify import verify_history
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

ROOT = Path(__file__).parents[3]
SUBJECT = Property.ISOLATES_TENANTS
ROLE = "tenants_app"
OTHER_ROLE = "tenants_report"
TABLE = (
    "CREATE TABLE invoice (id int PRIMARY KEY, tenant_id int NOT NULL, amount numeric NOT NULL,"
    " note text)"
)
OWN = "tenant_id = current_setting('app.tenant', true)::int"
GUARD = "ALTER TABLE invoice ENABLE ROW LEVEL SECURITY"
GRANT = f"GRANT SELECT, INSERT, UPDATE, DELETE ON invoice TO {ROLE}"


def make_roles(server: Server) -> None:
    with open_connection(server.url("postgres")) as connection:
        for name in (ROLE, OTHER_ROLE):
            try:
                connection.execute(f"CREATE ROLE {name} NOLOGIN".encode())
            except DuplicateObject:
                continue


@pytest.fixture
def guarded(scaffold: Scaffold) -> Scaffold:
    """A project on a server that has the roles."""
    make_roles(scaffold.server)
    return scaffold


def add(scaffold: Scaffold, *statements: str, table: str = TABLE) -> None:
    """Write a revision that makes the table, and guards it in some way."""
    lines = "\n".join((table, *statements))
    name = re.findall(r"CREATE TABLE (\w+)", lines)
    drops = [f"DROP TABLE {one} CASCADE" for one in reversed(name)]
    functions = re.findall(r"CREATE FUNCTION (\w+\([\w ]*\))", lines)
    scaffold.add("one", lines, "\n".join([*drops, *(f"DROP FUNCTION {one}" for one in functions)]))


def policy(using: str = OWN, extra: str = "") -> str:
    return f"CREATE POLICY own ON invoice {extra} USING ({using})"


def test_tenants_that_are_apart_hold_and_others_are_named(anywhere: Scaffold) -> None:
    make_roles(anywhere.server)
    add(anywhere, GUARD, policy(), GRANT)
    anywhere.add(
        "two",
        "ALTER POLICY own ON invoice USING (tenant_id = current_setting('app.tenant', true)::int"
        " OR amount IS NOT NULL)",
        f"ALTER POLICY own ON invoice USING ({OWN})",
    )

    good, bad = anywhere.check(SUBJECT, "one"), anywhere.check(SUBJECT, "two")

    assert (good.standing, good.reason.partition(" cells ")[2]) == (
        Standing.HOLDS,
        "of the matrix hold: public.invoice",
    )
    assert int(good.reason.split()[0]) >= 20
    assert bad.standing is Standing.BROKEN
    assert re.fullmatch(
        rf"role {ROLE}, app\.tenant = '(\S+)': SELECT sees \d+ rows? of tenant '(?!\1')\S+' in "
        r"public\.invoice; and \d+ more",
        bad.reason,
    )
    assert bad.path == str(anywhere.path("two"))


def test_exactly_this_property_is_broken(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(f"{OWN} OR current_setting('app.tenant', true) IS NULL"), GRANT)

    assert guarded.broken() == {SUBJECT}


OWN_VIEW = f"CREATE VIEW v AS SELECT * FROM invoice WHERE {OWN}"  # noqa: S608 - a constant
READ = "CREATE POLICY seen ON invoice FOR SELECT USING (" + OWN + ")"

LEAKS = {
    "not enabled": ((policy(), GRANT), "SELECT sees"),
    "open when nothing is set": (
        (GUARD, policy(f"{OWN} OR current_setting('app.tenant', true) IS NULL"), GRANT),
        rf"role {ROLE}, app\.tenant unset: SELECT sees \d+ rows in public\.invoice",
    ),
    "open when it is empty": (
        (
            GUARD,
            policy(
                "tenant_id = nullif(current_setting('app.tenant', true), '')::int"
                " OR current_setting('app.tenant', true) = ''"
            ),
            GRANT,
        ),
        rf"role {ROLE}, app\.tenant = '': SELECT sees",
    ),
    "update of what is not seen": (
        (GUARD, READ, "CREATE POLICY all_w ON invoice FOR UPDATE USING (true)", GRANT),
        r"UPDATE changes \d+ rows? of tenant",
    ),
    "delete of what is not seen": (
        (GUARD, READ, "CREATE POLICY all_d ON invoice FOR DELETE USING (true)", GRANT),
        r"DELETE removes \d+ rows? of tenant",
    ),
    "insert for another": (
        (GUARD, READ, "CREATE POLICY ins ON invoice FOR INSERT WITH CHECK (true)", GRANT),
        r"INSERT writes a row of tenant '\S+' in public\.invoice",
    ),
    "given away": (
        (
            GUARD,
            READ,
            "CREATE POLICY give ON invoice FOR UPDATE USING (" + OWN + ") WITH CHECK (true)",
            GRANT,
        ),
        r"UPDATE of tenant_id gives a row to tenant '\S+' in public\.invoice",
    ),
    "a second policy": (
        (GUARD, policy(), "CREATE POLICY more ON invoice FOR SELECT USING (amount > -1e9)", GRANT),
        "SELECT sees",
    ),
    "for one role alone": (
        (
            GUARD,
            policy(extra=f"TO {ROLE}"),
            f"CREATE POLICY report ON invoice FOR SELECT TO {OTHER_ROLE} USING (amount > -1e9)",
            GRANT,
            f"GRANT SELECT ON invoice TO {OTHER_ROLE}",
        ),
        rf"role {OTHER_ROLE}, app\.tenant = ",
    ),
    "for everybody": (
        (GUARD, policy("true OR " + OWN), "GRANT SELECT ON invoice TO PUBLIC"),
        r"role PUBLIC, app\.tenant = ",
    ),
    "an owner's view": (
        (GUARD, policy(), "CREATE VIEW v AS SELECT * FROM invoice", f"GRANT SELECT ON v TO {ROLE}"),
        r"view public\.v shows rows of tenant '\S+' of public\.invoice",
    ),
    "written through a view": (
        (GUARD, policy(), OWN_VIEW, f"GRANT SELECT, INSERT ON v TO {ROLE}"),
        r"INSERT writes a row of tenant '\S+' in public\.invoice through view public\.v",
    ),
    "given away through a view": (
        (GUARD, policy(), OWN_VIEW, f"GRANT SELECT, UPDATE ON v TO {ROLE}"),
        r"UPDATE of tenant_id gives a row to tenant '\S+' in public\.invoice through view",
    ),
    "changed by everybody": (
        (
            GUARD,
            READ,
            "CREATE POLICY all_w ON invoice FOR UPDATE USING (true)",
            "ALTER TABLE invoice ADD CHECK (note <> 'gone')",
            (
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                " 'BEGIN RAISE EXCEPTION ''no''; END'"
            ),
            "CREATE TRIGGER g BEFORE UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION f()",
            "GRANT UPDATE ON invoice TO PUBLIC",
        ),
        r"role PUBLIC, app\.tenant = '\S+': UPDATE reaches rows of others in public\.invoice",
    ),
    "removed through a view of a view": (
        (
            GUARD,
            policy(),
            "CREATE VIEW v AS SELECT id, tenant_id FROM invoice",
            "CREATE VIEW w AS SELECT id FROM v",
            f"GRANT DELETE ON w TO {ROLE}",
        ),
        r"app\.tenant unset: DELETE removes \d+ rows in public\.invoice through view public\.w",
    ),
    "a view of a view": (
        (
            GUARD,
            policy(),
            "CREATE VIEW v AS SELECT id, tenant_id FROM invoice",
            "CREATE VIEW w AS SELECT count(*) AS n FROM v",
            f"GRANT SELECT ON w TO {ROLE}",
        ),
        r"view public\.w shows rows of tenant",
    ),
    "a materialized view": (
        (
            GUARD,
            policy(),
            "CREATE MATERIALIZED VIEW m AS SELECT * FROM invoice",
            f"GRANT SELECT ON m TO {ROLE}",
        ),
        r"in materialized view public\.m$",
    ),
    "a function": (
        (
            GUARD,
            policy(),
            GRANT,
            (
                "CREATE FUNCTION leak() RETURNS SETOF invoice LANGUAGE sql SECURITY DEFINER AS"
                " 'SELECT * FROM invoice'"
            ),
        ),
        r"function public\.leak\(\) shows rows of tenant",
    ),
    "a function of a tenant": (
        (
            GUARD,
            policy(),
            GRANT,
            (
                "CREATE FUNCTION leak(t int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS"
                " 'SELECT count(*) FROM invoice WHERE tenant_id = t'"
            ),
        ),
        r"function public\.leak\(t integer\) shows rows of tenant",
    ),
    "an error for everybody": (
        (
            GUARD,
            policy(OWN + " AND EXISTS (SELECT FROM invoice i WHERE i.id = invoice.id)"),
            GRANT,
        ),
        r"SELECT of its own rows in public\.invoice fails: 42P17",
    ),
}


@pytest.mark.parametrize("name", LEAKS)
def test_every_leak_is_told_in_words(name: str, guarded: Scaffold) -> None:
    statements, words = LEAKS[name]
    add(guarded, *statements)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.BROKEN, check
    assert any(re.search(words, line) for line in check.details), check.details


SOUND = {
    "another side": policy("current_setting('app.tenant', true)::int = tenant_id"),
    "a sub-select": policy("tenant_id = (SELECT current_setting('app.tenant', true)::int)"),
    "text": policy("tenant_id::text = current_setting('app.tenant', true)"),
    "nullif": policy("tenant_id = nullif(current_setting('app.tenant', true), '')::int"),
    "not missing_ok": policy("tenant_id = current_setting('app.tenant')::int"),
    "an array": policy(
        "tenant_id = ANY (string_to_array(current_setting('app.tenant', true), ',')::int[])"
    ),
    "also a state": policy(OWN + " AND amount IS NOT NULL"),
    "restrictive": "CREATE POLICY own ON invoice AS PERMISSIVE USING ("
    + OWN
    + ") WITH CHECK ("
    + OWN
    + ")",
}


@pytest.mark.parametrize("name", SOUND)
def test_a_tenant_is_found_however_the_policy_asks(name: str, guarded: Scaffold) -> None:
    add(guarded, GUARD, SOUND[name], GRANT)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS, check
    assert check.reason.endswith("public.invoice")


def test_an_error_for_an_empty_setting_is_a_remark(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(), GRANT)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS
    assert any("app.tenant = ''" in line and "22P02" in line for line in check.details)
    assert any("FORCE ROW LEVEL SECURITY" in line for line in check.details)


@pytest.mark.parametrize(
    ("type_", "cast"),
    [("bigint", "::bigint"), ("uuid", "::uuid"), ("text", ""), ("varchar(40)", "")],
)
def test_a_tenant_is_of_any_type(type_: str, cast: str, guarded: Scaffold) -> None:
    table = f"CREATE TABLE invoice (id int PRIMARY KEY, tenant_id {type_} NOT NULL, note text)"
    using = f"tenant_id = current_setting('app.tenant', true){cast}"
    add(guarded, GUARD, policy(using), GRANT, table=table)
    guarded.add("two", f"ALTER POLICY own ON invoice USING ({using} OR id > 0)", "pass")

    assert guarded.check(SUBJECT, "one").standing is Standing.HOLDS
    assert guarded.check(SUBJECT, "two").standing is Standing.BROKEN


def test_a_tenant_may_be_a_row_of_another_table(guarded: Scaffold) -> None:
    add(
        guarded,
        "ALTER TABLE org ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON org USING (id = current_setting('app.tenant', true)::bigint)",
        GUARD,
        policy("org_id IN (SELECT id FROM org)"),
        f"GRANT SELECT ON org TO {ROLE}",
        GRANT,
        table="CREATE TABLE org (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)\n"
        "CREATE TABLE invoice (id int PRIMARY KEY, org_id bigint NOT NULL REFERENCES org)",
    )

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS, check
    assert check.reason.endswith("public.invoice, public.org")


MEMBERS = (
    "CREATE TABLE org (id int PRIMARY KEY)\n"
    "CREATE TABLE member (org_id int NOT NULL REFERENCES org, user_id int NOT NULL)\n"
    "CREATE TABLE invoice (id int PRIMARY KEY, org_id int NOT NULL REFERENCES org)"
)
IS_MEMBER = (
    "EXISTS (SELECT FROM member m WHERE {}m.user_id = current_setting('app.user', true)::int)"
)


def test_members_of_a_tenant_are_found(guarded: Scaffold) -> None:
    using = IS_MEMBER.format("m.org_id = invoice.org_id AND ")
    add(guarded, GUARD, policy(using), GRANT, f"GRANT SELECT ON member TO {ROLE}", table=MEMBERS)
    guarded.add(
        "two",
        "CREATE POLICY more ON invoice FOR DELETE USING (true)",
        "DROP POLICY more ON invoice",
    )

    good, bad = guarded.check(SUBJECT, "one"), guarded.check(SUBJECT, "two")

    assert good.standing is Standing.HOLDS, good
    assert bad.standing is Standing.BROKEN
    assert "app.user = " in bad.reason
    assert "DELETE removes" in bad.reason


def test_a_policy_that_forgets_whose_row_it_is_about_is_not_passed(guarded: Scaffold) -> None:
    using = IS_MEMBER.format("")
    add(guarded, GUARD, policy(using), GRANT, f"GRANT SELECT ON member TO {ROLE}", table=MEMBERS)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert "app.user" in check.reason
    assert "tenants" in check.help


def test_the_user_may_be_the_tenant(guarded: Scaffold) -> None:
    table = "CREATE TABLE invoice (id int PRIMARY KEY, owner text NOT NULL, note text)"
    add(guarded, GUARD, policy("owner = current_user"), GRANT, table=table)
    guarded.add("two", "ALTER POLICY own ON invoice USING (owner = current_user OR id > 0)", "pass")

    good, bad = guarded.check(SUBJECT, "one"), guarded.check(SUBJECT, "two")

    assert good.standing is Standing.HOLDS, good
    assert bad.standing is Standing.BROKEN
    assert f"role {ROLE}, as user " in bad.reason


def test_what_no_value_can_be_guessed_for_is_asked(guarded: Scaffold) -> None:
    using = "tenant_id = (current_setting('request.jwt', true)::json ->> 'org')::int"
    add(guarded, GUARD, policy(using), GRANT)
    given = {"request.jwt": ('{"org": 7}', '{"org": 8}')}

    asked, told = guarded.check(SUBJECT), guarded.check(SUBJECT, tenants=given)

    assert asked.standing is Standing.UNKNOWN
    assert 'tenants = { "request.jwt" = ["1", "2"] }' in asked.help
    assert told.standing is Standing.HOLDS, told


def test_values_that_are_given_are_used(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(OWN + " OR id > 0"), GRANT)

    check = guarded.check(SUBJECT, tenants={"app.tenant": ("41", "42")})

    assert "app.tenant = '41'" in check.reason
    assert "of tenant '42'" in check.reason


def test_a_function_may_tell_the_tenant(guarded: Scaffold) -> None:
    function = (
        "CREATE FUNCTION tenant() RETURNS int LANGUAGE sql STABLE AS"
        " $$SELECT nullif(current_setting('app.tenant', true), '')::int$$"
    )
    add(guarded, GUARD, GRANT, function, policy("tenant_id = (SELECT tenant())"))
    guarded.add(
        "two",
        "CREATE OR REPLACE FUNCTION tenant() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS"
        " $$SELECT coalesce(nullif(current_setting('app.tenant', true), '')::int, min(tenant_id))"
        " FROM invoice$$",
        "CREATE OR REPLACE FUNCTION tenant() RETURNS int LANGUAGE sql STABLE AS"
        " $$SELECT nullif(current_setting('app.tenant', true), '')::int$$",
    )
    guarded.add("three", "CREATE TABLE other (id int)", "DROP TABLE other")

    checks = [guarded.check(SUBJECT, one) for one in ("one", "two", "three")]

    assert [one.standing for one in checks] == [Standing.HOLDS, Standing.BROKEN, Standing.HOLDS]
    assert checks[2].reason == "it changes nothing that row-level security rests on"


def test_a_partition_is_a_door_of_its_own(guarded: Scaffold) -> None:
    table = (
        "CREATE TABLE invoice (id int, tenant_id int NOT NULL) PARTITION BY RANGE (id)\n"
        "CREATE TABLE invoice_all PARTITION OF invoice DEFAULT"
    )
    add(guarded, GUARD, policy(), GRANT, table=table)
    guarded.add(
        "two", f"GRANT SELECT ON invoice_all TO {ROLE}", f"REVOKE ALL ON invoice_all FROM {ROLE}"
    )

    good, bad = guarded.check(SUBJECT, "one"), guarded.check(SUBJECT, "two")

    assert good.standing is Standing.HOLDS, good
    assert bad.standing is Standing.BROKEN
    assert "in public.invoice_all" in bad.reason


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (
            (OWN_VIEW, f"GRANT SELECT ON v TO {ROLE}"),
            "",
        ),
        (("CREATE VIEW v AS SELECT * FROM invoice",), ""),
        ((f"{OWN_VIEW} WITH CHECK OPTION", f"GRANT ALL ON v TO {ROLE}"), ""),
        (
            (
                "ALTER TABLE invoice FORCE ROW LEVEL SECURITY",
                "CREATE VIEW v AS SELECT * FROM invoice",
                f"GRANT ALL ON v TO {ROLE}",
                (
                    "CREATE FUNCTION f(t int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS"
                    " 'SELECT count(*) FROM invoice WHERE tenant_id = t'"
                ),
            ),
            "",
        ),
        (
            (
                "CREATE TABLE trip (id int, tenant_id int)",
                "CREATE VIEW v AS SELECT * FROM trip WHERE EXISTS (SELECT FROM invoice LIMIT 0)",
                f"GRANT ALL ON v TO {ROLE}",
            ),
            "",
        ),
        (
            (
                "CREATE VIEW u AS SELECT * FROM invoice WHERE id < 0",
                "CREATE VIEW v AS SELECT * FROM u",
                "CREATE RULE r AS ON INSERT TO u DO INSTEAD NOTHING",
                f"GRANT INSERT ON v TO {ROLE}",
            ),
            "",
        ),
        (
            (
                "CREATE VIEW v AS SELECT * FROM invoice WHERE id < 0",
                ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"),
                "CREATE TRIGGER g INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()",
                f"GRANT INSERT ON v TO {ROLE}",
            ),
            "",
        ),
        (
            (
                "CREATE VIEW v AS SELECT * FROM invoice WHERE id < 0",
                "CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING",
                f"GRANT DELETE ON v TO {ROLE}",
            ),
            "",
        ),
        (
            (
                (
                    "CREATE FUNCTION f(a point) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS"
                    " 'SELECT count(*) FROM invoice'"
                ),
            ),
            "was not tried: its arguments cannot be made up",
        ),
        (
            (
                (
                    "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS"
                    " 'SELECT count(*) FROM invoice'"
                ),
                "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
            ),
            "",
        ),
    ],
    ids=[
        "filters",
        "not granted",
        "checks",
        "forced",
        "of another table",
        "a rule below",
        "a trigger",
        "a rule",
        "untried",
        "not executable",
    ],
)
def test_ways_that_show_nothing_hold(
    statements: tuple[str, ...], words: str, guarded: Scaffold
) -> None:
    add(guarded, GUARD, policy(), GRANT, *statements)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS, check
    assert any(words in line for line in check.details)


def test_a_leak_is_told_of_the_revision_that_brought_it(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(OWN + " OR id > 0"), GRANT)
    guarded.add("two", "ALTER TABLE invoice ADD COLUMN c int", "ALTER TABLE invoice DROP COLUMN c")

    check = guarded.check(SUBJECT, "two")

    assert check.standing is Standing.HOLDS
    assert any(line.startswith("before this revision too: ") for line in check.details)


@pytest.mark.parametrize("forced", ["", "ALTER TABLE invoice FORCE ROW LEVEL SECURITY"])
def test_security_that_is_switched_off_is_told(forced: str, guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(), GRANT, *filter(None, [forced]))
    lines = "DROP POLICY own ON invoice\nALTER TABLE invoice DISABLE ROW LEVEL SECURITY"
    guarded.add("two", lines, f"{GUARD}\n{policy()}")

    check = guarded.check(SUBJECT, "two")

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("row-level security of public.invoice is switched off")


def test_roles_without_rights_are_stood_in_for(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy())
    guarded.add("two", f"ALTER POLICY own ON invoice USING ({OWN} OR id > 0)", "pass")

    good, bad = guarded.check(SUBJECT, "one"), guarded.check(SUBJECT, "two")

    assert good.standing is Standing.HOLDS, good
    assert any(line.startswith("no role has a right on public.invoice") for line in good.details)
    assert "a role with every right, app.tenant = " in bad.reason


def test_a_policy_that_lets_all_in_is_measured_by_its_neighbours(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(), GRANT)
    guarded.add(
        "two",
        "CREATE TABLE payment (id int PRIMARY KEY, tenant_id int NOT NULL)\n"
        "ALTER TABLE payment ENABLE ROW LEVEL SECURITY\n"
        "CREATE POLICY own ON payment USING (true)\n"
        f"GRANT SELECT ON payment TO {ROLE}",
        "DROP TABLE payment",
    )

    check = guarded.check(SUBJECT, "two")

    assert check.standing is Standing.BROKEN
    assert "in public.payment" in check.reason


def test_a_table_for_all_is_a_remark(guarded: Scaffold) -> None:
    add(
        guarded,
        "ALTER TABLE country ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY all_ ON country FOR SELECT USING (true)",
        f"GRANT SELECT ON country TO {ROLE}",
        table="CREATE TABLE country (id int PRIMARY KEY)",
    )

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS
    assert check.details == ("the policies of public.country let everybody see every row",)


def test_a_policy_that_nothing_can_be_made_of_is_unknown(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy("pg_has_role(note::name, 'member')"), GRANT)

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith("the policies of public.invoice name no setting")
    assert "accept[isolates-tenants]" in check.help


@pytest.mark.parametrize("is_forced", [True, False])
def test_a_policy_for_the_owner_binds_it_under_force_alone(
    *, is_forced: bool, guarded: Scaffold
) -> None:
    force = "ALTER TABLE invoice FORCE ROW LEVEL SECURITY" if is_forced else "SELECT 1"
    owner = f"ALTER TABLE invoice OWNER TO {ROLE}"
    add(guarded, GUARD, policy(extra=f"TO {ROLE}"), owner, force)

    check = guarded.check(SUBJECT)

    assert check.standing is (Standing.HOLDS if is_forced else Standing.BROKEN), check
    assert is_forced or check.reason.startswith(f"role {ROLE} owns public.invoice, so that")


def test_what_a_setting_opens_as_a_whole_is_closed_without_it(guarded: Scaffold) -> None:
    staff = "coalesce(nullif(current_setting('app.staff', true), '')::boolean, {})"
    add(guarded, GUARD, policy(staff.format("false")), GRANT)
    guarded.add("two", f"ALTER POLICY own ON invoice USING ({staff.format('true')})", "pass")

    good, bad = guarded.check(SUBJECT, "one"), guarded.check(SUBJECT, "two")

    assert good.standing is Standing.HOLDS, good
    assert bad.reason.startswith(f"role {ROLE}, app.staff unset: SELECT sees ")


def test_two_keys_are_two_settings(guarded: Scaffold) -> None:
    table = "CREATE TABLE invoice (id int PRIMARY KEY, tenant_id int NOT NULL, who text NOT NULL)"
    add(
        guarded,
        GUARD,
        policy(OWN + " AND who = current_setting('app.who', true)"),
        GRANT,
        table=table,
    )

    check = guarded.check(SUBJECT)

    assert check.standing is Standing.HOLDS, check
    assert any("app.tenant = '', app.who = ''" in line for line in check.details)


def test_the_reference_history_keeps_investors_apart(embedded_server: Server) -> None:
    choices = VerifyChoices(selected=(SUBJECT.value,))

    proof = verify_history(
        open_project(ROOT / "alembic.ini"), embedded_server, names=["0007"], choices=choices
    )

    (check,) = proof.revisions[-1].checks
    assert check.standing is Standing.HOLDS, check
    tables = check.reason.partition(": ")[2].split(", ")
    assert len(tables) == 10
    # one with a key of two columns, and one that staff alone may read
    assert {"public.credit_applications", "public.audit_log"} <= {*tables}


def test_a_role_that_cannot_become_another_leaves_it_open(
    tmp_path: Path, embedded_server: Server
) -> None:
    make_roles(embedded_server)
    url = make_url(embedded_server.url("postgres")).set(
        drivername="postgresql", username="tenants_weak"
    )
    with open_connection(embedded_server.url("postgres")) as connection:
        connection.execute("CREATE ROLE tenants_weak LOGIN CREATEDB")
    with open_server(url.render_as_string(hide_password=False)) as server:
        scaffold = Scaffold(tmp_path, server)
        scaffold.write()
        add(scaffold, GUARD, policy(), GRANT)

        check = scaffold.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert "takes a superuser" in check.reason
    assert "--server embedded" in check.help


def test_no_role_and_no_database_is_left(guarded: Scaffold) -> None:
    add(guarded, GUARD, policy(), "GRANT SELECT ON invoice TO PUBLIC")

    guarded.check(SUBJECT)

    with open_connection(guarded.server.url("postgres")) as connection:
        roles = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'safemigrate\\_%'"
        ).fetchall()
    assert roles == []


@pytest.fixture(params=proof_versions())
def major(
    request: pytest.FixtureRequest, proof_servers: ProofServers
) -> Iterator[tuple[Server, psycopg.Connection]]:
    server = proof_servers[request.param]
    make_roles(server)
    name = server.create_database()
    try:
        with open_connection(server.url(name)) as connection:
            yield server, connection
    finally:
        server.drop_database(name)


def ask(connection: psycopg.Connection, statement: str, **settings: str) -> int | str:
    """Return how many rows a statement sees or changes as the role, or the SQLSTATE."""
    try:
        with connection.transaction(force_rollback=True):
            for name, value in settings.items():
                connection.execute(
                    "SELECT set_config(%s, %s, true)", (name.replace("_", ".", 1), value)
                )
            connection.execute(f"SET LOCAL ROLE {ROLE}".encode())
            return connection.execute(statement.encode()).rowcount
    except psycopg.Error as error:
        return str(error.sqlstate)


def test_what_row_level_security_does_is_the_same_on_every_major(
    major: tuple[Server, psycopg.Connection],
) -> None:
    _, connection = major
    for statement in (
        TABLE,
        "INSERT INTO invoice VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3)",
        GUARD,
        policy(),
        GRANT,
        "CREATE VIEW v AS SELECT * FROM invoice",
        f"GRANT SELECT ON v TO {ROLE}",
    ):
        connection.execute(statement.encode())
    see = "SELECT * FROM invoice"

    assert ask(connection, see) == 0, "unset"
    assert ask(connection, see, app_tenant="1") == 2
    assert ask(connection, see, app_tenant="2") == 1
    assert ask(connection, see, app_tenant="") == "22P02"
    # once it was set, it is empty and no longer unset
    assert ask(connection, see) == "22P02"
    assert ask(connection, "INSERT INTO invoice VALUES (4, 2, 1)", app_tenant="1") == "42501"
    assert ask(connection, "UPDATE invoice SET tenant_id = 2", app_tenant="1") == "42501"
    assert ask(connection, "UPDATE invoice SET amount = 0 WHERE id = 3", app_tenant="1") == 0
    assert ask(connection, "DELETE FROM invoice WHERE id = 3", app_tenant="1") == 0
    assert ask(connection, "SELECT * FROM v", app_tenant="2") == 3
    assert connection.execute(see.encode()).rowcount == 3, "owner and superuser"
    connection.execute("SET row_security = off")
    assert ask(connection, see, app_tenant="1") == "42501"


def test_a_write_without_reading_is_bound_by_its_own_policy_alone(
    major: tuple[Server, psycopg.Connection],
) -> None:
    _, connection = major
    for statement in (
        TABLE,
        "INSERT INTO invoice VALUES (1, 1, 1), (2, 2, 2)",
        GUARD,
        READ,
        "CREATE POLICY w ON invoice FOR UPDATE USING (true)",
        "CREATE POLICY d ON invoice FOR DELETE USING (true)",
        GRANT,
    ):
        connection.execute(statement.encode())

    assert ask(connection, "UPDATE invoice SET note = 'x'", app_tenant="1") == 2
    assert ask(connection, "UPDATE invoice SET note = note", app_tenant="1") == 1
    assert ask(connection, "DELETE FROM invoice", app_tenant="1") == 2
    assert ask(connection, "DELETE FROM invoice WHERE id > 0", app_tenant="1") == 1


def test_policies_are_tried_on_every_major(
    major: tuple[Server, psycopg.Connection], tmp_path: Path
) -> None:
    server, _ = major
    scaffold = Scaffold(tmp_path, server)
    scaffold.write()
    add(scaffold, GUARD, policy(), GRANT, "CREATE VIEW v AS SELECT * FROM invoice")
    scaffold.add("two", f"GRANT SELECT, DELETE ON v TO {ROLE}", f"REVOKE ALL ON v FROM {ROLE}")
    if server.version.major >= 15:
        scaffold.add(
            "three",
            "ALTER VIEW v SET (security_invoker = on)",
            "ALTER VIEW v RESET (security_invoker)",
        )

    assert scaffold.check(SUBJECT, "one").standing is Standing.HOLDS
    leaks = scaffold.check(SUBJECT, "two").details
    assert any("view public.v shows rows" in one for one in leaks), leaks
    assert any("removes" in one and "through view public.v" in one for one in leaks), leaks
    if server.version.major >= 15:
        assert scaffold.check(SUBJECT, "three").standing is Standing.HOLDS
