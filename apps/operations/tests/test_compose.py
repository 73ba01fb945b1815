"""docker-compose.yml and .env.example, held against what the settings read and the commands there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
OURS = ("migrate", "web", "worker", "beat", "changes")


def names_read_by_settings() -> set[str]:
    tree = ast.parse((ROOT / "aisha" / "settings.py").read_text())
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id.startswith("read_")
        and isinstance(node.args[0], ast.Constant)
    }


def names_in_example() -> set[str]:
    return set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))


def names_asked_by_compose() -> dict[str, str]:
    text = (ROOT / "docker-compose.yml").read_text()
    return dict(re.findall(r"\$\{([A-Z][A-Z0-9_]+)([^}]*)\}", text))


def test_the_services_are_those_of_the_production_shape() -> None:
    assert set(SERVICES) == {"db", "broker", *OURS, "proxy"}


def test_the_example_names_all_that_is_read_and_nothing_else() -> None:
    assert names_in_example() == names_read_by_settings() | set(names_asked_by_compose())


def test_no_secret_has_a_default() -> None:
    secrets = {name for name in names_asked_by_compose() if "PASSWORD" in name or "SECRET" in name}
    assert secrets == {
        "DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "AISHA_OWNER_PASSWORD", "AISHA_APP_PASSWORD",
        "REDIS_PASSWORD",
    }  # fmt: skip
    for name in secrets:
        assert names_asked_by_compose()[name].startswith(":?")
        assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE)


@pytest.mark.parametrize("service", OURS)
def test_our_services_get_only_settings_that_exist(service: str) -> None:
    given = set(SERVICES[service]["environment"])
    assert given <= names_read_by_settings()
    assert {"AISHA_ENV", "DJANGO_SECRET_KEY", "DATABASE_URL", "REDIS_URL"} <= given


def test_only_the_migration_has_the_owner_account() -> None:
    holders = {name for name in OURS if "DATABASE_OWNER_URL" in SERVICES[name]["environment"]}
    assert holders == {"migrate"}


@pytest.mark.parametrize("service", sorted(set(SERVICES) - {"migrate"}))
def test_every_lasting_service_is_watched(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_the_commands_are_there() -> None:
    commands = " ".join(SERVICES["migrate"]["command"])
    named = re.findall(r"manage\.py (\w+)", commands)
    assert named == ["migrate_schemas", "prepare_public_host"]
    assert set(named) <= set(get_commands())
    assert SERVICES["worker"]["command"][:4] == ["celery", "-A", "aisha", "worker"]
    assert SERVICES["beat"]["command"][:4] == ["celery", "-A", "aisha", "beat"]


def test_the_files_that_it_mounts_and_builds_are_there() -> None:
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    built = SERVICES["web"]["build"]["dockerfile"]
    for name in [*mounted, built]:
        assert (ROOT / name).is_file()


def test_the_image_holds_all_that_runs() -> None:
    dockerfile = (ROOT / SERVICES["web"]["build"]["dockerfile"]).read_text()
    copied = set(re.findall(r"^COPY (\S+) \S+$", dockerfile, re.MULTILINE))
    assert copied == {"requirements.txt", "manage.py", "aisha", "apps", "templates", "static"}
    assert '"aisha.asgi:application"' in dockerfile
