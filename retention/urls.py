from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from retention import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("members/", views.members, name="members"),
    path("members/drafts/", views.request_drafts, name="members-draft"),
    path("members/views/", views.save_view, name="member-view-save"),
    path("members/views/<int:view_id>/remove/", views.drop_view, name="member-view-drop"),
    path("members/<int:guest_id>/", views.member, name="member"),
    path("members/<int:guest_id>/timeline/", views.timeline, name="member-timeline"),
    path("overview/", views.overview, name="overview"),
]
