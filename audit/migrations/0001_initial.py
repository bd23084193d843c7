from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LedgerHead",
            fields=[
                ("chain", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(default=0)),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="NotedHead",
            fields=[
                ("chain", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="ClockShift",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("seconds", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_clock")
                ],
            },
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("job", models.CharField(max_length=60)),
                ("period", models.CharField(max_length=40)),
                ("location_id", models.BigIntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("due", "due"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="due",
                        max_length=10,
                    ),
                ),
                ("attempt", models.IntegerField(default=0)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("counts", models.JSONField(blank=True, default=dict)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["job", "location_id", "-id"], name="job_run_latest")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("job", "period", "location_id"), name="job_run_once_per_period"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("finished_at__isnull", True),
                            ("finished_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="job_run_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerCheckpoint",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("text", models.TextField()),
                ("signature", models.CharField(max_length=100)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="checkpoint_from_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain", models.CharField(max_length=60)),
                ("seq", models.BigIntegerField()),
                ("prev", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("body", models.TextField()),
                ("event", models.CharField(max_length=60)),
                ("at", models.DateTimeField()),
                ("actor_id", models.BigIntegerField(blank=True, null=True)),
                ("actor_label", models.CharField(max_length=150)),
                ("location_id", models.BigIntegerField(blank=True, null=True)),
                ("guest_id", models.BigIntegerField(blank=True, null=True)),
                ("target_type", models.CharField(blank=True, max_length=60)),
                ("target_id", models.CharField(blank=True, max_length=64)),
                ("play", models.CharField(blank=True, max_length=60)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(
                            ("event__in", ("guest.viewed", "guests.listed")), _negated=True
                        ),
                        fields=["chain", "-at", "-id"],
                        name="ledger_done",
                    ),
                    models.Index(fields=["event", "chain", "-at", "-id"], name="ledger_event"),
                    models.Index(
                        condition=models.Q(("actor_id__isnull", False)),
                        fields=["chain", "actor_id", "-at", "-id"],
                        name="ledger_actor",
                    ),
                    models.Index(
                        condition=models.Q(("play", ""), _negated=True),
                        fields=["chain", "play", "-at", "-id"],
                        name="ledger_play",
                    ),
                    models.Index(fields=["guest_id", "-at", "-id"], name="ledger_guest"),
                    models.Index(
                        condition=models.Q(("target_id", ""), _negated=True),
                        fields=["target_id", "-at", "-id"],
                        name="ledger_target",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("chain", "seq"), name="ledger_entry_once"),
                    models.CheckConstraint(
                        condition=models.Q(("seq__gte", 1)), name="ledger_seq_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ListLook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person_id", models.BigIntegerField()),
                ("location_id", models.BigIntegerField(blank=True, null=True)),
                ("place", models.CharField(max_length=40)),
                ("filters", models.JSONField()),
                ("guests", models.JSONField()),
                ("content", models.CharField(max_length=64)),
                ("on_day", models.DateField()),
                ("at", models.DateTimeField()),
                ("is_noted", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_noted", False)),
                        fields=["at", "id"],
                        name="list_look_to_note",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person_id", "place", "on_day", "content"),
                        name="list_look_once_a_day",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("person_id", models.BigIntegerField()),
                ("guest_id", models.BigIntegerField()),
                ("location_id", models.BigIntegerField(blank=True, null=True)),
                ("place", models.CharField(max_length=40)),
                ("on_day", models.DateField()),
                ("at", models.DateTimeField()),
                ("is_noted", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_noted", False)),
                        fields=["at", "id"],
                        name="look_to_note",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person_id", "guest_id", "place", "on_day"), name="look_once_a_day"
                    )
                ],
            },
        ),
    ]
