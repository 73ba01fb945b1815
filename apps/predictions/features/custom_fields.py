"""A tenant's own fields as features."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from psycopg import sql

from apps.crm.enums import FieldType, RecordKind
from apps.crm.models import CustomField
from apps.predictions.columns import ColumnKind
from apps.predictions.features.definitions import Factor, Feature, short_text
from apps.predictions.features.past import table_of

PREFIX = "custom_"
# A text field with more different values than this holds names or sentences.
MOST_TEXTS = 50
# So many of the newest records say which texts a field has.
_SAMPLE = 2_000

# Numbers may have come in as texts; what no float holds, or no day is, is nothing known.
_NUMBER = sql.SQL(
    """
    CASE WHEN jsonb_typeof({value}) = 'number' AND abs(({value})::numeric) < 1e15
              THEN ({value})::float8
         WHEN jsonb_typeof({value}) = 'string' AND {text} ~ '^-?[0-9]{{1,15}}([.][0-9]{{1,15}})?$'
              THEN ({text})::float8 END
    """
)
# Days of the question minus the field's: a day that its month does not have is the next month's.
_DATE = sql.SQL(
    """
    CASE WHEN {text} ~ '^(19|20|21)[0-9]{{2}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])($|T)'
              THEN (b.day - make_date(left({text}, 4)::int, substr({text}, 6, 2)::int, 1)
                    - substr({text}, 9, 2)::int + 1)::float8 END
    """
)
_BOOLEAN = sql.SQL("CASE {value} WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' END")


def custom_features(kind: RecordKind, attributes: str) -> tuple[Feature, ...]:
    """The features of a kind of record's active custom fields, in their order; ``attributes`` is SQL.

    A text field is one only while it holds few different values. Two queries at most.
    """
    fields = list(CustomField.objects.filter(record_kind=kind, is_active=True))
    texts = [field.key for field in fields if field.field_type == FieldType.TEXT]
    categories = _with_few_values(kind, texts) if texts else frozenset()
    return tuple(
        _feature_of(field, attributes)
        for field in fields
        if field.field_type != FieldType.TEXT or field.key in categories
    )


def _feature_of(field: CustomField, attributes: str) -> Feature:
    value = sql.SQL("{} -> {}").format(sql.SQL(attributes), sql.Literal(field.key))
    text = sql.SQL("({} ->> {})").format(sql.SQL(attributes), sql.Literal(field.key))
    label, unit, kind = field.label, "", ColumnKind.CATEGORY
    expression: sql.Composable
    match field.field_type:
        case FieldType.NUMBER:
            expression, kind = _NUMBER.format(value=value, text=text), ColumnKind.NUMBER
        case FieldType.DATE:
            expression, kind = _DATE.format(text=text), ColumnKind.NUMBER
            label, unit = f"Days since {field.label}", "days"
        case FieldType.BOOLEAN:
            expression = _BOOLEAN.format(value=value)
        case _:
            expression = short_text(text)
    return Feature(f"{PREFIX}{field.key}", label, Factor.CUSTOM, expression, kind, unit)


def _with_few_values(kind: RecordKind, keys: Iterable[str]) -> frozenset[str]:
    """Which of the text fields hold few different values, by the newest records."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                """
                SELECT k.key FROM unnest(%s::text[]) AS k(key)
                CROSS JOIN (SELECT attributes FROM {} ORDER BY id DESC LIMIT %s) r
                GROUP BY k.key HAVING count(DISTINCT r.attributes ->> k.key) <= %s
                """
            ).format(table_of(kind)),
            [list(keys), _SAMPLE, MOST_TEXTS],
        )
        return frozenset(key for (key,) in cursor.fetchall())
