"""Why the demo was not set up."""

from __future__ import annotations

from http import HTTPStatus

from apps.tenants.exceptions import AishaError


class DemoError(AishaError):
    """The base of all errors of the demo."""

    code = "demo_error"
    message = "The demo could not be set up."
    status = HTTPStatus.CONFLICT


class DemoRefusedError(DemoError):
    """This is a production system."""

    code = "demo_refused"
    message = (
        "The demo has logins that everybody knows: it is not set up when AISHA_ENV=production."
    )


class ForeignTenantError(DemoError):
    """A tenant with the demo's name holds data that the demo did not make."""

    code = "demo_foreign_tenant"

    def __init__(self, schema: str) -> None:
        super().__init__(
            f"The tenant {schema!r} holds data that the demo did not make; nothing was touched. "
            "Use another database for the demo."
        )


class ScanFailedError(DemoError):
    """The scan of a demo tenant did not succeed."""

    code = "demo_scan_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The demo's scan did not succeed: {reason}")


class ImportIncompleteError(DemoError):
    """The importer did not take every row of the demo's files."""

    code = "demo_import_incomplete"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, kind: str, taken: int, given: int) -> None:
        super().__init__(f"Of {given} rows ({kind}) the importer took {taken}; nothing was kept.")
