"""No password leaves the process in a text of SQL, and nothing else is taken out of it."""

import pytest

from safemigrate.model.secrets import hide_passwords, hide_sql_passwords, quote_sql


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("CREATE ROLE x PASSWORD 's3cret'", "CREATE ROLE x PASSWORD '***'"),
        ("ALTER ROLE x ENCRYPTED PASSWORD 'it''s s3cret'", "ALTER ROLE x ENCRYPTED PASSWORD '***'"),
        ("CREATE ROLE x password E's3\\'cret' LOGIN", "CREATE ROLE x password '***' LOGIN"),
        ("CREATE ROLE x PASSWORD $$s3cret$$", "CREATE ROLE x PASSWORD '***'"),
        ("CREATE ROLE x PASSWORD $a$s3$$cret$a$ LOGIN", "CREATE ROLE x PASSWORD '***' LOGIN"),
        ("CREATE ROLE x PASSWORD\n  's3cret'", "CREATE ROLE x PASSWORD\n  '***'"),
        (
            "CREATE ROLE x PASSWORD /* of ops */ 's3cret'",
            "CREATE ROLE x PASSWORD /* of ops */ '***'",
        ),
        ("CREATE ROLE x PASSWORD 's3cret cut off in the mid", "CREATE ROLE x PASSWORD '***'"),
        (
            "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'x', password 's3cret')",
            "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'x', password '***')",
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'host=a password=s3cret dbname=b' PUBLICATION p",
            "CREATE SUBSCRIPTION s CONNECTION 'host=a password=*** dbname=b' PUBLICATION p",
        ),
        (
            "SELECT dblink('host=a password=''s3 cret'' dbname=b')",
            "SELECT dblink('host=a password='***' dbname=b')",
        ),
        (
            "CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:s3cret@host/db' PUBLICATION p",
            "CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:***@host/db' PUBLICATION p",
        ),
        (
            "UPDATE t SET password = 's3cret' WHERE id = 1",
            "UPDATE t SET password = '***' WHERE id = 1",
        ),
        ("SELECT dblink('password=s3*(cret host=a')", "SELECT dblink('password=*** host=a')"),
        ("SELECT f(password => 's3cret')", "SELECT f(password => '***')"),
    ],
)
def test_a_password_is_hidden(sql: str, shown: str) -> None:
    assert hide_sql_passwords(sql) == shown
    assert hide_sql_passwords(shown) == shown
    assert "s3" not in hide_passwords(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE ROLE x PASSWORD NULL",
        "CREATE ROLE x PASSWORD $1",
        "CREATE TABLE t (password text, password_hash text DEFAULT 'none')",
        "COMMENT ON COLUMN t.password IS 'as scrypt gives it'",
        "UPDATE t SET password = crypt(old, gen_salt('bf'))",
        "SELECT 'https://example.org/a@b'",
    ],
)
def test_what_is_no_password_stays(sql: str) -> None:
    assert hide_sql_passwords(sql) == sql


@pytest.mark.parametrize(
    ("sql", "width", "shown"),
    [
        ("SELECT 1", 8, "SELECT 1"),
        ("SELECT\n    12", 8, "SELECT …"),
        ("CREATE ROLE x\n  PASSWORD 's3cret'", 40, "CREATE ROLE x PASSWORD '***'"),
        ("CREATE ROLE x PASSWORD 's3cret of ops'", 27, "CREATE ROLE x PASSWORD '**…"),
    ],
)
def test_a_quote_is_one_line_of_a_width_without_passwords(sql: str, width: int, shown: str) -> None:
    assert quote_sql(sql, width) == shown
