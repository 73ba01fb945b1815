"""``manage.py import_crm``."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.crm.models import ChangeLog, Lead, Opportunity
from apps.crm.models.imports import ImportRun
from apps.crm.tests.importing.files import write_file
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

DEALS = "id,name,stage,amount,Mood\n1,A,Won,100,good\n2,B,Won,much,bad\n"


def run(path: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command(
        "import_crm",
        str(path),
        stdout=out,
        **{"tenant": "acme", "kind": "opportunities", **options},
    )
    return out.getvalue()


def test_it_imports_and_says_what_it_did(
    acme: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_connection().set_schema_to_public()
    out = run(write_file(tmp_path, DEALS), source="legacy")
    assert (
        "Imported: 1 created, 0 changed, 0 unchanged, 1 refused of 2 rows; 0 with a value left out."
        in out
    )
    assert (
        "  3,amount,much,“much” is not an amount. Write 1234.56, 1,234.56 or 1.234,56.,row not imported"
        not in out
    )
    assert "3,amount,much" in out
    tenant_connection().set_tenant(acme)
    assert Opportunity.objects.get().source == "legacy"
    assert ChangeLog.objects.get().actor_name == "import_crm"
    assert "checking: 2 of 2 rows" in capsys.readouterr().err


def test_json_is_one_object(acme: Tenant, tmp_path: Path) -> None:
    out = json.loads(run(write_file(tmp_path, DEALS), json=True))
    assert {
        key: value
        for key, value in out.items()
        if key.startswith("rows") or key in {"kind", "source"}
    } == {
        "kind": "opportunity",
        "source": "import",
        "rows_total": 2,
        "rows_created": 1,
        "rows_changed": 0,
        "rows_unchanged": 0,
        "rows_refused": 1,
        "rows_warned": 0,
    }


def test_a_mapping_file_is_used(acme: Tenant, tmp_path: Path) -> None:
    mapping = write_file(tmp_path, '{"Mood": "custom:mood", "amount": null}', name="mapping.json")
    run(write_file(tmp_path, DEALS), mapping=mapping)
    rows = Opportunity.objects.order_by("id").values_list("amount", "attributes")
    assert list(rows) == [(None, {"mood": "good"}), (None, {"mood": "bad"})]


def test_problems_are_written_where_asked(acme: Tenant, tmp_path: Path) -> None:
    errors = tmp_path / "errors.csv"
    run(write_file(tmp_path, DEALS), errors=errors)
    assert errors.read_text("utf-8-sig").splitlines()[1].startswith("3,amount,much,")


def test_a_trial_writes_nothing(acme: Tenant, tmp_path: Path) -> None:
    out = run(write_file(tmp_path, DEALS), dry_run=True)
    assert "Would be imported: 1 created" in out
    assert Opportunity.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tenant": "nobody"}, "There is no tenant 'nobody'."),
        ({"tenant": "public"}, "There is no tenant 'public'."),
        ({"kind": "accounts"}, "The file has no column for"),
        ({"mapping": Path("none.json")}, "The mapping file none.json cannot be read"),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_command(
    acme: Tenant, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = write_file(tmp_path, "id,title,stage\n1,A,Won\n")
    with pytest.raises(CommandError, match=message):
        run(path, **options)
    tenant_connection().set_tenant(acme)
    assert (Opportunity.objects.count(), Lead.objects.count()) == (0, 0)


def test_a_mixture_of_encodings_is_an_error_of_the_command(acme: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_bytes(b"id,title,stage\n1,Zo\xc3\xab,Won\n2,Zo\xeb,Won\n")
    with pytest.raises(CommandError, match="Part of the file is UTF-8"):
        run(path)
    tenant_connection().set_tenant(acme)
    assert Opportunity.objects.count() == 0


def test_a_mapping_file_that_is_no_json_is_refused(acme: Tenant, tmp_path: Path) -> None:
    mapping = write_file(tmp_path, "not json", name="mapping.json")
    with pytest.raises(CommandError, match="cannot be read"):
        run(write_file(tmp_path, DEALS), mapping=mapping)
    assert ImportRun.objects.count() == 0
