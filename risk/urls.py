from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from risk import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/thresholds/", views.thresholds, name="settings-thresholds"),
    path("settings/inputs/", views.inputs, name="settings-inputs"),
    path("settings/inputs/<int:pk>/", views.include_input, name="settings-input-include"),
    path("quality/", views.quality, name="quality"),
    path("quality/roll-back/", views.roll_back, name="quality-roll-back"),
    path(
        "quality/<str:target>-<str:kind>-<str:scheme>.svg",
        views.quality_chart,
        name="quality-chart",
    ),
]
