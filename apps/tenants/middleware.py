"""Finds the tenant by host name before anything else runs."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django_tenants.middleware.main import TenantMainMiddleware

from apps.tenants.connections import tenant_connection
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.statements import NAME_PLACE, OneRow


@cache
def _tenant_of_host() -> OneRow[Tenant]:
    gates = ModuleGate.objects.filter(tenant=OuterRef("pk"), is_on=True)
    modules_on = ArraySubquery(gates.order_by().values("module"))
    tenants = Tenant.objects.filter(domains__domain=NAME_PLACE.mark).annotate(modules_on=modules_on)
    return OneRow.of(tenants, NAME_PLACE, besides=["modules_on"])


class TenantMiddleware(TenantMainMiddleware):  # type: ignore[misc]
    """Selects the tenant's schema from the host name; an unknown or disabled host gets a 404 page.

    The page is rendered while the connection stands in the public schema, so nothing of a tenant can
    be in it.
    """

    def get_tenant(self, domain_model: Any, hostname: str) -> Tenant:
        """The tenant of a host with the modules that are on for it, in one statement."""
        tenant = _tenant_of_host().read(hostname)
        if tenant is None:
            raise domain_model.DoesNotExist
        tenant.modules_on = frozenset(tenant.modules_on)
        return tenant

    def no_tenant_found(self, request: HttpRequest, hostname: str) -> HttpResponse:
        """Answer for a host name that belongs to nobody."""
        request.urlconf = "aisha.urls_public"
        page = render_to_string("404.html", {"unknown_host": hostname, "is_public": True})
        return HttpResponse(page, status=404)

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Set the schema and the URL map; a disabled tenant looks like an unknown host."""
        response: HttpResponse | None = super().process_request(request)
        if response is not None:
            return response
        tenant = request.tenant  # type: ignore[attr-defined]
        if not tenant.is_enabled:
            tenant_connection().set_schema_to_public()
            return self.no_tenant_found(request, tenant.domain_url)
        return None
