"""What the finished ledger does by itself, whoever writes to it."""

from collections.abc import Callable, Iterator
from hashlib import sha256

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import errors, sql
from psycopg.rows import TupleRow

from safemigrate.server.connections import connect, parse_url

Connection = psycopg.Connection[TupleRow]


def enter(connection: Connection, statement: str, *values: object) -> int:
    """Run an INSERT … RETURNING id and return the id."""
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def enter_investor(connection: Connection, name: str) -> int:
    return enter(
        connection,
        "INSERT INTO investors (email, full_name, country_code) VALUES (%s, %s, 'DE') RETURNING id",
        f"{name}@example.org",
        name,
    )


def enter_transaction(connection: Connection, investor: int, key: str) -> int:
    return enter(
        connection,
        "INSERT INTO transactions"
        " (investor_id, kind, amount, currency, idempotency_key, occurred_at)"
        " VALUES (%s, 'repurchase', 100, 'EUR', %s, '2025-03-01 23:30-05') RETURNING id",
        investor,
        key,
    )


def enter_agreement(connection: Connection, investor: int) -> int:
    return enter(
        connection,
        "INSERT INTO agreements (investor_id, title) VALUES (%s, 'Subscription') RETURNING id",
        investor,
    )


def enter_version(connection: Connection, agreement: int, digest: bytes) -> int:
    return enter(
        connection,
        "INSERT INTO agreement_versions"
        " (agreement_id, version_number, content_sha256, storage_key, created_by)"
        " VALUES (%s, 1, %s, 'a/1.pdf', 'staff') RETURNING id",
        agreement,
        digest,
    )


def enter_charge(connection: Connection, investor: int, currency: str) -> int:
    return enter(
        connection,
        "INSERT INTO charges"
        " (investor_id, vat_rate_id, description, net_amount, vat_amount, currency, due_on)"
        " SELECT %s, id, 'Custody', 10, 1.9, %s, '2025-12-31' FROM vat_rates"
        " WHERE country_code = 'DE' AND valid_to IS NULL RETURNING id",
        investor,
        currency,
    )


def enter_credit(connection: Connection, investor: int, key: str) -> int:
    return enter(
        connection,
        "INSERT INTO credits (investor_id, repurchase_id, amount, currency)"
        " VALUES (%s, %s, 5, 'EUR') RETURNING id",
        investor,
        enter_transaction(connection, investor, key),
    )


def apply_credit(connection: Connection, credit: int, charge: int) -> int:
    return enter(
        connection,
        "INSERT INTO credit_applications (credit_id, charge_id, amount, currency)"
        " VALUES (%s, %s, 5, 'EUR') RETURNING id",
        credit,
        charge,
    )


def values(connection: Connection, query: str) -> list[object]:
    """Return the first column of a query's rows."""
    return [row[0] for row in connection.execute(query.encode())]


@pytest.fixture
def application(ledger: Connection) -> Iterator[Connection]:
    """The ledger as the application sees it: not the owner, not a superuser."""
    [database] = values(ledger, "SELECT current_database()")
    role = sql.Identifier(f"application_of_{database}")
    ledger.execute(sql.SQL("CREATE ROLE {} NOSUPERUSER NOBYPASSRLS").format(role))
    ledger.execute(
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(
            role
        )
    )
    ledger.execute(sql.SQL("SET ROLE {}").format(role))
    yield ledger
    ledger.execute("RESET ROLE")
    ledger.execute(sql.SQL("DROP OWNED BY {}").format(role))
    ledger.execute(sql.SQL("DROP ROLE {}").format(role))


def test_every_change_is_audited_with_both_sides_and_the_actor(ledger: Connection) -> None:
    with ledger.transaction():
        ledger.execute("SET LOCAL ledger.actor = 'alice'")
        investor = enter_investor(ledger, "ada")
        ledger.execute("UPDATE investors SET status = 'active'")
        ledger.execute("DELETE FROM investors")
    entries = ledger.execute(
        "SELECT action::text, actor, entity_table, entity_id,"
        " before ->> 'status', after ->> 'status' FROM audit_log ORDER BY id"
    ).fetchall()
    assert entries == [
        ("insert", "alice", "investors", investor, None, "prospect"),
        ("update", "alice", "investors", investor, "prospect", "active"),
        ("delete", "alice", "investors", investor, "active", None),
    ]


def test_without_an_actor_the_audit_log_names_the_role(ledger: Connection) -> None:
    enter_investor(ledger, "ada")
    assert values(ledger, "SELECT actor = session_user FROM audit_log") == [True]


