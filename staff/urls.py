from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from staff import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("kept/", views.kept_form, name="kept"),
    path("session/", views.session, name="session"),
    path("second-factor/", views.show_second_factor, name="second-factor"),
    path("second-factor/set-up/", views.set_up_second_factor, name="second-factor-set-up"),
    path("set-password/<str:uid>/<str:token>/", views.set_password, name="set-password"),
    path("preferences/", views.preferences, name="preferences"),
    path("settings/", views.settings_index, name="settings"),
    path("settings/people/", views.people, name="settings-people"),
    path("settings/people/add/", views.add_person, name="settings-person-add"),
    path("settings/people/<int:pk>/", views.person, name="settings-person"),
    path("settings/people/<int:pk>/link/", views.person_link, name="settings-person-link"),
    path(
        "settings/people/<int:pk>/second-factor/",
        views.person_second_factor,
        name="settings-person-second-factor",
    ),
]
