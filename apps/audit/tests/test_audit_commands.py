"""verify_audit and export_audit_head: what they print, and the exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import AuditSeal
from apps.audit.tests.chains import seal, tamper, write, write_sealed
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant


def run(*arguments: str) -> str:
    """What a command prints on standard output."""
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def run_broken(*arguments: str) -> tuple[str, str]:
    """What a command prints, and the error that it ends with."""
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out)
    assert caught.value.returncode == 1
    return out.getvalue(), str(caught.value)


def test_a_whole_log_is_said_to_be_whole(committed_tenant: Tenant) -> None:
    write_sealed(2, 1)
    assert run("verify_audit", "--tenant=race") == "race: 2 seals, 3 sealed entries: whole\n"
    write(1)
    told = run("verify_audit", "--tenant=race")
    assert told.startswith("race: 2 seals, 3 sealed entries, 1 not sealed yet, the oldest ")
    assert told.endswith(" s old: whole\n")


def test_entries_that_wait_for_long_are_pointed_out(committed_tenant: Tenant) -> None:
    write(1)
    tamper("UPDATE audit_auditentry SET occurred_at = now() - interval '3 hours'")
    assert run("verify_audit", "--tenant=race") == (
        "race: 0 seals, 0 sealed entries, 1 not sealed yet, the oldest 3 h old: whole\n"
        "  Entries wait to be sealed: is beat running, or an old transaction open?\n"
    )


def test_the_first_broken_row_is_named_and_the_status_is_1(committed_tenant: Tenant) -> None:
    write_sealed(2, 30)
    tamper(
        "UPDATE audit_auditentry SET actor_name = 'x' WHERE id = 2",
        "DELETE FROM audit_auditentry WHERE id > 3",
    )
    told, error = run_broken("verify_audit", "--tenant=race")
    lines = told.splitlines()
    assert lines[:3] == [
        "race: 2 seals, 32 sealed entries: BROKEN",
        "  first: entry 2 was changed after it was sealed (seal 1)",
        "  then: entry 4 was removed after it was sealed (seal 2)",
    ]
    assert (lines[-1], error) == ("  and 10 more", "Broken: race.")


def test_all_logs_are_checked_the_operators_first(committed_tenant: Tenant) -> None:
    write_sealed(1)
    tamper("UPDATE audit_auditentry SET actor_name = 'x'")
    told, error = run_broken("verify_audit")
    names = [line.split(":")[0] for line in told.splitlines() if not line.startswith(" ")]
    assert names == ["public", "acme", "globex", "race"]
    assert error == "Broken: race."


def test_the_result_as_json(committed_tenant: Tenant) -> None:
    write_sealed(2)
    assert json.loads(run("verify_audit", "--tenant=race", "--json")) == {
        "logs": {
            "race": {
                "is_whole": True, "seals": 1, "sealed": 2, "unsealed": 0, "oldest_unsealed_s": None,
                "fault_count": 0, "faults": [],
            }
        },
        "gone": [],
    }  # fmt: skip
    tamper("DELETE FROM audit_auditentry WHERE id = 1")
    told, _ = run_broken("verify_audit", "--tenant=race", "--json")
    assert json.loads(told)["logs"]["race"]["faults"] == [
        {
            "fault": "entry_removed", "seal": 1, "entry": 1,
            "text": "entry 1 was removed after it was sealed (seal 1)",
        }
    ]  # fmt: skip


def export(path: Path, *arguments: str) -> dict[str, Any]:
    """Export heads into a file, and return what it says."""
    path.write_text(run("export_audit_head", *arguments))
    told: dict[str, Any] = json.loads(path.read_text())
    return told


def test_a_log_is_held_to_its_exported_head(committed_tenant: Tenant, tmp_path: Path) -> None:
    write_sealed(2, 1)
    told = export(tmp_path / "head.json", "--tenant=race")
    last = AuditSeal.objects.get(number=2)
    assert (told["format"], told["heads"]) == (
        1,
        [
            {
                "tenant": "race", "number": 2, "hash": last.hash,
                "sealed_at": last.sealed_at.isoformat().replace("+00:00", "Z"),
            }
        ],
    )  # fmt: skip
    arguments = ("verify_audit", "--tenant=race", "--head", str(tmp_path / "head.json"))
    assert run(*arguments) == (
        "race: 2 seals, 3 sealed entries, compared with the exported head: whole\n"
    )
    # The tail is cut, and the log goes on as if nothing had been.
    tamper("TRUNCATE audit_auditseal", "DELETE FROM audit_auditentry WHERE id = 3")
    seal()
    assert run("verify_audit", "--tenant=race") == "race: 1 seal, 2 sealed entries: whole\n"
    told_now, _ = run_broken(*arguments)
    assert told_now.splitlines()[1] == (
        "  first: seal 2, exported as a head, is gone: the end of the chain was cut off"
    )


def test_a_log_that_is_gone_is_missed(committed_tenant: Tenant, tmp_path: Path) -> None:
    write_sealed(1)
    told = export(tmp_path / "head.json", "--tenant=race")
    told["heads"][0]["tenant"] = "former"
    (tmp_path / "head.json").write_text(json.dumps(told))
    out, error = run_broken("verify_audit", "--head", str(tmp_path / "head.json"))
    assert out.splitlines()[-1] == "Logs that are gone: former."
    assert error == "Broken: former."


def test_a_file_without_a_head_of_the_log_is_not_taken_for_a_comparison(
    committed_tenant: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "head.json"
    assert export(path, "--tenant=race")["heads"] == []
    _, error = run_broken("verify_audit", "--tenant=race", "--head", str(path))
    assert error == f"{path} holds no head of race."
    # Of all logs some may be younger than the file.
    write_sealed(1)
    told = run("verify_audit", "--head", str(path)).splitlines()
    assert "race: 1 seal, 1 sealed entry, no exported head to compare with: whole" in told


def test_the_log_of_a_schema_that_is_gone_is_no_other(committed_tenant: Tenant) -> None:
    write_sealed(1)
    tenant_connection().set_schema_to_public()
    ghost = Tenant.objects.create(schema_name="a_ghost", name="No schema")
    try:
        out, error = run_broken("verify_audit")
        one = run_broken("verify_audit", "--tenant=a_ghost")
        heads = json.loads(run("export_audit_head"))["heads"]
    finally:
        Tenant.objects.filter(pk=ghost.pk).delete()
        tenant_connection().set_tenant(committed_tenant)
    assert (out.splitlines()[-1], error) == ("Logs that are gone: a_ghost.", "Broken: a_ghost.")
    assert "a_ghost:" not in out
    assert one == ("", "The schema of 'a_ghost' is gone, and its log with it.")
    assert "a_ghost" not in {head["tenant"] for head in heads}


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2, "exported_at": "x", "heads": []}'])
def test_heads_that_cannot_be_read_are_refused(
    committed_tenant: Tenant, tmp_path: Path, text: str
) -> None:
    (tmp_path / "head.json").write_text(text)
    _, error = run_broken("verify_audit", "--head", str(tmp_path / "head.json"))
    assert error.startswith(f"The heads in {tmp_path / 'head.json'} cannot be read: ")


@pytest.mark.parametrize("command", ["verify_audit", "export_audit_head"])
def test_an_unknown_tenant_is_refused(committed_tenant: Tenant, command: str) -> None:
    assert run_broken(command, "--tenant=nobody") == ("", "There is no tenant 'nobody'.")


def test_a_long_check_shows_how_far_it_is(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("apps.audit.verifying.ENTRIES_AT_ONCE", 1)
    write_sealed(1, 1)
    run("verify_audit", "--tenant=race")
    assert capsys.readouterr().err == ("\rrace: seal 1 of 2   \rrace: seal 2 of 2   \n")
