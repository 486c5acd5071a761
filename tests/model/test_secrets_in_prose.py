"""What a program says, without the passwords in it."""

import pytest

from safemigrate.model.secrets import hide_passwords


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+psycopg://me:hunter2@host/db",
        "postgresql://me:a:hunter2@b@host/db",
        "postgresql://me:a@hunter2@host:1/db",
        "postgresql://me:a'hunter2@host:1/db",
        "postgresql://me@host/db?password=hunter2",
        "postgresql://host/db?sslmode=require&password=hunter2",
        "host=a password=hunter2 user=b",
        "Password = 'hunter2'",
        "password='it''s hunter2'",
        r"password='it\'s hunter2'",
        'password="a hunter2"',
        "password='cut off hunter2",
        "PGPASSWORD=hunter2",
        "DB_PASSWORD: hunter2",
        "DB_PASSWORD=a,b;hunter2",
        '{"password": "hunter2"}',
        "{'db-password': 'hunter2', 'user': 'b'}",
        "connect(passwd='hunter2')",
        "pwd=hunter2",
        "Secret=hunter2",
        "AWS_SECRET_ACCESS_KEY=hunter2",
        "token=hunter2",
        "api_key => hunter2",
        "passphrase:\n  hunter2",
        "credentials=hunter2",
        "ALTER ROLE me PASSWORD 'hunter2'",
        "SELECT dblink('password=''a hunter2'' dbname=b')",
        "SET password = $$a hunter2$$",
        r"SET password = E'it\'s hunter2'",
        "f(password := 'a hunter2')",
    ],
)
def test_passwords_are_hidden(text: str) -> None:
    assert "hunter2" not in hide_passwords(text)
    assert "***" in hide_passwords(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to postgresql://me:x@host:1/db failed", "to postgresql://me:***@host:1/db failed"),
        ("host=a password=x user=b", "host=a password=*** user=b"),
        ('{"password": "x", "user": "b"}', '{"password": ***, "user": "b"}'),
    ],
)
def test_what_stands_around_a_password_stays(text: str, shown: str) -> None:
    assert hide_passwords(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        'password authentication failed for user "me"',
        "fe_sendauth: no password supplied",
        "connecting to http://host:80/path",
        "PGPASSFILE=/home/me/.pgpass",
        'syntax error at or near "token"',
        "passwords must have 8 characters",
        "",
    ],
)
def test_text_without_a_password_stays_as_it_is(text: str) -> None:
    assert hide_passwords(text) == text


def test_the_password_in_use_is_hidden_wherever_it_stands() -> None:
    assert hide_passwords("no host ret5@localhost", "ret5") == "no host ***@localhost"
