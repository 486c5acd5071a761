"""Operations that the command line of the project registers before it calls Alembic."""

from alembic.operations import MigrateOperation, Operations


@Operations.register_operation("create_audited_table")
class CreateAuditedTable(MigrateOperation):
    def __init__(self, name, *columns):
        self.name = name
        self.columns = columns

    @classmethod
    def create_audited_table(cls, operations, name, *columns):
        return operations.invoke(cls(name, *columns))


@Operations.implementation_for(CreateAuditedTable)
def create_audited_table(operations, operation):
    operations.create_table(operation.name, *operation.columns)
    operations.execute(f"CREATE TABLE {operation.name}_audit (id bigint PRIMARY KEY, at timestamptz)")
