"""Routes of the assistant."""

from django.urls import path

from apps.assistant.views import speech, talking

app_name = "assistant"

urlpatterns = [
    path("", talking.show_assistant, name="assistant"),
    path("panel/", talking.show_panel, name="panel"),
    path("conversations/", talking.list_or_begin, name="conversations"),
    path("conversations/forget/", talking.forget_all, name="forget_all"),
    path("conversations/<int:pk>/", talking.show_conversation, name="conversation"),
    path("conversations/<int:pk>/messages/", talking.say, name="say"),
    path("conversations/<int:pk>/delete/", talking.delete, name="delete"),
    path("messages/<int:pk>/", talking.show_message, name="message"),
    path("transcriptions/", speech.transcribe_recording, name="transcriptions"),
]