def test_an_update_that_changes_nothing_is_not_audited(ledger: Connection) -> None:
    enter_investor(ledger, "ada")
    ledger.execute("UPDATE investors SET country_code = country_code")
    assert values(ledger, "SELECT action::text FROM audit_log") == ["insert"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET actor = 'bob'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
def test_the_audit_log_is_final(ledger: Connection, statement: str) -> None:
    enter_investor(ledger, "ada")
    with pytest.raises(errors.RestrictViolation):
        ledger.execute(statement.encode())
    assert values(ledger, "SELECT count(*) FROM audit_log") == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agreement_versions SET version_number = 2",
        "DELETE FROM agreement_versions",
        "TRUNCATE agreement_versions",
    ],
)
def test_a_version_of_an_agreement_is_final(ledger: Connection, statement: str) -> None:
    agreement = enter_agreement(ledger, enter_investor(ledger, "ada"))
    enter_version(ledger, agreement, sha256(b"text").digest())
    with pytest.raises(errors.RestrictViolation, match="agreement_versions"):
        ledger.execute(statement.encode())
    assert values(ledger, "SELECT version_number FROM agreement_versions") == [1]


@pytest.mark.parametrize("digest", [b"", b"text", sha256(b"text").hexdigest().encode()])
def test_a_digest_that_is_no_sha256_is_refused(ledger: Connection, digest: bytes) -> None:
    agreement = enter_agreement(ledger, enter_investor(ledger, "ada"))
    with pytest.raises(errors.CheckViolation, match="sha256"):
        enter_version(ledger, agreement, digest)


def test_an_idempotency_key_is_used_once(ledger: Connection) -> None:
    ada, bob = enter_investor(ledger, "ada"), enter_investor(ledger, "bob")
    enter_transaction(ledger, ada, "payment-1")
    with pytest.raises(errors.UniqueViolation, match="idempotency_key"):
        enter_transaction(ledger, bob, "payment-1")
    enter_transaction(ledger, bob, "payment-2")


def test_each_status_of_a_transaction_is_written_down(ledger: Connection) -> None:
    enter_transaction(ledger, enter_investor(ledger, "ada"), "payment-1")
    ledger.execute("UPDATE transactions SET status = 'settled'")
    ledger.execute("UPDATE transactions SET amount = 101")
    ledger.execute("UPDATE transactions SET status = 'reversed'")
    changes = ledger.execute(
        "SELECT from_status::text, to_status::text FROM transaction_status_changes ORDER BY id"
    ).fetchall()
    assert changes == [(None, "pending"), ("pending", "settled"), ("settled", "reversed")]
    assert values(ledger, "SELECT status_changed_at > created_at FROM transactions") == [True]


@pytest.mark.parametrize(
    ("country", "category", "first", "last"),
    [
        ("DE", "standard", "2025-01-01", None),
        ("DE", "standard", "2020-12-31", "2021-01-01"),
        (None, "exempt", "2000-01-01", "2000-01-02"),
    ],
)
def test_a_day_with_two_vat_rates_is_refused(
    ledger: Connection, country: str | None, category: str, first: str, last: str | None
) -> None:
    with pytest.raises(errors.ExclusionViolation, match="one_rate_a_day"):
        enter_vat_rate(ledger, country, category, first, last)


@pytest.mark.parametrize(
    ("country", "category", "first", "last"),
    [
        ("DE", "reduced", "2021-01-01", None),
        ("IT", "standard", "2021-01-01", None),
        ("DE", "standard", "1998-04-01", "2007-01-01"),
        (None, "standard", "2000-01-01", None),
    ],
)
def test_vat_rates_that_do_not_meet_stand_side_by_side(
    ledger: Connection, country: str | None, category: str, first: str, last: str | None
) -> None:
    assert enter_vat_rate(ledger, country, category, first, last)


def test_an_inactive_vat_rate_makes_room(ledger: Connection) -> None:
    ledger.execute("UPDATE vat_rates SET is_active = false WHERE country_code = 'DE'")
    assert enter_vat_rate(ledger, "DE", "standard", "2021-01-01", None)


def test_a_rate_under_reverse_charge_is_zero(ledger: Connection) -> None:
    with pytest.raises(errors.CheckViolation, match="reverse_charge"):
        ledger.execute("UPDATE vat_rates SET is_reverse_charge = true WHERE rate > 0")


def enter_vat_rate(
    connection: Connection, country: str | None, category: str, first: str, last: str | None
) -> int:
    return enter(
        connection,
        "INSERT INTO vat_rates (country_code, category, rate, valid_from, valid_to)"
        " VALUES (%s, %s, 0.1, %s, %s) RETURNING id",
        country,
        category,
        first,
        last,
    )


def test_a_credit_pays_no_charge_in_another_currency(ledger: Connection) -> None:
    investor = enter_investor(ledger, "ada")
    credit = enter_credit(ledger, investor, "payment-1")
    apply_credit(ledger, credit, enter_charge(ledger, investor, "EUR"))
    with pytest.raises(errors.ForeignKeyViolation, match="charge_id_currency"):
        apply_credit(ledger, credit, enter_charge(ledger, investor, "USD"))


