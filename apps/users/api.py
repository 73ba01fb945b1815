"""What every endpoint of the API shares: a token may do what its scopes and its person's role allow."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.users.enums import PersonEvent, Scope
from apps.users.exceptions import ScopeMissingError
from apps.users.models import ApiToken
from apps.users.recorders import Details, report


class Endpoint(APIView):
    """The base of every endpoint; a test sees to it.

    ``write_scope`` is what a token needs for everything but reading; None where nothing else can be done.
    """

    write_scope: ClassVar[Scope | None] = None

    def check_permissions(self, request: Request) -> None:
        """Ask for the token's scope, then for what the endpoint itself asks for.

        Raises:
            ScopeMissingError: the token lacks the scope; it is put on record.
        """
        scope = self.required_scope(request.method or "")
        token = request.auth
        if isinstance(token, ApiToken) and scope is not None and scope not in token.scopes:
            error = ScopeMissingError(scope)
            details: Details = {"token_id": token.pk, "code": error.code, "scope": scope.value}
            report(PersonEvent.SCOPE_REFUSED, token.user, details)
            raise error
        super().check_permissions(request)

    def required_scope(self, method: str) -> Scope | None:
        """What a token needs for a method; None for one that the endpoint does not have."""
        return Scope.READ if method in SAFE_METHODS else self.write_scope
