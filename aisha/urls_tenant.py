"""The URL map of a tenant's host."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from aisha.sites import tenant_site
from apps.operations.errors import refuse_unknown_endpoint
from apps.operations.openapi import DescriptionView, DocsView

urlpatterns: list[URLPattern | URLResolver] = [
    # What has a first word of its own is passed over by one look at it; of the others each address is tried.
    path("suggestions/", include("apps.suggestions.urls")),
    path("discovered/", include("apps.suggestions.discoveries.urls")),
    path("insights/learning/", include("apps.suggestions.learning.urls")),
    path("digest/", include("apps.suggestions.digest.urls")),
    path("webhooks/", include("apps.suggestions.webhooks.urls")),
    path("assistant/", include("apps.assistant.urls")),
    path("realtime/", include("apps.realtime.urls")),
    path("brain/cost/", include("apps.suggestions.cost_urls")),
    path("brain/", include("apps.brain.urls")),
    path("audit/", include("apps.audit.urls")),
    path("demo/mailbox/", include("apps.operations.mailbox.urls")),
    path("admin/", tenant_site.urls),
    path("api/schema/", DescriptionView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="docs"),
    path("api/ai/", include("apps.realtime.urls_ai")),
    re_path(r"^api/ai/", refuse_unknown_endpoint, name="unknown_endpoint"),
    path("api/v1/", include("aisha.urls_api")),
    path("", include("apps.dashboard.urls")),
    path("", include("apps.users.urls")),
    path("", include("apps.crm.urls")),
    path("", include("apps.triggers.urls")),
    path("", include("apps.predictions.urls")),
    path("", include("apps.duplicates.urls")),
]

handler500 = "apps.operations.errors.answer_fault"
