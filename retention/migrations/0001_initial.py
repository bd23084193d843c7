import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("memberships", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        UnaccentExtension(),
        migrations.CreateModel(
            name="AtRiskDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("on", models.DateField()),
                ("members", models.IntegerField()),
                ("at_risk", models.IntegerField()),
                ("at_risk_cents", models.BigIntegerField()),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.location"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("location", "on"), name="at_risk_day_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("at_risk__gte", 0), ("members__gte", models.F("at_risk"))
                        ),
                        name="at_risk_of_members",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MemberRow",
            fields=[
                (
                    "membership",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="memberships.membership",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("not_started", "not started"),
                            ("active", "active"),
                            ("frozen", "paused"),
                            ("suspended", "suspended, payment failed"),
                            ("failed", "payment failed"),
                            ("cancelled", "cancelled"),
                            ("expired", "expired"),
                            ("closed", "closed"),
                            ("inactive", "inactive"),
                            ("refunded", "refunded"),
                            ("deleted", "deleted"),
                            ("unknown", "unknown"),
                        ],
                        max_length=12,
                    ),
                ),
                ("is_running", models.BooleanField()),
                ("is_current", models.BooleanField()),
                ("sort_name", models.CharField(max_length=161)),
                ("search", models.TextField()),
                ("score", models.SmallIntegerField(blank=True, null=True)),
                (
                    "band",
                    models.CharField(
                        choices=[
                            ("low", "Low"),
                            ("watch", "Watch"),
                            ("high", "High"),
                            ("very_high", "Very high"),
                            ("unknown", "Not enough data"),
                        ],
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("monthly_cents", models.BigIntegerField(default=0)),
                ("started_on", models.DateField()),
                ("renews_on", models.DateField(blank=True, null=True)),
                ("ended_on", models.DateField(blank=True, null=True)),
                ("last_visit_on", models.DateField(blank=True, null=True)),
                ("next_booking_at", models.DateTimeField(blank=True, null=True)),
                ("sms_allowed", models.BooleanField(default=False)),
                ("email_allowed", models.BooleanField(default=False)),
                (
                    "guest",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="member_rows",
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
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="memberships.plan"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("location"),
                        models.OrderBy(models.F("score"), descending=True, nulls_last=True),
                        models.F("membership"),
                        condition=models.Q(("is_running", True)),
                        name="member_worst_of_location",
                    ),
                    models.Index(
                        models.OrderBy(models.F("score"), descending=True, nulls_last=True),
                        models.F("membership"),
                        condition=models.Q(("is_running", True)),
                        name="member_worst_of_all",
                    ),
                    models.Index(
                        fields=["location", "band"],
                        include=("cause", "plan", "status", "is_running", "monthly_cents"),
                        name="member_figures",
                    ),
                    models.Index(fields=["location", "started_on"], name="member_joined"),
                    models.Index(
                        condition=models.Q(("ended_on__isnull", False)),
                        fields=["location", "ended_on"],
                        name="member_left",
                    ),
                    models.Index(fields=["sort_name", "membership"], name="member_by_name"),
                    models.Index(
                        fields=["location", "sort_name", "membership"],
                        name="member_by_name_of_location",
                    ),
                    django.contrib.postgres.indexes.GinIndex(
                        django.contrib.postgres.indexes.OpClass("search", name="gin_trgm_ops"),
                        name="member_search",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MemberTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "band",
                    models.CharField(
                        choices=[
                            ("low", "Low"),
                            ("watch", "Watch"),
                            ("high", "High"),
                            ("very_high", "Very high"),
                            ("unknown", "Not enough data"),
                        ],
                        max_length=10,
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("not_started", "not started"),
                            ("active", "active"),
                            ("frozen", "paused"),
                            ("suspended", "suspended, payment failed"),
                            ("failed", "payment failed"),
                            ("cancelled", "cancelled"),
                            ("expired", "expired"),
                            ("closed", "closed"),
                            ("inactive", "inactive"),
                            ("refunded", "refunded"),
                            ("deleted", "deleted"),
                            ("unknown", "unknown"),
                        ],
                        max_length=12,
                    ),
                ),
                ("is_running", models.BooleanField()),
                ("n", models.IntegerField()),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.location",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="memberships.plan",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["location"], name="member_tally_of_location")],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=500)),
                ("is_shared", models.BooleanField(default=False)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="view_named_once"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="view_has_a_name"
                    ),
                ],
            },
        ),
    ]
