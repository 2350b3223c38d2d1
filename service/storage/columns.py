"""Column types that SQLite and PostgreSQL do not share."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import JSON, Column, DateTime, Dialect, Enum, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone of what it stores, PostgreSQL answers in the zone of its session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AsJson(TypeDecorator[BaseModel]):
    """A pydantic model, kept as JSON without its empty fields."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, model: type[BaseModel]) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: BaseModel | None, dialect: Dialect) -> Any:
        """Plain data."""
        return value.model_dump(mode="json", exclude_none=True) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseModel | None:
        """The model."""
        return self.model.model_validate(value) if value is not None else None


def enum_column(kind: type[StrEnum], **more: Any) -> Column[Any]:
    """A column of the values of an enum, as text."""
    return Column(Enum(kind, native_enum=False, length=20, values_callable=lambda kind: [*kind]), **more)


class database_clock(FunctionElement[float]):  # noqa: N801
    """Seconds since 1970 by the clock of the database, which all hosts share; it goes on within a transaction."""

    type = Float()
    inherit_cache = True


@compiles(database_clock, "sqlite")
def _on_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_clock, "postgresql")
def _on_postgresql(*_: Any, **__: Any) -> str:
    return "extract(epoch from clock_timestamp())"
