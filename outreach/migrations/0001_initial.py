import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.fields.json
from django.conf import settings
from django.db import migrations, models

import outreach.models.library


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("memberships", "0001_initial"),
        ("platforms", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "guest",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="contact",
                        serialize=False,
                        to="memberships.guest",
                    ),
                ),
                ("last_at", models.DateTimeField()),
                ("outbox_id", models.UUIDField()),
                ("before_at", models.DateTimeField(null=True)),
                ("before_outbox_id", models.UUIDField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Cap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("location_day", "location and day"),
                            ("play_month", "play and month"),
                            ("business_month", "business and month"),
                        ],
                        max_length=15,
                    ),
                ),
                ("key", models.CharField(max_length=60)),
                ("period", models.CharField(max_length=10)),
                ("limit_cents", models.BigIntegerField()),
                ("reserved_cents", models.BigIntegerField(default=0)),
                ("spent_cents", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("scope", "key", "period"), name="one_cap_per_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reserved_cents__gte", 0), ("spent_cents__gte", 0)),
                        name="cap_amounts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "limit_cents__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("reserved_cents"), "+", models.F("spent_cents")
                                ),
                            )
                        ),
                        name="cap_never_exceeded",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("upgrade", "complimentary upgrade"),
                            ("percent", "percentage off"),
                            ("amount", "amount off"),
                            ("credit", "account credit"),
                            ("service", "included service"),
                            ("pause", "pause without fee"),
                            ("none", "no offer, words only"),
                        ],
                        max_length=10,
                    ),
                ),
                ("wording", models.CharField(blank=True, max_length=160)),
                ("translations", models.JSONField(blank=True, default=dict)),
                ("percent", models.SmallIntegerField(blank=True, null=True)),
                ("amount_cents", models.BigIntegerField(blank=True, null=True)),
                ("paid_by_manufacturer", models.BooleanField(default=False)),
                ("cost_cents", models.BigIntegerField()),
                (
                    "plays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "causes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "plan_kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=15),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("min_tenure_days", models.IntegerField(default=0)),
                ("again_after_days", models.IntegerField(default=180)),
                ("valid_days", models.IntegerField(default=30)),
                ("rank", models.SmallIntegerField(default=50)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("active", "active"),
                            ("retired", "retired"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("version", models.IntegerField(default=1)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.SmallIntegerField(blank=True, null=True)),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("offer_terms", models.JSONField(blank=True, default=dict)),
                ("cost_cents", models.BigIntegerField(default=0)),
                ("subject", models.CharField(blank=True, max_length=160)),
                ("body", models.TextField()),
                ("library_subject", models.CharField(blank=True, max_length=160)),
                ("library_body", models.TextField()),
                ("fields", models.JSONField(blank=True, default=dict)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                ("checks", models.JSONField(blank=True, default=list)),
                (
                    "group",
                    models.CharField(
                        choices=[
                            ("needs_care", "needs care"),
                            ("changed", "changed text"),
                            ("library", "library text as is"),
                        ],
                        default="library",
                        max_length=10,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "to decide"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("expired", "expired"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("version", models.IntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                (
                    "writers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "rejection",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("person", "wrong person"),
                            ("offer", "wrong offer"),
                            ("words", "wrong words"),
                            ("not_now", "not now"),
                        ],
                        max_length=10,
                    ),
                ),
                ("rejection_note", models.CharField(blank=True, max_length=300)),
                ("approval_hash", models.CharField(blank=True, max_length=64)),
                ("worded_at", models.DateTimeField(blank=True, null=True)),
                ("worded_by", models.CharField(blank=True, max_length=80)),
                ("prompt_version", models.CharField(blank=True, max_length=10)),
                ("wording_note", models.CharField(blank=True, max_length=200)),
                ("wording_until", models.DateTimeField(blank=True, null=True)),
                ("wording_tries", models.SmallIntegerField(default=0)),
                ("shaped_by_guest_text", models.BooleanField(default=False)),
                ("automatic_rule", models.CharField(blank=True, max_length=80)),
                (
                    "appointment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.appointment",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "edited_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="drafts",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.membership",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="outreach.offer",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OutreachPolicy",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("outgoing_minutes", models.IntegerField(default=5)),
                ("hold_minutes", models.IntegerField(default=60)),
                ("weekly_cap", models.IntegerField(default=2)),
                ("approval_hours", models.IntegerField(default=72)),
                ("quiet_from", models.TimeField(default=datetime.time(20, 0))),
                ("quiet_until", models.TimeField(default=datetime.time(9, 0))),
                ("treatment_names_in_sms", models.BooleanField(default=False)),
                ("four_eyes_on_edits", models.BooleanField(default=True)),
                ("location_day_cents", models.BigIntegerField(default=30000)),
                ("play_month_cents", models.BigIntegerField(default=500000)),
                ("business_month_cents", models.BigIntegerField(default=1000000)),
                ("limits_by_currency", models.JSONField(blank=True, default=dict)),
                ("stale_after_hours", models.IntegerField(default=26)),
                ("stop_ends_all_on", models.DateField(default=datetime.date(2026, 1, 1))),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_policy")
                ],
            },
        ),
        migrations.CreateModel(
            name="Play",
            fields=[
                ("key", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("description", models.TextField(blank=True)),
                ("is_marketing", models.BooleanField(default=True)),
                ("threshold", models.SmallIntegerField(default=75)),
                ("daily_limit", models.IntegerField(default=25)),
                ("holdout_percent", models.SmallIntegerField(default=10)),
                ("wins_back", models.BooleanField(default=False)),
                ("draft_days", models.IntegerField(default=5)),
                ("quiet_days", models.IntegerField(default=30)),
                (
                    "leaves_on",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12),
                        blank=True,
                        default=outreach.models.library.default_leaves_on,
                        size=None,
                    ),
                ),
                ("choose_time", models.BooleanField(default=False)),
                (
                    "wording",
                    models.CharField(
                        choices=[
                            ("library", "the library's text as it is"),
                            ("machine", "a machine words the friendly sentences"),
                            ("reviews", "the same, in the tone of the guest's latest reviews"),
                        ],
                        default="library",
                        max_length=7,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("holdout_percent__gte", 0), ("holdout_percent__lte", 50)
                        ),
                        name="holdout_0_to_50",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PhaseChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "old",
                    models.CharField(
                        choices=[
                            ("report", "report only"),
                            ("review", "every draft reviewed"),
                            ("automatic", "automatic within rules"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "new",
                    models.CharField(
                        choices=[
                            ("report", "report only"),
                            ("review", "every draft reviewed"),
                            ("automatic", "automatic within rules"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(max_length=200)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.location"
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("subject", models.CharField(blank=True, max_length=160)),
                ("body", models.TextField()),
                ("cost_cents", models.BigIntegerField(default=0)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("outreach", "outreach"),
                            ("confirmation", "confirms a stop"),
                            ("help", "answers HELP"),
                            ("answer", "answer to the guest"),
                        ],
                        default="outreach",
                        max_length=12,
                    ),
                ),
                (
                    "reservation",
                    models.CharField(
                        choices=[
                            ("none", "costs nothing"),
                            ("reserved", "set aside"),
                            ("posted", "spent"),
                            ("voided", "given back"),
                        ],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("is_automatic", models.BooleanField(default=False)),
                ("approved_at", models.DateTimeField()),
                (
                    "delivery",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "no word yet"),
                            ("delivered", "delivered"),
                            ("undelivered", "not delivered"),
                            ("bounced", "bounced"),
                        ],
                        default="",
                        max_length=12,
                    ),
                ),
                ("delivery_at", models.DateTimeField(blank=True, null=True)),
                ("delivery_error", models.CharField(blank=True, max_length=20)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="outreach.draft",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
                (
                    "outbox",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="message",
                        to="platforms.outboxitem",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Holdout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_held_out", models.BooleanField()),
                ("assigned_at", models.DateTimeField()),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.guest"
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="outreach.play"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExperimentTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_held_out", models.BooleanField()),
                ("counted_at", models.DateTimeField()),
                ("drawn", models.IntegerField(default=0)),
                ("lately", models.IntegerField(default=0)),
                ("known_30", models.IntegerField(default=0)),
                ("kept_30", models.IntegerField(default=0)),
                ("known_60", models.IntegerField(default=0)),
                ("kept_60", models.IntegerField(default=0)),
                ("known_90", models.IntegerField(default=0)),
                ("kept_90", models.IntegerField(default=0)),
                ("visits", models.FloatField(default=0)),
                ("visits_squared", models.FloatField(default=0)),
                ("cents", models.FloatField(default=0)),
                ("cents_squared", models.FloatField(default=0)),
                ("spent_cents", models.BigIntegerField(default=0)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.location",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="draft",
            name="play",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="outreach.play"
            ),
        ),
        migrations.CreateModel(
            name="Breaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "signal",
                    models.CharField(
                        choices=[
                            ("volume", "many more messages than usual"),
                            ("cost", "much higher cost than usual"),
                            ("failures", "many messages fail"),
                            ("stops", "many guests say stop"),
                            ("undelivered", "many messages do not arrive"),
                            ("scores", "scores are not as usual"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("closed", "nothing held"),
                            ("open", "holding"),
                            ("half_open", "trying a few"),
                        ],
                        default="closed",
                        max_length=10,
                    ),
                ),
                ("evaluated_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("tries_at", models.DateTimeField(blank=True, null=True)),
                ("round", models.IntegerField(default=0)),
                ("probes_left", models.SmallIntegerField(default=0)),
                ("strikes", models.SmallIntegerField(default=0)),
                ("counts_from_at", models.DateTimeField(blank=True, null=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="memberships.location",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AutomaticRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("min_p", models.FloatField(default=0.85)),
                ("min_visits", models.SmallIntegerField(default=2)),
                ("visit_days", models.SmallIntegerField(default=30)),
                ("max_cost_cents", models.BigIntegerField(default=0)),
                ("set_at", models.DateTimeField()),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="automatic_rules",
                        to="outreach.play",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="PlayPhase",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("report", "report only"),
                            ("review", "every draft reviewed"),
                            ("automatic", "automatic within rules"),
                        ],
                        default="review",
                        max_length=10,
                    ),
                ),
                ("since_at", models.DateTimeField()),
                ("reviewed_since_at", models.DateTimeField(blank=True, null=True)),
                ("rules", models.JSONField(blank=True, default=list)),
                ("doubt", models.CharField(blank=True, max_length=200)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.location"
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phases",
                        to="outreach.play",
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PlayTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("counted_at", models.DateTimeField()),
                ("drafts", models.IntegerField(default=0)),
                ("as_is", models.IntegerField(default=0)),
                ("edited", models.IntegerField(default=0)),
                ("rejected_person", models.IntegerField(default=0)),
                ("rejected_offer", models.IntegerField(default=0)),
                ("rejected_words", models.IntegerField(default=0)),
                ("rejected_not_now", models.IntegerField(default=0)),
                ("expired", models.IntegerField(default=0)),
                ("by_rule", models.IntegerField(default=0)),
                ("waiting", models.IntegerField(default=0)),
                ("messages", models.IntegerField(default=0)),
                ("taken_back", models.IntegerField(default=0)),
                ("sent", models.IntegerField(default=0)),
                ("sent_by_rule", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("undelivered", models.IntegerField(default=0)),
                ("stops", models.IntegerField(default=0)),
                ("treated", models.IntegerField(default=0)),
                ("treated_kept", models.IntegerField(default=0)),
                ("held_out", models.IntegerField(default=0)),
                ("held_out_kept", models.IntegerField(default=0)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.location",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Reply",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("carrier_ref", models.CharField(max_length=80, unique=True)),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("mail_id", models.CharField(blank=True, default="", max_length=254)),
                ("body", models.TextField()),
                (
                    "intent",
                    models.CharField(
                        choices=[
                            ("yes", "yes"),
                            ("no", "no"),
                            ("stop", "stop"),
                            ("restart", "restart"),
                            ("help", "help"),
                            ("other", "for a person"),
                            ("auto", "automatic answer"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "topic",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("yes", "said yes: book the visit"),
                            ("restart", "wants to start again"),
                            ("cancel", "wants to cancel the plan"),
                            ("move", "wants to move or cancel a visit"),
                            ("book", "asks for a time"),
                            ("price", "asks about the price"),
                            ("hours", "asks about opening hours"),
                            ("place", "asks where you are"),
                            ("plan", "asks about plan or credits"),
                            ("complaint", "is not happy"),
                            ("thanks", "says thanks"),
                            ("silence", "may want no more messages"),
                            ("other", "needs a person to read it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("pictures", models.SmallIntegerField(default=0)),
                ("received_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="answered_replies",
                        to="outreach.message",
                    ),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replies",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.location",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replies",
                        to="outreach.message",
                    ),
                ),
                (
                    "read_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("paused", "paused"),
                            ("left", "left"),
                            ("finished", "finished"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("step", models.SmallIntegerField(default=1)),
                ("steps_total", models.SmallIntegerField(default=1)),
                ("begun_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "left_why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("gone", "no longer in the booking platform"),
                            ("opt_out", "said stop"),
                            ("replied", "answered"),
                            ("booked", "booked"),
                            ("came", "came in"),
                            ("paid", "paid"),
                            ("card", "put in a new card"),
                            ("ended", "the membership ended"),
                            ("notice", "asked to cancel"),
                            ("renewed", "renewed or joined again"),
                            ("rejected", "a step was rejected"),
                            ("expired", "a step was not decided in time"),
                            ("withdrawn", "a step was withdrawn"),
                            ("refused", "a message was refused"),
                            ("stuck", "a step never left"),
                            ("unreachable", "may not be written to any more"),
                            ("report", "the play only reports there now"),
                            ("by_hand", "ended by a person"),
                        ],
                        max_length=12,
                    ),
                ),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("remaining", models.DurationField(blank=True, null=True)),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("evidence", models.JSONField(blank=True, default=dict)),
                ("facts", models.JSONField(blank=True, default=dict)),
                ("ended_before_on", models.DateField(blank=True, null=True)),
                (
                    "appointment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.appointment",
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.membership",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="draft",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="drafts",
                to="outreach.run",
            ),
        ),
        migrations.CreateModel(
            name="CallTask",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.SmallIntegerField()),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "to be made"),
                            ("done", "made"),
                            ("expired", "not made in time"),
                            ("withdrawn", "no longer needed"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="call_tasks",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="outreach.run",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SendingCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("approved", models.IntegerField(default=0)),
                ("cost_cents", models.BigIntegerField(default=0)),
                ("cost_squares", models.BigIntegerField(default=0)),
                ("tried", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("sent", models.IntegerField(default=0)),
                ("undelivered", models.IntegerField(default=0)),
                ("stops", models.IntegerField(default=0)),
                ("scored", models.IntegerField(default=0)),
                ("score_sum", models.FloatField(default=0)),
                ("score_squares", models.FloatField(default=0)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.location",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.SmallIntegerField()),
                ("wait_hours", models.IntegerField(default=0)),
                ("is_call", models.BooleanField(default=False)),
                (
                    "channel",
                    models.CharField(
                        blank=True,
                        choices=[("sms", "text message"), ("email", "e-mail")],
                        max_length=6,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("with_offer", models.BooleanField(default=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="outreach.play",
                    ),
                ),
            ],
            options={
                "ordering": ["play", "number"],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("sms", "text message"),
                            ("email", "e-mail"),
                            ("call", "phone call"),
                        ],
                        max_length=6,
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("reply", "the guest's answer"),
                            ("platform", "the booking platform"),
                            ("staff", "staff"),
                            ("carrier", "the carrier"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "everything"),
                            ("marketing", "offers"),
                            ("service", "notes about bookings and plans"),
                        ],
                        default="all",
                        max_length=10,
                    ),
                ),
                ("added_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "everything"),
                            ("location", "a location"),
                            ("play", "a play"),
                            ("channel", "a channel"),
                        ],
                        max_length=10,
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=60)),
                ("stopped", models.BooleanField(default=True)),
                ("changed_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Template",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=60)),
                ("version", models.IntegerField(default=1)),
                ("name", models.CharField(max_length=100)),
                (
                    "topic",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("yes", "said yes: book the visit"),
                            ("restart", "wants to start again"),
                            ("cancel", "wants to cancel the plan"),
                            ("move", "wants to move or cancel a visit"),
                            ("book", "asks for a time"),
                            ("price", "asks about the price"),
                            ("hours", "asks about opening hours"),
                            ("place", "asks where you are"),
                            ("plan", "asks about plan or credits"),
                            ("complaint", "is not happy"),
                            ("thanks", "says thanks"),
                            ("silence", "may want no more messages"),
                            ("other", "needs a person to read it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("language", models.CharField(default="en", max_length=8)),
                ("subject", models.CharField(blank=True, max_length=120)),
                ("body", models.TextField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "proposed"),
                            ("active", "active"),
                            ("retired", "retired"),
                        ],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="templates",
                        to="outreach.play",
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["slug", "-version"],
            },
        ),
        migrations.CreateModel(
            name="ShadowDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("cost_cents", models.BigIntegerField(default=0)),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("score", models.SmallIntegerField(blank=True, null=True)),
                ("p", models.FloatField(blank=True, null=True)),
                (
                    "failed_checks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        blank=True,
                        default=list,
                        size=None,
                    ),
                ),
                ("is_held_out", models.BooleanField(default=False)),
                ("rule", models.CharField(blank=True, max_length=80)),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shadow_drafts",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.location"
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.membership",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="outreach.offer",
                    ),
                ),
                (
                    "play",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.play",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="outreach.template",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("refused_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=40)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refusals_told",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "draft",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="outreach.draft",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="outreach.offer",
                    ),
                ),
                (
                    "refused_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="outreach.template",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="draft",
            name="template",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="outreach.template"
            ),
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                ("address", models.CharField(max_length=254)),
                ("last_at", models.DateTimeField()),
                ("is_unread", models.BooleanField(default=False)),
                ("waiting_since", models.DateTimeField(blank=True, null=True)),
                (
                    "topic",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("yes", "said yes: book the visit"),
                            ("restart", "wants to start again"),
                            ("cancel", "wants to cancel the plan"),
                            ("move", "wants to move or cancel a visit"),
                            ("book", "asks for a time"),
                            ("price", "asks about the price"),
                            ("hours", "asks about opening hours"),
                            ("place", "asks where you are"),
                            ("plan", "asks about plan or credits"),
                            ("complaint", "is not happy"),
                            ("thanks", "says thanks"),
                            ("silence", "may want no more messages"),
                            ("other", "needs a person to read it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("rank", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("undelivered", "not delivered"),
                            ("bounced", "bounced"),
                            ("refused", "refused by the carrier"),
                            ("dead", "given up after many tries"),
                            ("uncertain", "nobody knows whether it left"),
                        ],
                        max_length=12,
                    ),
                ),
                ("trouble_at", models.DateTimeField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("version", models.IntegerField(default=1)),
                (
                    "guest",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="threads",
                        to="memberships.guest",
                    ),
                ),
                (
                    "held_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "last_reply",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="outreach.reply",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="memberships.location",
                    ),
                ),
                (
                    "trouble_message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="outreach.message",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="reply",
            name="thread",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replies",
                to="outreach.thread",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="thread",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="answers",
                to="outreach.thread",
            ),
        ),
        migrations.CreateModel(
            name="TrialSend",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                (
                    "channel",
                    models.CharField(
                        choices=[("sms", "text message"), ("email", "e-mail")], max_length=6
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "outbox",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trial",
                        to="platforms.outboxitem",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="outreach.template"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Authorisation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("given_on", models.DateField()),
                ("source", models.CharField(max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="authorisations",
                        to="memberships.guest",
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-recorded_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("guest",),
                        name="one_authorisation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True),
                            ("ended_at__gte", models.F("recorded_at")),
                            _connector="OR",
                        ),
                        name="authorisation_ends_after_it_began",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallingHours",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("jurisdiction", models.CharField(max_length=10)),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), size=None
                    ),
                ),
                ("opens", models.TimeField()),
                ("closes", models.TimeField()),
                ("marketing_only", models.BooleanField(default=True)),
                ("also_zone", models.CharField(blank=True, max_length=60)),
                ("source", models.CharField(max_length=200)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("in_force", models.BooleanField(default=True)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["jurisdiction", "weekdays"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("closes__gt", models.F("opens"))),
                        name="calling_hours_open_then_close",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("weekdays__len__gt", 0),
                            ("weekdays__contained_by", [1, 2, 3, 4, 5, 6, 7]),
                        ),
                        name="calling_hours_name_days",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("in_force", True)),
                        fields=("jurisdiction", "weekdays"),
                        name="calling_hours_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BreakerProbe",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "breaker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="probes",
                        to="outreach.breaker",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="outreach.message",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("breaker", "round", "message"), name="one_probe_per_message"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost_cents__gte", 0)), name="offer_cost_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "percent"), _negated=True),
                    models.Q(("percent__gte", 1), ("percent__lte", 100)),
                    _connector="OR",
                ),
                name="offer_percent_1_to_100",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["amount", "credit"]), _negated=True),
                    ("amount_cents__gt", 0),
                    _connector="OR",
                ),
                name="offer_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "none"), ("wording", "")),
                    models.Q(
                        models.Q(("kind", "none"), _negated=True),
                        models.Q(("wording", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="offer_says_what_it_is",
            ),
        ),
        migrations.AddIndex(
            model_name="phasechange",
            index=models.Index(fields=["play", "location", "-at"], name="phase_change_of_play"),
        ),
        migrations.AddConstraint(
            model_name="holdout",
            constraint=models.UniqueConstraint(
                fields=("guest", "play"), name="one_arm_per_guest_and_play"
            ),
        ),
        migrations.AddConstraint(
            model_name="experimenttally",
            constraint=models.UniqueConstraint(
                fields=("location", "play", "is_held_out"), name="experiment_tally_once"
            ),
        ),
        migrations.AddIndex(
            model_name="breaker",
            index=models.Index(
                condition=models.Q(("state", "closed"), _negated=True),
                fields=["location", "play"],
                name="breaker_holding",
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.UniqueConstraint(
                fields=("play", "location", "signal"),
                name="one_breaker_per_scope",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(("probes_left__gte", 0)), name="probes_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "open"), _negated=True),
                    ("tries_at__isnull", False),
                    _connector="OR",
                ),
                name="open_breaker_cools",
            ),
        ),
        migrations.AddConstraint(
            model_name="breaker",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("play__isnull", True), ("location__isnull", False), _connector="OR"
                ),
                name="breaker_of_play_has_location",
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticrule",
            constraint=models.UniqueConstraint(
                fields=("play", "name"), name="rule_name_once_per_play"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("min_p__gte", 0), ("min_p__lte", 1)), name="rule_p_0_to_1"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_cost_cents__gte", 0),
                    ("min_visits__gte", 0),
                    ("visit_days__gte", 1),
                    ("visit_days__lte", 365),
                ),
                name="rule_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="playphase",
            constraint=models.UniqueConstraint(
                fields=("play", "location"), name="one_phase_per_play"
            ),
        ),
        migrations.AddConstraint(
            model_name="playphase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("phase", "automatic"), _negated=True),
                    models.Q(("set_by__isnull", False), models.Q(("rules", []), _negated=True)),
                    _connector="OR",
                ),
                name="automatic_has_person_and_rules",
            ),
        ),
        migrations.AddConstraint(
            model_name="playtally",
            constraint=models.UniqueConstraint(fields=("location", "play"), name="play_tally_once"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("next_at__isnull", False), ("state", "running")),
                fields=["next_at"],
                name="run_due",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(
                    ("next_at__isnull", True),
                    ("remaining__isnull", True),
                    ("state__in", ["running", "paused"]),
                ),
                fields=["id"],
                name="run_awaits_its_step",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["guest", "-started_at"], name="run_of_guest"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["location", "state", "-started_at"], name="run_of_location"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["running", "paused"])),
                fields=("guest", "play"),
                name="one_run_under_way_per_guest_and_play",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "left"), models.Q(("left_why", ""), _negated=True)),
                    models.Q(models.Q(("state", "left"), _negated=True), ("left_why", "")),
                    _connector="OR",
                ),
                name="left_run_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paused_at__isnull", False), ("state", "paused")),
                    models.Q(
                        models.Q(("state", "paused"), _negated=True),
                        ("paused_at__isnull", True),
                        ("remaining__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="paused_run_says_since_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "running"), ("next_at__isnull", True), _connector="OR"
                ),
                name="only_a_running_run_is_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state__in", ["running", "paused"])),
                    models.Q(("state__in", ["left", "finished"]), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="ended_run_says_when",
            ),
        ),
        migrations.AddIndex(
            model_name="calltask",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["location", "asked_at"],
                name="call_task_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="calltask",
            constraint=models.UniqueConstraint(fields=("run", "step"), name="one_call_per_step"),
        ),
        migrations.AddConstraint(
            model_name="calltask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("state", "open")),
                    models.Q(
                        models.Q(("state", "open"), _negated=True), ("closed_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="closed_call_task_says_when",
            ),
        ),
        migrations.AddIndex(
            model_name="sendingcount",
            index=models.Index(fields=["at"], name="sending_count_by_time"),
        ),
        migrations.AddConstraint(
            model_name="sendingcount",
            constraint=models.UniqueConstraint(
                fields=("play", "location", "at"), name="sending_counted_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(
                fields=("play", "number"), name="one_step_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1), ("number__lte", 6)), name="step_1_to_6"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("number", 1), ("wait_hours", 0)),
                    models.Q(("number__gt", 1), ("wait_hours__gt", 0)),
                    _connector="OR",
                ),
                name="later_steps_wait",
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_call", False), ("number__gt", 1), _connector="OR"),
                name="first_step_is_a_message",
            ),
        ),
        migrations.AddConstraint(
            model_name="suppression",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("channel", "address"),
                name="suppressed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.UniqueConstraint(
                fields=("scope", "key"), name="one_switch_per_scope"
            ),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("key", ""), ("scope", "all")),
                    models.Q(
                        models.Q(("scope", "all"), _negated=True),
                        models.Q(("key", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="switch_names_its_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="template",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("play__isnull", False), ("topic", "")),
                    models.Q(
                        ("play__isnull", True),
                        models.Q(("topic", ""), _negated=True),
                        ("cause", ""),
                    ),
                    _connector="OR",
                ),
                name="template_has_play_or_topic",
            ),
        ),
        migrations.AddConstraint(
            model_name="template",
            constraint=models.UniqueConstraint(
                fields=("slug", "version"), name="template_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="template",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "active")),
                fields=("slug",),
                name="one_active_template_version",
            ),
        ),
        migrations.AddIndex(
            model_name="shadowdraft",
            index=models.Index(fields=["play", "location", "-at"], name="shadow_of_play"),
        ),
        migrations.AddIndex(
            model_name="shadowdraft",
            index=models.Index(fields=["guest", "-at"], name="shadow_of_guest"),
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(
                condition=models.Q(("read_at__isnull", True)),
                fields=["author"],
                name="refusal_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="refusal",
            index=models.Index(fields=["author", "-refused_at"], name="refusal_of_author"),
        ),
        migrations.AddConstraint(
            model_name="refusal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("draft__isnull", False),
                        ("offer__isnull", True),
                        ("template__isnull", True),
                    ),
                    models.Q(
                        ("draft__isnull", True),
                        ("offer__isnull", True),
                        ("template__isnull", False),
                    ),
                    models.Q(
                        ("draft__isnull", True),
                        ("offer__isnull", False),
                        ("template__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="refusal_of_one_thing",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                models.F("location"),
                models.Case(
                    models.When(group="needs_care", then=models.Value(0)),
                    models.When(group="changed", then=models.Value(1)),
                    models.When(group="library", then=models.Value(2)),
                    output_field=models.IntegerField(),
                ),
                models.OrderBy(
                    django.db.models.fields.json.KeyTransform("score", "evidence"),
                    descending=True,
                    nulls_last=True,
                ),
                models.F("id"),
                condition=models.Q(("status", "pending")),
                include=("group", "snoozed_until", "expires_at"),
                name="draft_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                models.Case(
                    models.When(group="needs_care", then=models.Value(0)),
                    models.When(group="changed", then=models.Value(1)),
                    models.When(group="library", then=models.Value(2)),
                    output_field=models.IntegerField(),
                ),
                models.OrderBy(
                    django.db.models.fields.json.KeyTransform("score", "evidence"),
                    descending=True,
                    nulls_last=True,
                ),
                models.F("id"),
                condition=models.Q(("status", "pending")),
                name="draft_queue_of_all",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                condition=models.Q(("decided_at__isnull", False)),
                fields=["decided_by", "-decided_at"],
                name="draft_decided_by",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(fields=["guest", "-created_at"], name="draft_of_guest"),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                condition=models.Q(("status", "pending"), ("worded_at__isnull", True)),
                fields=["id"],
                name="draft_to_word",
            ),
        ),
        migrations.AddIndex(
            model_name="draft",
            index=models.Index(
                condition=models.Q(("wording_tries__gt", 0)),
                fields=["created_at"],
                name="draft_tried",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "pending")),
                fields=("guest", "play"),
                name="one_open_draft_per_guest_and_play",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.UniqueConstraint(
                models.F("guest"),
                django.db.models.fields.json.KeyTextTransform("cause", "evidence"),
                condition=models.Q(
                    ("status", "pending"), models.Q(("evidence__cause", ""), _negated=True)
                ),
                name="one_open_draft_per_guest_and_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["approved", "rejected"]), _negated=True),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                    _connector="OR",
                ),
                name="decided_draft_says_who_and_when",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "rejected"), _negated=True),
                    models.Q(("rejection", ""), _negated=True),
                    _connector="OR",
                ),
                name="rejected_draft_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "approved"), _negated=True),
                    models.Q(("approval_hash", ""), _negated=True),
                    _connector="OR",
                ),
                name="approved_draft_is_hashed",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(("cost_cents__gte", 0)), name="draft_cost_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("run__isnull", True), ("step__isnull", True)),
                    models.Q(("run__isnull", False), ("step__isnull", False)),
                    _connector="OR",
                ),
                name="draft_of_a_run_says_its_step",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("prompt_version", ""), ("shaped_by_guest_text", False), ("worded_by", "")
                    ),
                    models.Q(
                        models.Q(("worded_by", ""), _negated=True),
                        models.Q(("prompt_version", ""), _negated=True),
                        ("worded_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="worded_draft_says_by_whom",
            ),
        ),
        migrations.AddConstraint(
            model_name="draft",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shaped_by_guest_text", False),
                    models.Q(("group", "library"), _negated=True),
                    _connector="OR",
                ),
                name="guests_words_are_no_library_text",
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["-last_at", "-id"], name="thread_newest"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["location", "-last_at", "-id"], name="thread_newest_here"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                condition=models.Q(("waiting_since__isnull", False)),
                fields=["rank", "waiting_since", "id"],
                name="thread_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(
                condition=models.Q(("trouble_at__isnull", False)),
                fields=["-trouble_at", "-id"],
                name="thread_in_trouble",
            ),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.UniqueConstraint(
                condition=models.Q(("guest__isnull", False)),
                fields=("guest", "channel"),
                name="one_thread_per_guest",
            ),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.UniqueConstraint(
                condition=models.Q(("guest__isnull", True)),
                fields=("channel", "address"),
                name="one_thread_per_stranger",
            ),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("trouble", ""), ("trouble_at__isnull", True)),
                    models.Q(
                        models.Q(("trouble", ""), _negated=True), ("trouble_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="trouble_is_dated",
            ),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("waiting_since__isnull", False), ("is_unread", False), _connector="OR"
                ),
                name="unread_thread_waits",
            ),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(fields=["guest", "-received_at"], name="reply_of_guest"),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(fields=["thread", "-received_at"], name="reply_of_thread"),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True)),
                fields=["location", "-received_at"],
                name="reply_unanswered",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["guest", "-approved_at"], name="message_of_guest"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["channel", "address", "-approved_at"], name="message_to_address"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["location", "-approved_at"], name="message_of_location"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["approved_at"], name="message_by_time"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cost_cents", 0), ("reservation", "none")),
                    models.Q(
                        ("cost_cents__gt", 0), models.Q(("reservation", "none"), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="message_cost_is_reserved",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("purpose", "answer"), _negated=True),
                    models.Q(
                        ("approved_by__isnull", False), ("cost_cents", 0), ("thread__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="answer_has_thread_and_author",
            ),
        ),
        migrations.AddIndex(
            model_name="trialsend",
            index=models.Index(fields=["asked_by", "-asked_at"], name="trial_of_person"),
        ),
    ]
