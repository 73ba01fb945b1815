"""Routes of the digest."""

from django.urls import path

from apps.suggestions.digest import views

app_name = "digest"

urlpatterns = [
    path("", views.show_preview, name="preview"),
    path("mail/", views.show_mail, name="mail"),
    path("send/", views.send, name="send"),
    path("preference/", views.save_preference, name="save_preference"),
    path("schedule/", views.edit_schedule, name="schedule"),
    path("sent/", views.list_sent, name="sent_list"),
    path("sent/export.csv", views.export_sent, name="sent_export"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
