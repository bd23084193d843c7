"""Shape of what people key in on the pages of retention."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from retention.models import SavedView

MOST_PICKED = 200


class ViewForm(forms.ModelForm[SavedView]):
    """A name for the filter on the screen."""

    class Meta:
        model = SavedView
        fields = ["name", "query", "is_shared"]
        labels = {"name": _("Name of this view"), "is_shared": _("Colleagues see it too")}
        widgets = {"query": forms.HiddenInput}

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())


class PickedGuests(forms.Form):
    """The guests ticked in the list."""

    guest = forms.TypedMultipleChoiceField(coerce=int)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        offered = data.getlist("guest")
        field = self.fields["guest"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(v, v) for v in offered if v.isascii() and v.isdigit() and len(v) < 19]
        field.error_messages = {
            "required": _("Nobody is ticked. Tick the people first."),
            "invalid_choice": _("One of the ticks is not a person of this list."),
        }

    def clean_guest(self) -> list[int]:
        guests = list(dict.fromkeys(self.cleaned_data["guest"]))
        if len(guests) > MOST_PICKED:
            raise forms.ValidationError(
                _("Tick at most %(most)d people at once."), params={"most": MOST_PICKED}
            )
        return guests
