"""Routes of the scans."""

from django.urls import path

from apps.triggers import views

app_name = "triggers"

urlpatterns = [
    path("", views.list_scans, name="scan_list"),
    path("start/", views.start_scan, name="scan_start"),
    path("<int:pk>/", views.show_scan, name="scan_detail"),
]
