"""Routes of the demo's mailbox."""

from django.urls import path

from apps.operations.mailbox import views

app_name = "mailbox"

urlpatterns = [
    path("", views.list_mails, name="mail_list"),
    path("<str:name>/", views.show_mail, name="mail_detail"),
    path("<str:name>/html/", views.show_html, name="mail_html"),
]
