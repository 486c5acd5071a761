from collections.abc import Callable

from safemigrate.rulekit import Context, new_types

Look = Callable[..., Context]


def test_new_tables_new_columns_and_changes_of_type_give_types_in_order(look_at: Look) -> None:
    sql = (
        "CREATE TABLE kitchen.t (a int, b text[]);\n"
        "ALTER TABLE recipe ADD COLUMN c date, ALTER COLUMN name TYPE varchar(9);"
    )
    found = [
        (str(new.table), new.column, str(new.type), new.event.statement.sql[new.offset :][:5])
        for new in new_types(look_at(sql))
    ]
    assert found == [
        ("kitchen.t", "a", "integer", "a int"),
        ("kitchen.t", "b", "text[]", "b tex"),
        ("public.recipe", "c", "date", "ADD C"),
        ("public.recipe", "name", "character varying(9)", "ALTER"),
    ]


def test_other_actions_give_none(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe DROP COLUMN name, ALTER COLUMN id SET DEFAULT 1;")
    assert list(new_types(context)) == []
