import enum

from fastapi import FastAPI
from sqlalchemy import BigInteger, Enum, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.settings import settings

api = FastAPI(title="bakery", debug=settings.region == "test")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={"ix": "ix__%(table_name)s__%(column_0_name)s"})


class Role(enum.Enum):
    BAKER = "baker"
    CLERK = "clerk"


class Employee(Base):
    __tablename__ = "employee"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(Enum(Role, name="role"))


@api.get("/employees")
def employees() -> list[str]:
    return []
