"""The rules of the house that code can be held to: who imports whom, what lies where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps as django_apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)

# The one import direction (docs/architecture.md): an app knows only those above it.
ROOMS = (
    "tenants", "users", "audit", "crm", "execution", "brain", "predictions",
    "duplicates", "triggers", "suggestions", "assistant", "realtime",
    "dashboard", "operations",
)  # fmt: skip

TOP_LEVEL = {
    "aisha", "apps", "templates", "static", "stubs", "docs", "bench", ".ci", "manage.py",
    "requirements.txt", "requirements-dev.txt", "pytest.ini", "pyproject.toml", "Makefile",
    "docker-compose.yml", "README.md", "LICENSE", ".gitignore", ".env.example", ".dockerignore",
}  # fmt: skip
# What tools and runs leave behind; none of it is kept in the repository.
LEFT_BEHIND = {
    ".git", ".venv", ".aisha", ".env", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis", "__pycache__",
}  # fmt: skip

# Names under which anything can hide.
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "core", "common", "misc", "base", "shared"}
NAMES_WITH_A_MEANING = {
    "apps/execution/tools/base.py": "the class that every tool is made of",
}

# Each place that may catch everything, and why nothing narrower would do.
BROAD_EXCEPTS = {
    "apps/crm/importing/services.py": "cleans up after an import, then raises on",
    "apps/operations/management/commands/bench.py": "one failed measure must not hide the others",
    "apps/suggestions/services/bulk.py": "one failing suggestion must not stop the others",
    "apps/tenants/work/runs.py": "notes that the work failed, then raises on",
    "apps/triggers/pairing.py": "a scan looks for all else where records cannot be compared",
    "apps/triggers/followers.py": "what one leaves undone the next round makes up for",
    "apps/triggers/figures.py": "one failing trigger must not stop the others",
    "apps/triggers/looks.py": "one failing trigger must not stop the others",
    "apps/triggers/reading/services.py": "one odd text must not keep scans from all the others",
    "apps/triggers/replay/services.py": "whatever is wrong with a trigger is told to who asked",
    "apps/triggers/services.py": "one failing trigger must not stop the others",
    "apps/users/sockets.py": "who cannot be asked for, whatever the reason, hears no more",
}

SIGNAL_MODULES = (
    "django.dispatch", "django.db.models.signals", "django.db.backends.signals",
    "django.core.signals", "django.contrib.auth.signals",
)  # fmt: skip
# Django's own signals may be listened to; our apps do not signal each other.
SIGNAL_LISTENERS = {
    "apps/operations/apps.py": "Django tells when a schema has been migrated",
}

MAX_FILE_BYTES = 1_000_000
# "About 400", with a fifth of grace.
MAX_LINES = 480


def python_files(folder: str = "apps") -> list[Path]:
    """Every Python file of ours but the migrations."""
    return [
        path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts
    ]


def is_test(path: Path) -> bool:
    return "tests" in path.parts or path.name == "conftest.py"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported_names(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that the file imports, at its top or inside a function, with the line."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            inside = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*inside, *filter(None, [node.module])])
            yield node.lineno, module
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def back_edge(importer: str, module: str, *, is_in_test: bool) -> str | None:
    """Say what is wrong with ``importer``'s app importing ``module``; None when nothing is."""
    parts = module.split(".")
    if parts[0] == "stubs":
        return "stubs are for tests" if not is_in_test else None
    if parts[0] == "aisha":
        is_open = is_in_test or module.startswith("aisha.environment") or importer == "operations"
        return None if is_open else "the project's own package stands below every app"
    if parts[0] != "apps" or len(parts) < 2 or parts[1] == "conftest":
        return (
            "only tests import fixtures" if parts[1:2] == ["conftest"] and not is_in_test else None
        )
    if "tests" in parts[2:] and not is_in_test:
        return "only tests import tests"
    if parts[1] not in ROOMS:
        return f"{parts[1]} is no room"
    # A test may look at what its app's work leaves in rooms below: a sign-in's audit entry.
    if not is_in_test and ROOMS.index(parts[1]) > ROOMS.index(importer):
        return f"{parts[1]} stands below {importer}"
    return None


