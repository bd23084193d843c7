"""What /settings/ lists. The pages themselves belong to their apps; here is only where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from staff.models import User


@dataclass(frozen=True)
class SettingsPage:
    url_name: str
    title: Any
    text: Any
    permission: str  # empty: everybody
    icon: str

    @property
    def url(self) -> str:
        try:
            return reverse(self.url_name)
        except NoReverseMatch:
            return ""

    def opens_for(self, user: User) -> bool:
        """Whether the person may open it, and this deployment has it."""
        return bool(self.url) and (not self.permission or user.has_perm(self.permission))


PAGES = [
    SettingsPage(
        "settings-offers",
        _("Offers"),
        _("What may be offered, what it costs, who may get it"),
        "outreach.propose_library",
        "gift",
    ),
    SettingsPage(
        "settings-templates",
        _("Texts"),
        _("Approved words with named fields"),
        "outreach.propose_library",
        "message-square-text",
    ),
    SettingsPage(
        "settings-wording",
        _("Who words the texts"),
        _("The library alone, or a machine within its bounds, by play"),
        "outreach.view_library",
        "pen-line",
    ),
    SettingsPage(
        "settings-steps",
        _("Sequences"),
        _("What follows a play's first message, after how long, and what ends it early"),
        "outreach.propose_library",
        "list-ordered",
    ),
    SettingsPage(
        "settings-thresholds",
        _("Bands"),
        _("From which score a member or a booking counts as high"),
        "risk.change_thresholds",
        "gauge",
    ),
    SettingsPage(
        "settings-inputs",
        _("Facts left out"),
        _("What scores may not use, for everybody or for one guest"),
        "risk.change_thresholds",
        "eye-off",
    ),
    SettingsPage(
        "settings-automation",
        _("Automation"),
        _("How far each play may act by itself at each location, and what holds it"),
        "outreach.view_library",
        "bot",
    ),
    SettingsPage(
        "settings-policy",
        _("Writing to guests"),
        _("Own hours, waiting time, limits per guest, money"),
        "outreach.view_library",
        "shield-check",
    ),
    SettingsPage(
        "settings-hours",
        _("Calling hours"),
        _("When the law of each country and state lets a guest be called or written to"),
        "outreach.view_library",
        "clock",
    ),
    SettingsPage(
        "settings-calls",
        _("Call list"),
        _("Rows a day, how far it looks ahead, how often a number is tried"),
        "outreach.change_policy",
        "phone",
    ),
    SettingsPage(
        "settings-people",
        _("People"),
        _("Who works here, in which role and where"),
        "staff.manage_people",
        "users-round",
    ),
    SettingsPage(
        "preferences",
        _("Preferences"),
        _("Colours and keys, your second factor"),
        "",
        "sliders-horizontal",
    ),
]
