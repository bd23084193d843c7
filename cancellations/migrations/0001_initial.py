import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("memberships", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Call",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on", models.DateField()),
                ("row_no", models.IntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("booking", "booking at risk"),
                            ("member", "member at risk"),
                            ("asked", "asked for by a colleague"),
                            ("back", "asked to be called back"),
                            ("step", "step of a sequence"),
                        ],
                        max_length=10,
                    ),
                ),
                ("expected_cents", models.BigIntegerField(default=0)),
                ("value_cents", models.BigIntegerField(default=0)),
                (
                    "reasons",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                (
                    "say",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=300), default=list, size=None
                    ),
                ),
                ("offer_text", models.CharField(blank=True, max_length=200)),
                ("best_time", models.CharField(blank=True, max_length=60)),
                ("call_by_at", models.DateTimeField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("todo", "To do"), ("later", "Later"), ("done", "Done")],
                        default="todo",
                        max_length=6,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("booked", "booked"),
                            ("thinking", "thinking"),
                            ("voicemail", "voicemail"),
                            ("no_answer", "no answer"),
                            ("call_back", "call back"),
                            ("wrong_number", "wrong number"),
                            ("do_not_call", "do not call"),
                            ("closed", "settled without a call"),
                        ],
                        max_length=14,
                    ),
                ),
                ("closed_why", models.CharField(blank=True, max_length=120)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("tries", models.SmallIntegerField(default=0)),
                ("last_try_at", models.DateTimeField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("version", models.IntegerField(default=1)),
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
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
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
            ],
            options={
                "ordering": ["on", "location", "row_no"],
            },
        ),
        migrations.CreateModel(
            name="CallList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on", models.DateField()),
                ("built_at", models.DateTimeField(blank=True, null=True)),
                ("bookings", models.IntegerField(default=0)),
                ("members", models.IntegerField(default=0)),
                ("live_added", models.IntegerField(default=0)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="call_lists",
                        to="memberships.location",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CallRules",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("rows_per_day", models.SmallIntegerField(default=25)),
                ("extra_rows", models.SmallIntegerField(default=10)),
                ("days_ahead", models.SmallIntegerField(default=2)),
                ("quiet_days", models.SmallIntegerField(default=30)),
                ("tries_per_day", models.SmallIntegerField(default=3)),
                ("again_after_minutes", models.SmallIntegerField(default=120)),
                ("version", models.IntegerField(default=1)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="one_set_of_call_rules"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("days_ahead__gte", 0),
                            ("extra_rows__gte", 0),
                            ("rows_per_day__gte", 0),
                            ("again_after_minutes__gte", 60),
                            ("quiet_days__gte", 0),
                            ("tries_per_day__gte", 1),
                        ),
                        name="call_rules_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CallTry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("call_version", models.IntegerField()),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("booked", "booked"),
                            ("thinking", "thinking"),
                            ("voicemail", "voicemail"),
                            ("no_answer", "no answer"),
                            ("call_back", "call back"),
                            ("wrong_number", "wrong number"),
                            ("do_not_call", "do not call"),
                            ("closed", "settled without a call"),
                        ],
                        max_length=14,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
                ("call_back_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="cancellations.call",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="call_tries",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PhoneFlag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("do_not_call", "asked not to be called"),
                            ("wrong_number", "wrong number"),
                        ],
                        max_length=14,
                    ),
                ),
                ("phone", models.CharField(max_length=20)),
                ("added_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cancellations.calltry",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="phone_flags",
                        to="memberships.guest",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="memberships.location"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["location", "on", "status"], name="call_list"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("outcome", "call_back")),
                fields=["location", "due_at"],
                name="call_promised",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(
                fields=("location", "on", "row_no"), name="call_row_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.UniqueConstraint(
                fields=("guest", "on"), name="guest_listed_once_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "done"), _negated=True),
                    models.Q(("outcome", ""), _negated=True),
                    _connector="OR",
                ),
                name="done_call_has_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "closed"), _negated=True),
                    models.Q(("closed_why", ""), _negated=True),
                    _connector="OR",
                ),
                name="closed_call_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "later"), _negated=True),
                    ("due_at__isnull", False),
                    _connector="OR",
                ),
                name="later_call_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("held_by__isnull", True), ("held_until__isnull", False), _connector="OR"
                ),
                name="held_call_has_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="calllist",
            constraint=models.UniqueConstraint(
                fields=("location", "on"), name="one_call_list_a_day"
            ),
        ),
        migrations.AddIndex(
            model_name="calltry",
            index=models.Index(fields=["guest", "-at"], name="call_try_of_guest"),
        ),
        migrations.AddIndex(
            model_name="calltry",
            index=models.Index(fields=["by", "-at"], name="call_try_of_caller"),
        ),
        migrations.AddConstraint(
            model_name="calltry",
            constraint=models.UniqueConstraint(
                fields=("call", "call_version"), name="one_try_per_version"
            ),
        ),
        migrations.AddIndex(
            model_name="phoneflag",
            index=models.Index(fields=["phone"], name="phone_flag_by_phone"),
        ),
        migrations.AddConstraint(
            model_name="phoneflag",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("kind", "phone", "guest"),
                name="phone_flagged_once",
            ),
        ),
    ]
