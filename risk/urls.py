from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from risk import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/thresholds/", views.thresholds, name="settings-thresholds"),
]
