"""Shape of what people key in on the pages of retention."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from retention.filters import MemberFilter

MOST_PICKED = 200


class ViewForm(forms.Form):
    """A name for the filter on the screen."""

    name = forms.CharField(label=_("Name of this view"), max_length=60)
    query = forms.CharField(widget=forms.HiddenInput, max_length=500, required=False)
    is_shared = forms.BooleanField(label=_("Colleagues see it too"), required=False)

    def clean_name(self) -> str:
        return " ".join(str(self.cleaned_data["name"]).split())

    def clean_query(self) -> str:
        """The filter as the list itself would write it."""
        return MemberFilter.from_query(QueryDict(self.cleaned_data["query"])).address()


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