@pytest.mark.parametrize("column", ["full_name", "legal_name"])
def test_either_name_of_an_investor_may_be_written(ledger: Connection, column: str) -> None:
    name = sql.Identifier(column)
    insert = "INSERT INTO investors (email, country_code, {}) VALUES ('a@example.org', 'DE', 'Ada')"
    ledger.execute(sql.SQL(insert).format(name))
    both = "SELECT legal_name || ', ' || full_name FROM investors"
    assert values(ledger, both) == ["Ada, Ada"]
    ledger.execute(sql.SQL("UPDATE investors SET {} = 'Ada L.'").format(name))
    assert values(ledger, both) == ["Ada L., Ada L."]


TABLES = (
    "investors",
    "agreements",
    "agreement_versions",
    "transactions",
    "transaction_status_changes",
    "charges",
    "credits",
    "credit_applications",
)


def count_rows(connection: Connection) -> list[int]:
    """Return how many rows of each of TABLES the connection sees."""
    counts = []
    for table in TABLES:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        row = connection.execute(query).fetchone()
        assert row is not None
        counts.append(int(row[0]))
    return counts


def fill(connection: Connection, name: str) -> int:
    """Write a row into each of TABLES for a new investor and return the investor's id."""
    investor = enter_investor(connection, name)
    agreement = enter_agreement(connection, investor)
    enter_version(connection, agreement, sha256(name.encode()).digest())
    credit = enter_credit(connection, investor, f"payment-{name}")
    apply_credit(connection, credit, enter_charge(connection, investor, "EUR"))
    return investor


def become_staff(connection: Connection) -> None:
    connection.execute("SELECT set_config('ledger.is_staff', 'on', false)")


def become_investor(connection: Connection, investor: int) -> None:
    connection.execute("SELECT set_config('ledger.is_staff', '', false)")
    connection.execute("SELECT set_config('ledger.investor_id', %s, false)", [str(investor)])


def test_nobody_in_particular_sees_no_row(application: Connection) -> None:
    become_staff(application)
    fill(application, "ada")
    application.execute("SELECT set_config('ledger.is_staff', '', false)")
    assert count_rows(application) == [0] * len(TABLES)
    assert values(application, "SELECT id FROM audit_log") == []


def test_an_investor_sees_their_own_rows_and_no_others(application: Connection) -> None:
    become_staff(application)
    ada, bob = fill(application, "ada"), fill(application, "bob")
    assert count_rows(application) == [2] * len(TABLES)
    become_investor(application, ada)
    assert count_rows(application) == [1] * len(TABLES)
    assert values(application, "SELECT id FROM investors") == [ada]
    assert values(application, "SELECT investor_id FROM transactions") == [ada]
    become_investor(application, bob)
    assert values(application, "SELECT investor_id FROM transactions") == [bob]


def test_an_investor_does_not_see_an_agreement_put_away(application: Connection) -> None:
    become_staff(application)
    ada = fill(application, "ada")
    application.execute("UPDATE agreements SET deleted_at = now()")
    become_investor(application, ada)
    assert values(application, "SELECT id FROM agreements") == []
    assert values(application, "SELECT id FROM agreement_versions") == []


def test_an_investor_writes_nothing(application: Connection) -> None:
    become_staff(application)
    ada = fill(application, "ada")
    become_investor(application, ada)
    assert application.execute("UPDATE transactions SET amount = 1").rowcount == 0
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        enter_transaction(application, ada, "payment-x")


def test_staff_read_the_audit_log_and_cannot_write_it(application: Connection) -> None:
    become_staff(application)
    enter_investor(application, "ada")
    assert values(application, "SELECT entity_table FROM audit_log") == ["investors"]
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        application.execute(
            "INSERT INTO audit_log (entity_table, entity_id, action, actor, after)"
            " VALUES ('investors', 1, 'insert', 'alice', '{}')"
        )


def test_a_ledger_in_use_can_be_taken_down_and_built_again(
    ledger_url: str, configure: Callable[[str], Config]
) -> None:
    with connect(parse_url(ledger_url)) as connection:
        fill(connection, "ada")
        connection.execute(
            "INSERT INTO investor_sources (code, name, kind) VALUES ('bank', 'Bank', 'partner')"
        )
        connection.execute("UPDATE agreements SET title = repeat('x', 100)")
        command.downgrade(configure(ledger_url), "0007")
        assert values(connection, "SELECT kind::text FROM investor_sources") == ["broker"]
        assert values(connection, "SELECT length(title) FROM agreements") == [50]
        command.upgrade(configure(ledger_url), "head")
        assert count_rows(connection) == [1] * len(TABLES)
        assert values(connection, "SELECT legal_name FROM investors") == ["ada"]
        command.downgrade(configure(ledger_url), "base")
        assert values(connection, "SELECT to_regclass('investors')") == [None]
