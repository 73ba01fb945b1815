"""Addresses in a mail: absolute, on the tenant's own host, and one that unsubscribes without a sign-in."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from apps.suggestions.digest.exceptions import BrokenLinkError
from apps.tenants.models import Domain, Tenant
from apps.users.models import User

_OWN_PORTS = {"http": 80, "https": 443}


def origin_of(tenant: Tenant) -> str:
    """How every address of the tenant begins: ``https://acme.example.com``.

    Raises:
        Domain.DoesNotExist: the tenant has no host name.
    """
    host = Domain.objects.get(tenant_id=tenant.pk, is_primary=True).domain
    scheme, port = settings.LINK_SCHEME, settings.LINK_PORT
    is_own_port = port in {0, _OWN_PORTS[scheme]}
    return f"{scheme}://{host}" if is_own_port else f"{scheme}://{host}:{port}"


def unsubscribe_path(tenant: Tenant, person: User) -> str:
    """The page on which this person, and nobody else, can be unsubscribed by whoever has the link."""
    return reverse("digest:unsubscribe", args=[_signer(tenant).sign(str(person.pk))])


def person_of_link(tenant: Tenant, token: str) -> User:
    """Whom a link unsubscribes.

    Raises:
        BrokenLinkError: it was not signed for this tenant, or the person is gone.
    """
    try:
        person_id = int(_signer(tenant).unsign(token))
    except (BadSignature, ValueError):
        raise BrokenLinkError() from None
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise BrokenLinkError()
    return person


def _signer(tenant: Tenant) -> Signer:
    # Salted with the schema: ids repeat from tenant to tenant.
    return Signer(salt=f"digest.unsubscribe.{tenant.schema_name}")
