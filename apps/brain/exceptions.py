"""What can go wrong when the Brain is asked."""

from apps.tenants.exceptions import AishaError


class BrainError(AishaError):
    """The base of this app's errors."""

    code = "brain"
    status = 500


class ModeNotOfferedError(BrainError):
    """The provider cannot work in this mode."""

    code = "mode_not_offered"
    status = 422
    message = "The built-in rules propose changes; they do not answer questions."
