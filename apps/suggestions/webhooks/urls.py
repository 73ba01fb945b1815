"""Routes of webhooks."""

from django.urls import path

from apps.suggestions.webhooks import views

app_name = "webhooks"

urlpatterns = [
    path("", views.list_endpoints, name="endpoint_list"),
    path("new/", views.add_endpoint, name="endpoint_add"),
    path("<int:pk>/", views.show_endpoint, name="endpoint_detail"),
    path("<int:pk>/edit/", views.edit_endpoint, name="endpoint_edit"),
    path("<int:pk>/secret/", views.replace_secret, name="endpoint_secret"),
    path("<int:pk>/switch/", views.switch, name="endpoint_switch"),
    path("<int:pk>/remove/", views.remove_endpoint, name="endpoint_remove"),
    path("<int:pk>/test/", views.send_test, name="endpoint_test"),
    path("<int:pk>/again/", views.send_all_again, name="endpoint_again"),
    path("deliveries/", views.list_deliveries, name="delivery_list"),
    path("deliveries/export.csv", views.export_deliveries, name="delivery_export"),
    path("deliveries/<int:pk>/", views.show_delivery, name="delivery_detail"),
    path("deliveries/<int:pk>/again/", views.send_again, name="delivery_again"),
]
