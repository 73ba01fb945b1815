"""The URL map of the public host: the landing page and the operator's admin."""

from django.urls import URLPattern, URLResolver, path

from aisha.sites import operator_site
from apps.tenants.views import show_landing

urlpatterns: list[URLPattern | URLResolver] = [
    path("", show_landing, name="landing"),
    path("admin/", operator_site.urls),
]

handler500 = "apps.operations.errors.answer_fault"
