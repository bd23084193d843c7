from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "outreach"

    def ready(self) -> None:
        from audit import events as ledger
        from memberships import signals
        from outreach import events, receivers
        from outreach.replies import mail, receipts, taking
        from outreach.sending import sender
        from platforms import inbox, outbox
        from platforms.models import OutboxItem

        ledger.register(events.SENTENCES)
        ledger.register_plays(_plays)
        inbox.register("sms-inbound", taking.take_inbound)
        inbox.register("sms-status", receipts.take_status)
        inbox.register("mail", mail.take_mail, author=mail.author_of)
        outbox.tell_lost(OutboxItem.Topic.MESSAGE, sender.entries_of_lost)
        signals.guests_changed.connect(receivers.guests_changed, dispatch_uid="outreach.guests")
        signals.appointments_changed.connect(
            receivers.appointments_changed, dispatch_uid="outreach.appointments"
        )


def _plays() -> list[tuple[str, str]]:
    from outreach.models import Play

    return list(Play.objects.order_by("name").values_list("pk", "name"))
