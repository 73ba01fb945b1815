"""What can go wrong with predictions, each with a stable code."""

from __future__ import annotations

from apps.tenants.exceptions import AishaError


class PredictionError(AishaError):
    """The base of this app's errors."""

    code = "prediction"


class DocumentRefusedError(PredictionError):
    """A stored model is not what was stored, or not what this version reads; nothing is scored with it.

    ``fault`` tells the faults apart for programs: ``digest``, ``too_large``, ``unpacked``, ``format``.
    """

    code = "model_document_refused"
    status = 500

    def __init__(self, fault: str, message: str) -> None:
        self.fault = fault
        super().__init__(message)


class ExamplesRefusedError(PredictionError):
    """From a table nothing can be learned or judged, whatever is done; the message says why."""

    code = "examples_refused"
    status = 422


class ExportRefusedError(PredictionError):
    """A file of deals lacks a column, or holds what cannot be read; the message says where."""

    code = "deals_refused"
    status = 422


class ScoringBusyError(PredictionError):
    """Somebody else scores the same prediction, and for longer than one waits."""

    code = "scoring_busy"
    status = 409
    message = "Somebody is scoring this already. Ask again when that is done."


class NothingServesError(PredictionError):
    """No model of the prediction is in service, so there is nothing to score with."""

    code = "nothing_serves"
    status = 409
    message = "No model is in service: nothing beats the base rate so far."


class ModelPermissionError(PredictionError):
    """The person's role does not include choosing models."""

    code = "model_permission"
    status = 403
    message = "Your role does not include choosing models. Nothing was changed."


class ModelStateError(PredictionError):
    """The model is not in a state in which this can be done to it."""

    code = "model_state"
    status = 409


class ModelNotFoundError(PredictionError):
    """The prediction has no model of this number."""

    code = "model_not_found"
    status = 404

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no model {number} of this prediction.")


class RunPermissionError(PredictionError):
    """The person's role does not include starting and stopping runs."""

    code = "run_permission"
    status = 403
    message = "Your role does not include starting and stopping this. Nothing was done."


class NothingToTrainError(PredictionError):
    """The prediction is a formula."""

    code = "nothing_to_train"
    status = 422
    message = "Engagement is a formula: there is nothing to train."


class PredictionMissingError(PredictionError):
    """A training or scoring was asked for without saying of which prediction."""

    code = "prediction_missing"
    status = 422
    message = "Say which prediction is to be trained or scored."


class NothingToExplainError(PredictionError):
    """The record is not asked about at present, or no model is in service."""

    code = "nothing_to_explain"
    status = 409
    message = (
        "There is nothing to explain: the record is not asked about, or no model is in service."
    )


class TrialPermissionError(PredictionError):
    """The person's role does not include trying predictions on a file."""

    code = "trial_permission"
    status = 403
    message = "Your role does not include trying predictions on a file. Nothing was done."


class TrialsBusyError(PredictionError):
    """Too many trials of the company wait or work."""

    code = "trials_busy"
    status = 409
    message = "Other trials are under way. Ask again when one of them is done."


class UploadGoneError(PredictionError):
    """The uploaded file is not there any more, or was another person's."""

    code = "upload_gone"
    status = 410
    message = "The uploaded file is not there any more. Upload it again."
