"""Shape of what people type about people."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from memberships.models import Location
from staff.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:  # generic for the type checker only
    UserForm = forms.ModelForm


class PreferencesForm(UserForm):
    class Meta:
        model = User
        fields = ["theme", "single_keys", "alert_mails"]
        labels = {
            "theme": _("Colours"),
            "single_keys": _("Single letters work as keys"),
            "alert_mails": _("Tell me by e-mail when automatic messages are held"),
        }
        help_texts = {
            "alert_mails": _("To your address on file, where you may do something about it."),
            "single_keys": _("Switched off, hold Alt with each letter. Keys rest in text fields."),
        }
        widgets = {"theme": forms.RadioSelect}


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )


class PersonForm(UserForm):
    """A person as an administrator sees them. The limit is typed in whole units of money."""

    limit = forms.DecimalField(
        label=_("May approve offers up to"),
        min_value=0,
        max_value=1_000_000,
        decimal_places=2,
        initial=0,
        help_text=_("Cost of one offer to the business. Above it somebody else must approve."),
    )
    locations = forms.ModelMultipleChoiceField(
        label=_("Locations"),
        queryset=Location.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Administrators serve all of them."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = User
        fields = ["first_name", "last_name", "username", "email", "phone", "role", "is_active"]
        labels = {"is_active": _("May sign in"), "role": _("Role")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["limit"] = Decimal(self.instance.approval_limit_cents) / 100
            self.initial["locations"] = list(self.instance.locations.all())
            self.initial["version"] = self.instance.version
        else:
            del self.fields["is_active"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("role") != User.Role.ADMIN and not cleaned.get("locations"):
            self.add_error("locations", _("Choose at least one location."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """The person's fields as the services take them."""
        names = [name for name in self._meta.fields or [] if name in self.cleaned_data]
        values: dict[str, Any] = {name: self.cleaned_data[name] for name in names}
        values["approval_limit_cents"] = int(self.cleaned_data["limit"] * 100)
        return values
