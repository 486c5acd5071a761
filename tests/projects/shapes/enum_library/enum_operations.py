"""Operations for enums and views, as libraries make them."""

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations


class View:
    def __init__(self, name, definition):
        self.name = name
        self.definition = definition


@Operations.register_operation("sync_enum_labels")
class SyncEnumLabels(MigrateOperation):
    def __init__(self, name, values, affected_columns):
        self.name = name
        self.values = values
        self.affected_columns = affected_columns

    @classmethod
    def sync_enum_labels(cls, operations, name, values, affected_columns):
        return operations.invoke(cls(name, values, affected_columns))

    def reverse(self):
        return SyncEnumLabels(self.name, self.values, self.affected_columns)


@Operations.register_operation("replace_view")
class ReplaceView(MigrateOperation):
    def __init__(self, view):
        self.view = view

    @classmethod
    def replace_view(cls, operations, view):
        return operations.invoke(cls(view))


@Operations.implementation_for(SyncEnumLabels)
def sync_enum_labels(operations, operation):
    connection = operations.get_bind()
    old = f"{operation.name}_old"
    values = ", ".join(f"'{value}'" for value in operation.values)
    connection.execute(sa.text(f"ALTER TYPE {operation.name} RENAME TO {old}"))
    connection.execute(sa.text(f"CREATE TYPE {operation.name} AS ENUM({values})"))
    for table, column in operation.affected_columns:
        default = connection.execute(
            sa.text(
                "SELECT column_default FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = :table AND column_name = :column"
            ),
            {"table": table, "column": column},
        ).scalar()
        if default is not None:
            connection.execute(sa.text(f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"))
        connection.execute(
            sa.text(
                f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {operation.name}"
                f" USING {column}::text::{operation.name}"
            )
        )
    connection.execute(sa.text(f"DROP TYPE {old}"))


@Operations.implementation_for(ReplaceView)
def replace_view(operations, operation):
    operations.execute(
        f"CREATE OR REPLACE VIEW {operation.view.name} AS {operation.view.definition}"
    )
