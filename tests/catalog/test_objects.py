import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.model import Catalog, ColumnType, QualifiedName


def after(sql: str) -> Catalog:
    return catalog_of_sql(sql, "schema.sql")


def public(name: str) -> QualifiedName:
    return QualifiedName("public", name)


def test_domains_lead_to_their_base_type() -> None:
    catalog = after(
        "CREATE DOMAIN plain AS varchar(9); CREATE DOMAIN strict AS plain CHECK (VALUE <> '')"
    )

    assert catalog.base_type(ColumnType("strict")) == (ColumnType("character varying", (9,)), True)
    assert catalog.base_type(ColumnType("plain")) == (ColumnType("character varying", (9,)), False)
    assert catalog.base_type(ColumnType("strict", dimensions=1))[1] is False


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("ALTER DOMAIN d ADD CONSTRAINT few CHECK (VALUE < 9) NOT VALID", {"few"}),
        ("ALTER DOMAIN d ADD CHECK (VALUE < 9) NOT VALID", {"d_check"}),
        ("ALTER DOMAIN d ADD CONSTRAINT few CHECK (VALUE < 9)", set()),
        (
            "ALTER DOMAIN d ADD CHECK (VALUE < 9); ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID",
            set(),
        ),
        (
            """
            ALTER DOMAIN d ADD CONSTRAINT few CHECK (VALUE < 9) NOT VALID;
            ALTER DOMAIN d ADD CONSTRAINT more CHECK (VALUE > 0) NOT VALID;
            ALTER DOMAIN d SET DEFAULT 1;
            ALTER DOMAIN d VALIDATE CONSTRAINT few
            """,
            {"more"},
        ),
        (
            """
            ALTER DOMAIN d ADD CONSTRAINT few CHECK (VALUE < 9) NOT VALID;
            ALTER DOMAIN d DROP CONSTRAINT few
            """,
            set(),
        ),
    ],
)
def test_a_domain_remembers_what_is_not_validated(sql: str, names: set[str]) -> None:
    catalog = after(f"CREATE DOMAIN d AS int; {sql}")
    assert catalog.domains[public("d")].not_valid == names


def test_a_renamed_domain_is_renamed_in_its_columns() -> None:
    catalog = after(
        "CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (x d); ALTER DOMAIN d RENAME TO e"
    )

    column = catalog.column(public("t"), "x")
    assert list(catalog.domains) == [public("e")]
    assert column is not None
    assert column.type == ColumnType("e")
