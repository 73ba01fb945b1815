"""How the endpoints of records are described in OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from apps.crm.models import MergeableRecord
from apps.users.openapi import EndpointSchema

_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: a record that has changed since is left alone (412).",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The revision."
)
_LOCATION = OpenApiParameter(
    "Location",
    str,
    OpenApiParameter.HEADER,
    response=[201, 307],
    description="The address of the new record, or of the one that survives a merged one.",
)
_PROBE = OpenApiParameter(
    "probe",
    bool,
    OpenApiParameter.QUERY,
    description="Write nothing where there are records that may be the same: 409 `look_alikes` names them.",
)
_PARAMETERS = {
    "retrieve": [_ETAG, _LOCATION],
    "create": [_ETAG, _LOCATION],
    "partial_update": [_IF_MATCH, _ETAG],
    "by_external_id": [_ETAG, _LOCATION],
    "upsert": [_IF_MATCH, _ETAG, _LOCATION],
}


class RecordSchema(EndpointSchema):
    """Adds the headers of records and both successful answers of an upsert."""

    view: Any

    @property
    def _may_be_merged(self) -> bool:
        return issubclass(self.view.model, MergeableRecord)

    def get_tags(self) -> list[str]:
        """One chapter per kind of record."""
        return [str(self.view.model._meta.verbose_name_plural)]

    def get_override_parameters(self) -> list[Any]:
        """The headers of the endpoint."""
        found = [*super().get_override_parameters(), *_PARAMETERS.get(self.view.action, [])]
        if self.view.action in {"create", "upsert"} and self._may_be_merged:
            found.append(_PROBE)
        return found

    def get_response_serializers(self) -> Any:
        """What comes back."""
        serializer = self.view.get_serializer_class()
        if self.view.action == "upsert":
            return {200: serializer, 201: serializer}
        if self.view.action in {"retrieve", "by_external_id"} and self._may_be_merged:
            moved = OpenApiResponse(description="It was merged: its survivor stands at `Location`.")
            return {200: serializer, 307: moved}
        return super().get_response_serializers()
