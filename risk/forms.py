"""Shape of what people type about bands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from memberships.models import Guest
from risk.causes import label_of
from risk.models import Band, Target
from risk.scoring import chance_at
from risk.selectors import plain_chance, thresholds
from risk.targets import DECLARATIONS


class ThresholdsForm(forms.Form):
    """From which score each band of one target begins. Low takes what is left below Watch."""

    watch = forms.IntegerField(label=_("Watch from"), min_value=1, max_value=100)
    high = forms.IntegerField(label=_("High from"), min_value=1, max_value=100)
    very_high = forms.IntegerField(label=_("Very high from"), min_value=1, max_value=100)

    def __init__(self, data: QueryDict | None, *, target: str) -> None:
        now = thresholds(target)
        super().__init__(
            data, initial={name: now[name] for name in self.base_fields}, prefix=target
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        rising = [cleaned.get(name) for name in self.base_fields]
        known = [value for value in rising if value is not None]
        if len(known) == len(rising) and sorted(set(known)) != known:
            raise forms.ValidationError(
                _("Each band must begin above the one before it: Watch, High, Very high.")
            )
        return cleaned

    def begins(self) -> dict[str, int]:
        """The cleaned values by band."""
        return {str(Band(name)): self.cleaned_data[name] for name in self.base_fields}


class ExclusionForm(forms.Form):
    """An input to leave out of the scores of everybody, or of the guest with this code."""

    what = forms.ChoiceField(label=_("Fact"))
    code = forms.CharField(
        label=_("Guest's code"),
        required=False,
        max_length=64,
        help_text=_("Leave it empty for everybody: then nothing is learned from the fact either."),
    )
    reason = forms.CharField(label=_("Why"), max_length=200)

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data)
        what = self.fields["what"]
        assert isinstance(what, forms.ChoiceField)
        what.choices = [
            (str(Target(target).label), [(f"{target}:{one.name}", label_of(one)) for one in inputs])
            for target, inputs in (
                (target, declaration.inputs) for target, declaration in DECLARATIONS.items()
            )
        ]

    def clean_code(self) -> int | None:
        """The guest's id; None for everybody."""
        code = self.cleaned_data["code"].strip()
        if not code:
            return None
        found = list(Guest.objects.filter(code=code).values_list("pk", flat=True)[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                _("No guest has this code.") if not found else _("Several guests have this code.")
            )
        return int(found[0])

    def chosen(self) -> dict[str, Any]:
        """What `services.exclude_input` takes."""
        target, _colon, name = self.cleaned_data["what"].partition(":")
        return {
            "target": target,
            "name": name,
            "guest_id": self.cleaned_data["code"],
            "reason": self.cleaned_data["reason"],
        }


class ChurnThresholdsForm(ThresholdsForm):
    """A churn score stands for a chance; the help texts say which."""

    def __init__(self, data: QueryDict | None, *, target: str) -> None:
        super().__init__(data, target=target)
        for name, field in self.fields.items():
            chance = plain_chance(chance_at(min(self.initial[name], 99)))
            field.help_text = _("Now: %(chance)s leave within 60 days at this score.") % {
                "chance": chance
            }


class BookingThresholdsForm(ThresholdsForm):
    """A booking's score is its chance in percent."""

    def __init__(self, data: QueryDict | None, *, target: str) -> None:
        super().__init__(data, target=target)
        for name, field in self.fields.items():
            field.help_text = _("Now: %(chance)s fall through at this score.") % {
                "chance": plain_chance(self.initial[name] / 100)
            }
