"""What goes wrong with a file or a row: said clearly, and nothing half-imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.crm.enums import RecordKind
from apps.crm.importing.exceptions import FileRefusedError, ImportingError, MappingError
from apps.crm.importing.services import import_file
from apps.crm.models import Contact, CustomField, Opportunity, Product, Stage
from apps.crm.models.imports import ImportRun
from apps.crm.tests.importing.files import ACTOR, import_text, problems_of, write_file
from apps.tenants.models import Tenant

DEALS = RecordKind.OPPORTUNITY


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"id,name,stage\n", "The file names its columns but has no rows."),
        (b"PK\x03\x04rest",
         "This is an Excel workbook or a ZIP archive. Save the sheet as CSV (UTF-8) first."),
        (b"id,name,stage\n1,A\x00,Won\n",
         "The file holds bytes that no text has (NUL). It is not a CSV file, or it was damaged."),
        (b"id^name^stage\n1^A^Won\n",
         "The columns seem to be parted by “^”. Export the file with commas, semicolons, tabs or "
         "vertical bars."),
        (b"id,name\n1,A\n",
         "The file has no column for “Stage”. Its columns are: “id”, “name”. Map one of them, or "
         "choose another kind of record."),
        (b"id,name,stage\n1,A,Won\n2,B,Won\n3,C\n",
         "Row 4 has 2 cells, but the header has 3. A delimiter inside a cell must stand in quotes; "
         "export the file again, or mend that row."),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_whole(
    acme: Tenant, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(ImportingError) as refused:
        import_file(kind=DEALS, path=path, actor=ACTOR)
    assert refused.value.message == message
    assert (Opportunity.objects.count(), Stage.objects.count()) == (0, 6)
    run = ImportRun.objects.get()
    assert (run.status, run.failure, run.rows_created) == ("failed", message, 0)
    entry = AuditEntry.objects.get(event=Event.IMPORT_FINISHED)
    assert entry.details == {"run_id": run.pk, "result": "failed", "code": refused.value.code}


def test_a_fault_behind_a_hundred_thousand_good_rows_leaves_nothing(
    acme: Tenant, tmp_path: Path
) -> None:
    text = (
        "id,name\n" + "".join(f"{number},Product {number}\n" for number in range(100_000)) + "x\n"
    )
    with pytest.raises(FileRefusedError, match="Row 100002 has 1 cell"):
        import_text(tmp_path, RecordKind.PRODUCT, text)
    assert Product.objects.count() == 0


def test_a_file_above_the_limit_is_refused(
    acme: Tenant, tmp_path: Path, settings: Settings
) -> None:
    settings.IMPORT_MAX_BYTES = 20
    with pytest.raises(ImportingError, match="The file is larger than 20 bytes"):
        import_text(tmp_path, DEALS, "id,name,stage\n1,A,Won\n")


def test_rows_with_errors_are_listed_and_the_others_go_in(acme: Tenant, tmp_path: Path) -> None:
    text = (
        "id,name,stage,amount,opened on\n"
        "1,Good,Won,100,2026-01-31\n"
        "2,Bad date,Won,100,soon\n"
        "3,Bad amount,Won,1.2.3,2026-01-31\n"
        "4,Both,Won,much,31/31/2026\n"
        "5,No stage,,100,2026-01-31\n"
        ",No id of its own,Won,100,2026-01-31\n"
        f"7,{'x' * 201},Won,100,2026-01-31\n"
        "8,=HYPERLINK(1),Won,@SUM(1),2026-01-31\n"
    )
    summary = import_text(tmp_path, DEALS, text)
    assert (summary.rows_total, summary.rows_created, summary.rows_refused) == (8, 2, 6)
    assert set(Opportunity.objects.values_list("name", flat=True)) == {"Good", "No id of its own"}
    assert problems_of(summary.errors_path) == [
        ["row", "column", "value", "message", "result"],
        ["3", "opened on", "soon",
         "“soon” is not a date. Write 2026-12-31, 31.12.2026 or 12/31/2026.", "row not imported"],
        ["4", "amount", "1.2.3",
         "“1.2.3” is not an amount when the decimal point is used, as in this column.", "row not imported"],
        ["5", "amount", "much",
         "“much” is not an amount. Write 1234.56, 1,234.56 or 1.234,56.", "row not imported"],
        ["5", "opened on", "31/31/2026", "“31/31/2026” is not a day of the calendar.", "row not imported"],
        ["6", "stage", "", "This is empty, and the record needs it.", "row not imported"],
        ["8", "name", "x" * 200, f"“{'x' * 80}” is longer than 200 characters.", "row not imported"],
        ["9", "amount", "'@SUM(1)",
         "“@SUM(1)” is not an amount. Write 1234.56, 1,234.56 or 1.234,56.", "row not imported"],
    ]  # fmt: skip


def test_cells_that_a_spreadsheet_would_run_are_disarmed_in_the_list(
    acme: Tenant, tmp_path: Path
) -> None:
    text = 'email,"=cmd|\'/c calc\'!A1"\n=1+1,x\n+49,x\n-5,x\n@x,x\n"\tx",x\n'
    mapping = {"columns": {"email": "email", "=cmd|'/c calc'!A1": "last_name"}}
    summary = import_text(tmp_path, RecordKind.CONTACT, text, mapping=mapping)
    cells = [cell for row in problems_of(summary.errors_path) for cell in row]
    assert summary.rows_refused == 5
    assert [cell for cell in cells if cell[:1] in "=+-@\t" and cell] == []


def test_an_owner_who_is_not_found_is_a_warning(acme: Tenant, tmp_path: Path) -> None:
    summary = import_text(tmp_path, DEALS, "id,name,stage,owner\n1,A,Won,Nobody\n2,B,Won,\n")
    assert (summary.rows_created, summary.rows_refused, summary.rows_warned) == (2, 0, 1)
    assert problems_of(summary.errors_path)[1:] == [
        [
            "2",
            "owner",
            "Nobody",
            "There is no person like this; left empty.",
            "imported, value left out",
        ]
    ]


def test_two_problems_with_one_id_name_the_row_that_counts(acme: Tenant, tmp_path: Path) -> None:
    summary = import_text(tmp_path, DEALS, "id,name,stage\n1,A,Won\n1,B,Won\n")
    assert problems_of(summary.errors_path)[1:] == [
        ["3", "id", "1", "This is the same record as in row 2, which counts.", "row not imported"]
    ]


def test_an_amount_in_another_currency_than_its_row_says_is_refused(
    acme: Tenant, tmp_path: Path
) -> None:
    text = "id,name,stage,amount,currency\n1,A,Won,€5,USD\n2,B,Won,$5,CAD\n3,C,Won,5,Euro\n"
    summary = import_text(tmp_path, DEALS, text)
    assert [row[3] for row in problems_of(summary.errors_path)[1:]] == [
        "The amount is in EUR, but the row's currency is USD.",
        "“Euro” is not a currency code such as USD.",
    ]
    assert Opportunity.objects.get().currency == "CAD"


def test_ids_that_a_spreadsheet_has_shortened_are_refused(acme: Tenant, tmp_path: Path) -> None:
    summary = import_text(tmp_path, DEALS, "id,name,stage\n1.23E+12,A,Won\n")
    assert [row[3] for row in problems_of(summary.errors_path)[1:]] == [
        "“1.23E+12” was shortened by a spreadsheet; export the ids as text."
    ]


def test_an_amount_that_the_field_cannot_hold_is_refused(acme: Tenant, tmp_path: Path) -> None:
    text = f"id,name,stage,amount\n1,A,Won,{10**12}\n2,B,Won,{10**12 - 1}\n"
    summary = import_text(tmp_path, DEALS, text)
    assert (summary.rows_created, summary.rows_refused) == (1, 1)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"Nothing": "name"}, "The mapping names a column “Nothing”, which the file does not have."),
        ({"Zodiac": "sign"}, "There is no field “sign” to map “Zodiac” to. Fields: external_id, owner, "),
        ({"Zodiac": "custom:Sign"}, "“custom:Sign” is no custom field: write custom:key or custom:key:type"),
        ({"Zodiac": "custom:sign:colour"}, "“colour” is no type of custom field. Types: text, number"),
        ({"Zodiac": "name"}, None),
        ({"columns": {"name": "name", "Zodiac": "name"}}, "Both “name” and “Zodiac” are mapped to “name”."),
        ({"constants": {"sign": "x"}}, "There is no field “sign” to give the same value to in every row."),
        ({"constants": {"stage": "Won"}}, "“stage” has both a column and a value for every row."),
        ({"columns": {}, "surprise": 1}, "The mapping is not valid at “surprise”: Extra inputs are not"),
        ({"columns": {"name": 5}}, "The mapping is not valid at “columns.name”: Input should be"),
        ({"columns": {}, "date_order": "ymd"}, "The mapping is not valid at “date_order”: Input should be"),
    ],
)  # fmt: skip
def test_mappings_that_do_not_fit(
    acme: Tenant, tmp_path: Path, mapping: dict[str, object], message: str | None
) -> None:
    text = "id,name,stage,Zodiac\n1,A,Won,Leo\n"
    if message is None:
        # A field that was given is taken from the column in which it was recognised.
        import_text(tmp_path, DEALS, text, mapping=mapping)
        assert Opportunity.objects.get().name == "Leo"
        return
    with pytest.raises(MappingError) as refused:
        import_text(tmp_path, DEALS, text, mapping=mapping)
    assert refused.value.message.startswith(message)
    assert Opportunity.objects.count() == 0


def test_a_fault_while_writing_rolls_everything_back(acme: Tenant, tmp_path: Path) -> None:
    """A custom field that makes a stage column impossible: the fault comes after other writes."""
    stages = "".join(f"{number},N{number},Phase {number},x\n" for number in range(40))
    mapping = {"Odd": "custom:odd"}
    with pytest.raises(MappingError):
        import_text(tmp_path, DEALS, "id,name,stage,Odd\n" + stages, mapping=mapping)
    assert (CustomField.objects.count(), Stage.objects.count(), Opportunity.objects.count()) == (
        0,
        6,
        0,
    )
    assert ImportRun.objects.get().status == "failed"


def test_a_missing_file_leaves_no_run(acme: Tenant, tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match="There is no file"):
        import_file(kind=DEALS, path=tmp_path / "none.csv", actor=ACTOR)
    assert ImportRun.objects.count() == 0


def test_an_unwritten_error_list_means_no_errors(acme: Tenant, tmp_path: Path) -> None:
    assert import_text(tmp_path, DEALS, "id,name,stage\n1,A,Won\n").errors_path == ""


def test_a_hostile_file_name_is_shown_without_its_path_and_tricks(
    acme: Tenant, tmp_path: Path
) -> None:
    path = write_file(tmp_path, "email\na@example.com\n", name="..\\..\\etc\u202egnp.vsc")
    import_file(kind=RecordKind.CONTACT, path=path, actor=ACTOR)
    assert ImportRun.objects.get().file_name == "etcgnp.vsc"
    assert Contact.objects.count() == 1


def test_what_is_left_out_often_is_counted_and_refused_rows_come_first(
    acme: Tenant, tmp_path: Path
) -> None:
    text = "id,name,stage,owner\n1,A,Won,Nobody\n2,B,Won,Nobody\n3,C,Won,Once\n4,,Won,\n"
    summary = import_text(tmp_path, DEALS, text)
    assert "“Nobody” in “owner” was left out of 2 rows." in summary.notes
    assert [row[0] for row in problems_of(summary.errors_path)[1:]] == ["5", "2", "3", "4"]
