"""What every endpoint of the API shares: the scopes of tokens, and writes that are sent again."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.users.enums import PersonEvent, Scope
from apps.users.exceptions import ScopeMissingError
from apps.users.idempotency import SentWrite, begin_write, end_write, read_write
from apps.users.models import ApiToken
from apps.users.recorders import Details, report
from apps.users.services import person_of


class _AnsweredBeforeError(Exception):
    """Before a write begins: it was done already."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer
        super().__init__()


class Endpoint(APIView):
    """The base of every endpoint; a test sees to it.

    ``write_scope`` is what a token needs for everything but reading; None where nothing else can be done.
    ``keeps_answers`` is False where an answer holds a secret. ``takes_keys`` is False where others are waited
    for, so that no transaction may be open: an ``Idempotency-Key`` says nothing there.
    """

    write_scope: ClassVar[Scope | None] = None
    keeps_answers: ClassVar[bool] = True
    takes_keys: ClassVar[bool] = True

    _write: SentWrite | None = None
    _transaction: ExitStack

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer; a write with a key and what is kept of its answer are one transaction."""
        with ExitStack() as self._transaction:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may, and find out whether it was done before."""
        super().initial(request, *args, **kwargs)
        write = read_write(request, person_of(request)) if self.takes_keys else None
        if write is None:
            return
        self._transaction.enter_context(transaction.atomic())
        answer = begin_write(write, timezone.now())
        if answer is not None:
            raise _AnsweredBeforeError(answer)
        self._write = write

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

    def handle_exception(self, exc: Exception) -> Response:
        """What was done before is answered as it was then."""
        if isinstance(exc, _AnsweredBeforeError):
            return exc.answer  # type: ignore[return-value]
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Keep the answer of a write with a key."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self._write is not None:
            end_write(self._write, answer, timezone.now(), keeps_body=self.keeps_answers)
        return answer

    def required_scope(self, method: str) -> Scope | None:
        """What a token needs for a method; None for one that the endpoint does not have."""
        return Scope.READ if method in SAFE_METHODS else self.write_scope
