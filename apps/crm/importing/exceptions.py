"""What can go wrong with an import as a whole. A bad row is no error here: it is a ``RowProblem``."""

from __future__ import annotations

from apps.crm.exceptions import CrmError


class ImportingError(CrmError):
    """The base of the importer's errors; whatever is raised, nothing has been imported."""

    code = "import"
    message = "The file was not imported."


class FileRefusedError(ImportingError):
    """The file as a whole cannot be read as a table: wrong kind, encoding, delimiter or shape.

    ``fault`` tells the faults apart for programs and tests; the message tells a person what to do.
    """

    code = "import_file_refused"
    status = 422

    def __init__(self, fault: str, message: str) -> None:
        self.fault = fault
        super().__init__(message)


class FileTooLargeError(FileRefusedError):
    """The file is larger than ``settings.IMPORT_MAX_BYTES``."""

    code = "import_file_too_large"
    status = 413

    def __init__(self, limit_bytes: int) -> None:
        limit = (
            f"{limit_bytes / 1024 / 1024:,.0f} MB"
            if limit_bytes >= 1024 * 1024
            else f"{limit_bytes:,} bytes"
        )
        super().__init__(
            "too_large",
            f"The file is larger than {limit}, the most that one import takes. Split it.",
        )


class MappingError(ImportingError):
    """The mapping names columns or fields that do not exist, or leaves out what a record needs."""

    code = "import_mapping"
    status = 422


class ImportBusyError(ImportingError):
    """Another import of this kind of record is running for this tenant."""

    code = "import_busy"
    status = 409

    def __init__(self, kind_label: str) -> None:
        super().__init__(
            f"Another import of the kind “{kind_label}” is running for this company. Wait until it is over."
        )


class ImportCancelledError(ImportingError):
    """A person pressed cancel."""

    code = "import_cancelled"
    status = 409
    message = "The import was cancelled. Nothing was imported."


class RunStateError(ImportingError):
    """The run is not in a state that allows this, for example starting one that has finished."""

    code = "import_run_state"
    status = 409
