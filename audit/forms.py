"""The filters of /activity/."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from audit import events


class ActivityForm(forms.Form):
    event = forms.ChoiceField(label=_("What"), required=False)
    person = forms.ChoiceField(label=_("Who"), required=False)
    play = forms.ChoiceField(label=_("Play"), required=False)
    about = forms.CharField(
        label=_("Number"),
        required=False,
        max_length=64,
        widget=forms.TextInput(
            attrs={"size": 8, "placeholder": _("of a draft, message …"), "autocomplete": "off"}
        ),
    )
    guest = forms.IntegerField(required=False, widget=forms.HiddenInput)
    from_on = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    to_on = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].choices = [("", _("everything that was done")), *_event_choices()]  # type: ignore[attr-defined]
        self.fields["play"].choices = [("", _("all")), *events.plays()]  # type: ignore[attr-defined]
        self.fields["person"].choices = [("", _("everybody")), *_people(user)]  # type: ignore[attr-defined]


def _event_choices() -> list[tuple[str, Any]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for event in events.known():
        subject, _dot, verb = event.partition(".")
        groups.setdefault(subject, []).append((event, f"{subject}: {verb}".replace("_", " ")))
    return [
        (
            subject.replace("_", " "),
            [(f"{subject}.", f"{subject}: anything".replace("_", " ")), *lines],
        )
        for subject, lines in groups.items()
    ]


def _people(user: Any) -> list[tuple[str, str]]:
    """Colleagues: people of the locations the reader serves."""
    people = get_user_model()._default_manager.all()
    if not user.all_locations:
        people = people.filter(locations__in=user.location_ids()).distinct()
    return [(str(person.pk), str(person)) for person in people[:500]]