def test_the_rooms_are_the_apps() -> None:
    folders = {path.name for path in (ROOT / "apps").iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders == set(ROOMS)
    installed = {config.label for config in django_apps.get_app_configs()}
    assert set(ROOMS) <= installed


def test_an_app_imports_only_from_those_above_it() -> None:
    wrong = []
    for room in ROOMS:
        for path in python_files(f"apps/{room}"):
            for line, module in imported_names(path):
                reason = back_edge(room, module, is_in_test=is_test(path))
                if reason:
                    wrong.append(f"{name_of(path)}:{line} imports {module}: {reason}")
    assert wrong == []


@pytest.mark.parametrize(
    ("importer", "module", "is_in_test", "is_wrong"),
    [
        ("crm", "apps.users.models", False, False),
        ("crm", "apps.triggers", False, True),
        ("crm", "apps.triggers.models.Signal", False, True),
        ("crm", "apps.triggers.models.Signal", True, False),
        ("triggers", "apps.crm.tests.factories", True, False),
        ("triggers", "apps.crm.tests.factories", False, True),
        ("tenants", "apps.conftest", True, False),
        ("tenants", "apps.conftest", False, True),
        ("operations", "apps.suggestions", False, False),
        ("crm", "apps.helpers", False, True),
        ("crm", "aisha.settings", False, True),
        ("crm", "stubs.openai", False, True),
    ],
)
def test_the_walk_itself_knows_right_from_wrong(
    importer: str, module: str, is_in_test: bool, is_wrong: bool
) -> None:
    assert (back_edge(importer, module, is_in_test=is_in_test) is not None) == is_wrong


def test_a_model_refers_only_to_models_above_it() -> None:
    wrong = []
    for room in ROOMS:
        for model in django_apps.get_app_config(room).get_models(include_auto_created=True):
            for field in model._meta.get_fields():
                target = getattr(field, "related_model", None)
                if field.auto_created or target is None or isinstance(target, str):
                    continue
                label = target._meta.app_label
                if label in ROOMS and ROOMS.index(label) > ROOMS.index(room):
                    wrong.append(f"{model._meta.label}.{field.name} → {target._meta.label}")
    assert wrong == []


def test_the_top_level_is_fixed() -> None:
    assert {path.name for path in ROOT.iterdir()} - LEFT_BEHIND - TOP_LEVEL == set()


def test_no_file_hides_behind_an_empty_name() -> None:
    found = {
        name_of(path)
        for path in python_files()
        if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES
    }
    assert found == set(NAMES_WITH_A_MEANING)


def test_a_file_exists_only_when_it_has_content() -> None:
    empty = []
    for path in [*python_files(), *python_files("aisha")]:
        body = ast.parse(path.read_text()).body
        only_words = all(
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
        )
        if only_words and path.name != "__init__.py":
            empty.append(name_of(path))
    assert empty == []


def test_long_files_are_split_by_noun() -> None:
    lengths = {name_of(path): path.read_text().count("\n") for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_an_app_has_either_the_file_or_the_folder() -> None:
    both = [
        name_of(path)
        for path in python_files()
        if path.with_suffix("").is_dir() and path.name != "__init__.py"
    ]
    assert both == []


def test_no_file_is_larger_than_a_megabyte() -> None:
    large = []
    for top in sorted(TOP_LEVEL):
        start = ROOT / top
        paths = [start] if start.is_file() else start.rglob("*")
        large += [
            name_of(path)
            for path in paths
            if path.is_file()
            and "__pycache__" not in path.parts
            and path.stat().st_size > MAX_FILE_BYTES
        ]
    assert large == []


def test_our_apps_do_not_signal_each_other() -> None:
    found = {
        name_of(path)
        for path in [*python_files(), *python_files("aisha")]
        if not is_test(path)
        for _, module in imported_names(path)
        if module.startswith(SIGNAL_MODULES)
    }
    assert found == set(SIGNAL_LISTENERS)


def test_everything_is_caught_only_where_listed() -> None:
    found = set()
    for path in [*python_files(), *python_files("aisha")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node):
                found.add(name_of(path))
    assert found == set(BROAD_EXCEPTS)


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"} for kind in caught
    )


def test_no_database_error_is_caught_inside_its_own_transaction() -> None:
    """PostgreSQL refuses every statement after an error, until the block or a savepoint is left."""
    wrong = []
    for path in python_files():
        if is_test(path):
            continue
        for block in ast.walk(ast.parse(path.read_text())):
            if opens_transaction(block):
                tries = [node for node in ast.walk(block) if isinstance(node, ast.Try)]
                wrong += [f"{name_of(path)}:{node.lineno}" for node in tries if is_unsafe(node)]
    assert wrong == []


def opens_transaction(node: ast.AST) -> bool:
    if not isinstance(node, ast.With):
        return False
    names = {ast.unparse(item.context_expr).split("(")[0] for item in node.items}
    return bool(names & {"transaction.atomic", "acting", "taking_role"})


def is_unsafe(node: ast.Try) -> bool:
    """Whether it catches an error of the database without a savepoint around the statement."""
    caught = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
    errors = ("DatabaseError", "IntegrityError", "OperationalError", "DataError")
    has_savepoint = all(opens_transaction(statement) for statement in node.body)
    return any(name in caught for name in errors) and not has_savepoint


def test_migrations_are_named() -> None:
    unnamed = [
        name_of(path)
        for path in sorted((ROOT / "apps").rglob("migrations/*.py"))
        if "_auto_" in path.name
    ]
    assert unnamed == []
