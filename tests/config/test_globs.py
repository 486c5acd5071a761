import pytest

from safemigrate.config import matches_glob


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("a.sql", "a.sql"),
        ("./a.sql", "a.sql"),
        ("*.sql", "a.sql"),
        ("db/*.sql", "db/a.sql"),
        ("db/**", "db/a.sql"),
        ("db/**", "db/old/a.sql"),
        ("db/", "db/old/a.sql"),
        ("db/**/a.sql", "db/a.sql"),
        ("db/**/a.sql", "db/1/2/a.sql"),
        ("**/a.sql", "a.sql"),
        ("**/a.sql", "x/y/a.sql"),
        ("**", "x/y/a.sql"),
        ("**/old/**", "x/old/a.sql"),
        ("[ab]?.sql", "b1.sql"),
        ("[!ab].sql", "c.sql"),
        ("../db/*.sql", "../db/a.sql"),
        ("a[.sql", "a[.sql"),
    ],
)
def test_a_glob_matches(glob: str, path: str) -> None:
    assert matches_glob(path, glob)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.sql", "db/a.sql"),
        ("db/*", "db/old/a.sql"),
        ("db/?.sql", "db//.sql"),
        ("db/**", "other/a.sql"),
        ("db", "db/a.sql"),
        ("db/**/a.sql", "db/xa.sql"),
        ("**/old/**", "x/older/a.sql"),
        ("[!ab].sql", "a.sql"),
        ("A.sql", "a.sql"),
        ("a.sql", "a.sqlx"),
        ("a.sql", "a-sql"),
    ],
)
def test_a_glob_does_not_match(glob: str, path: str) -> None:
    assert not matches_glob(path, glob)
