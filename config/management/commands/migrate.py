"""Django's migrate, done by the owner of the tables; then what Tenure's own user may do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import transaction

from config import database


class Command(migrate.Command):
    """Without MIGRATE_DATABASE_URL, as the user of DATABASE_URL, who then owns the tables."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        # Its checks ask the database too, as a user that may not exist yet: the owner from here.
        if settings.MIGRATE_DATABASE is None:
            return super().execute(*args, **options)
        alias = options["database"]
        user, password = settings.DATABASE_USER
        with database.as_owner(alias) as connection:
            said = super().execute(*args, **options)
            # Going back to before the first migration leaves nothing to allow.
            if "audit_ledgerentry" in connection.introspection.table_names():
                with transaction.atomic(using=alias):
                    database.grant(connection, user=user, password=password)
        return said
