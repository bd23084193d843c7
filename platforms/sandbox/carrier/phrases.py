"""What guests write. Picked at random; `{name}` is theirs, `{first}` how they sign."""

from __future__ import annotations

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "yes": (
            "Yes please!", "Sounds great, thank you", "yes, that works for me",
            "Oh nice, I'd love that. Can you book me in?", "Sure, thanks for thinking of me",
            "Y", "Perfect 👍", "ok yes",
        ),
        "question": (
            "Is that on top of my membership?", "What times do you have on Saturday?",
            "How long is this good for?", "Do I still have credits left?",
            "Can I use it for a facial instead?", "who is this?",
            "How much is it for my sister?", "what time do you close on Fridays",
            "Where are you located again? is there parking", "Do you have anything Thursday?",
            "When does my plan renew", "my doctor says to wait, is that a problem?",
        ),
        "thanks": (
            "Thanks, see you soon", "Thank you!", "Appreciate it 😊", "thx", "Already on my list!",
        ),
        "no": (
            "No thanks", "Not right now", "I'm good, thanks.", "no",
            "Too expensive for me at the moment.",
        ),
        "annoyed": (
            "I never use this, why do you keep writing?", "Honestly I forgot I was still paying.",
            "Please leave me alone with these offers.", "You again...",
            "Last time nobody even said hello. Not happy.", "I was charged twice in October!!!",
        ),
        "stop": (
            "STOP", "Stop", "stop please", "Please take me off your list", "No more texts please",
            "UNSUBSCRIBE", "quit texting me", "don't text me anymore",
        ),
        "cancel_membership": (
            "Thanks for the reminder, I want to cancel my membership.",
            "Please end my membership. I don't use it.", "How do I get out of this contract?",
        ),
        "confirm": ("Yes", "Confirmed, see you then!", "C", "I'll be there 👍", "yes confirmed"),
        "cannot_come": (
            "Sorry, I can't make it. Can we move it?", "Something came up, please cancel my visit",
            "Can we do next week instead?",
        ),
        "hurt": (
            "I hurt my shoulder and can't come for a while. Can I pause?",
            "Still recovering from my injury, my doctor says not yet.",
        ),
        "moved": ("We moved away last month, sorry!", "I don't live in town anymore."),
        "paid": ("Just updated my card, sorry about that", "Done, new card is in."),
    },
    "es": {
        "yes": ("¡Sí, por favor!", "Sí, me viene bien", "Claro que sí, gracias", "Perfecto 👍"),
        "question": (
            "¿Está incluido en mi membresía?", "¿Qué horas tienen el sábado?",
            "¿Hasta cuándo es válido?", "¿Cuánto cuesta el masaje largo?", "¿Dónde están?",
            "¿A qué hora abren mañana?", "¿Puedo ir el jueves?", "¿Cuántos créditos me quedan?",
        ),
        "thanks": ("¡Gracias!", "Muchas gracias, nos vemos pronto"),
        "no": ("No, gracias", "Ahora no puedo, gracias"),
        "annoyed": ("¿Por qué me escriben tanto?", "Ya no lo uso, la verdad.",
                    "Me cobraron dos veces."),
        "stop": ("ALTO", "PARE", "Por favor no me escriban más", "STOP"),
        "cancel_membership": ("Quiero cancelar mi membresía, por favor.",),
        "confirm": ("Sí, confirmo", "Ahí estaré, gracias", "Confirmado"),
        "cannot_come": ("No puedo ir, ¿la podemos cambiar?", "Tengo que cancelar, perdón"),
        "hurt": ("Estoy lesionada, ¿puedo pausar mi membresía?",),
        "moved": ("Ya no vivo en la ciudad, perdón.",),
        "paid": ("Ya actualicé mi tarjeta, disculpe",),
    },
}  # fmt: skip

# What a mailbox answers by itself while its owner is away.
AWAY = {
    "en": "I am out of the office until Monday and will read your e-mail then.",
    "es": "Estoy fuera de la oficina hasta el lunes y leeré su correo entonces.",
}

# Words a carrier acts on by itself when they are the whole message.
STOP_WORDS = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "alto", "pare"}
)
START_WORDS = frozenset({"start", "unstop", "yes start"})


def is_stop_word(body: str) -> bool:
    return body.strip().strip(".! ").lower() in STOP_WORDS


def is_start_word(body: str) -> bool:
    return body.strip().strip(".! ").lower() in START_WORDS
