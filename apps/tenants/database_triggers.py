"""The database triggers that the product rests on, told by the apps that make them.

An app registers what it installs, so that the start-up check, which stands above them all, sees whether each
is there and switched on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django_tenants.utils import get_public_schema_name
from psycopg import sql

# pg_trigger.tgtype
_BITS = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}


@dataclass(frozen=True, slots=True)
class DatabaseTrigger:
    """One trigger on one table of a schema.

    ``moment`` is such as ``AFTER INSERT OR UPDATE``; ``condition`` may be what CREATE TRIGGER knows between
    FOR EACH and EXECUTE. The function stands in the public schema, or else in the table's own.
    """

    table: str
    name: str
    moment: str
    function: str
    arguments: tuple[str, ...] = ()
    referencing: str = ""
    is_for_each_row: bool = False
    condition: sql.Composable | None = None
    is_function_public: bool = True

    @property
    def type_bits(self) -> int:
        """When and for what it fires, as PostgreSQL keeps it (``pg_trigger.tgtype``)."""
        words = {*self.moment.split(), *(["ROW"] if self.is_for_each_row else [])}
        return sum(bit for word, bit in _BITS.items() if word in words)

    def statement(self, schema: str) -> sql.Composed:
        """The SQL that makes it, or puts it in the place of another of its name."""
        parts: list[sql.Composable] = [
            sql.SQL("CREATE OR REPLACE TRIGGER {name} {moment} ON {table}").format(
                name=sql.Identifier(self.name),
                moment=sql.SQL(self.moment),
                table=sql.Identifier(schema, self.table),
            )
        ]
        if self.referencing:
            parts.append(sql.SQL("REFERENCING {}").format(sql.SQL(self.referencing)))
        parts.append(sql.SQL("FOR EACH ROW" if self.is_for_each_row else "FOR EACH STATEMENT"))
        if self.condition is not None:
            parts.append(sql.SQL("WHEN ({})").format(self.condition))
        function_schema = get_public_schema_name() if self.is_function_public else schema
        parts.append(
            sql.SQL("EXECUTE FUNCTION {function}({arguments})").format(
                function=sql.Identifier(function_schema, self.function),
                arguments=sql.SQL(", ").join(map(sql.Literal, self.arguments)),
            )
        )
        return sql.SQL(" ").join(parts)


Source = Callable[[], Iterable[DatabaseTrigger]]
_sources: list[Source] = []


def register_database_triggers(source: Source) -> None:
    """Have the triggers that ``source`` gives looked for in each schema that has their tables."""
    if source not in _sources:
        _sources.append(source)


def registered_database_triggers() -> list[DatabaseTrigger]:
    """Every trigger that any app rests on."""
    return [trigger for source in _sources for trigger in source()]
