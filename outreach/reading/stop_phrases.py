"""How people say that they want no more messages: English and Spanish, in the plain form of
`outreach.texts.normal.plain` without punctuation. `outreach.reading.intents` reads with it.

The lists lean to silence: a message too few costs a booking, a message too many costs trust and,
in the United States, 500 dollars and more.
"""

from __future__ import annotations

import re


def _words(text: str, separator: str | None = None) -> frozenset[str]:
    return frozenset(" ".join(word.split()) for word in text.split(separator)) - {""}


# Courtesies around a stop word: "ok stop now please, thanks".
FILLERS = _words("""
    please pls plz pleas plss ok okay k hi hello hey dear thanks thank you thx ty and now just
    kindly immediately asap today sorry but so all no nope yes already again everything um uh sir
    madam team guys folks por favor porfa porfavor gracias hola ya ahora mismo y pero si buenas
    buenos dias tardes
""")

# What is left without the courtesies: these always count (47 CFR 64.1200(a)(10) names stop, quit,
# end, revoke, opt out, cancel and unsubscribe).
STOP_WORDS = _words(
    """
    stop|quit|end|revoke|opt out|optout|cancel|unsubscribe|stopall|stop it|stop this|stop that|
    end it|end this|quit it|cancel this|cancel it|unsub|un sub|un subscribe|unsubscribed|
    unsubscribe me|unsub me|opt me out|opt us out|opt|revoked|unenroll|want out|i want out|
    remove|remove me|delete|delete me|block|blocked|blocking|blocking you|dnc|discontinue|halt|
    cease|cease and desist|terminate|enough|enough is enough|no more|not anymore|nomore|
    leave me alone|leave me be|let me be|let me alone|go away|get lost|shut up|cut it out|
    knock it off|spam|stop spam|mute|mute this|unlist|unlist me|deactivate|disable|bug off|
    buzz off|sod off|back off|fuck off|f off|fuck you|piss off|screw you|bugger off|eff off|
    wrong number|wrong person|wrong num|not me|take me off|never again|lose this|loose this|
    stp|stpo|sotp|tsop|sto|sop|ztop|atop|stap|stob|stoo|stlp|srop|qut|quti|st op|s top|stiop|stopp|
    soptp|stopt|stoop|dtop|stol|stahp|
    alto|para|pare|paren|parar|parad|basta|baja|la baja|darme de baja|dar de baja|date de baja|
    dame de baja|denme de baja|deme de baja|de baja|cancelar|cancela|cancele|cancelen|fin|detener|
    detente|detenganse|detengase|salir|salirme|no mas|nomas|mas no|quitar|eliminar|borrar|
    no quiero|no quiero nada|suficiente|dejame|dejenme|dejame en paz|dejenme en paz|largate|
    callate|callense|vete|parale|parenle|parele|ya parale|no vuelvan|no molesten|
    numero equivocado|persona equivocada|desuscribir|desuscribirme|bloqueado|bloqueada|se acabo
    """,
    "|",
)

# Long words that are mistyped often: so near to one of them is near enough.
LONG_WORDS = ("unsubscribe", "unsubscribed", "unsuscribe", "discontinue")

_MESSAGES = (
    r"(?:text(?:s|ing|in)?|txt(?:s|ing|ed)?|messag(?:e|es|ing)|msgs?|msging|sms|e-?mail(?:s|ing)?|"
    r"notif\w+|alerts?|ads?|promos?|promotions?|offers?|marketing|spam|solicit\w+|advert\w+|"
    r"communications?|newsletters?|reminders)"
)
_MENSAJES = (
    r"(?:mensaj(?:e|es|itos)|textos?|txts?|correos?|emails?|sms|publicidad|ofertas?|promo\w*|"
    r"anuncios|propaganda|notificaciones|whatsapps?|spam)"
)
# Doing what we do: after "stop", "quit", "keep" it is about messages and nothing else.
_WRITING = (
    r"(?:text(?:ing|in)?|txt(?:ing)?|messag(?:e|ing)|msg(?:ing)?|contact(?:ing)?|writing|bothering|"
    r"bugging|sending|spam(?:ming)?|harass(?:ing)?|calling|pestering|annoying|e-?mail(?:ing)?|"
    r"soliciting|hitting)"
)
_ANY = r"(?:\w+\s+){0,5}?"

CLEAR = re.compile(
    r"\b(?:"
    # Stop what you are doing.
    rf"(?:stop|quit|cease|end|halt|discontinue|terminate|cancel|enough)\s+{_ANY}{_MESSAGES}|"
    rf"(?:stop|quit|cease|enough)\s+(?:with\s+)?(?:\w+\s+)?{_WRITING}|"
    r"(?:stop|end|quit|cancel)\s+(?:with\s+)?(?:these|those|all\s+(?:of\s+)?(?:this|these))|"
    r"cease\s+(?:\w+\s+)?(?:and\s+desist|contact)|"
    rf"too\s+many\s+{_MESSAGES}|(?:sick|tired|fed\s+up)\s+(?:of|with)\s+{_ANY}(?:{_MESSAGES}|this)|"
    rf"(?:why|how\s+come)\s+{_ANY}(?:keep|still)\s+{_ANY}{_WRITING}|"
    rf"keep\s+(?:on\s+)?{_WRITING}\s+me|"
    # Do not; I do not want.
    rf"(?:do\s*n.?t|do\s+not|never|not\s+to|no\s+longer)\s+(?:ever\s+|you\s+|dare\s+)*"
    r"(?:text|txt|msg|message|contact|e-?mail|bother|spam|harass|write)\b"
    r"(?!\s+(?:back|right\s+away))|"
    r"(?:do\s*n.?t|do\s+not|never)\s+(?:ever\s+)?send\s+(?:me\s+|us\s+)?(?:any|another|more|these|"
    rf"this|{_MESSAGES})|"
    rf"(?:do\s*n.?t|do\s+not|did\s*n.?t|did\s+not|never|no\s+longer|not|wo\s*n.?t)\s+"
    rf"(?:want|wish|like|care|need|ask|asked|request\w*|sign\w*|subscrib\w*|agree\w*|consent\w*|"
    rf"authori[sz]e\w*|opt\w*|interested|wanting|get|receive)\s+{_ANY}"
    rf"(?:{_MESSAGES}|(?:more|any)\s+of\s+(?:these|this|it)|contacted|hear\s+from|texted|messaged|emailed|for\s+th(?:is|ese)|to\s+this)|"
    r"(?:do\s*n.?t|do\s+not|no\s+longer)\s+(?:want|wish)\s+(?:any\s+of\s+(?:this|these|it)|these)|"
    r"(?:no\s+longer|not)\s+(?:want|wish)\s+to\s+(?:be\s+)?(?:contacted|texted|on\s+)|"
    r"(?:prefer|rather)\s+not\s+(?:to\s+)?(?:get|receive|be|have|hear)|"
    rf"(?:turn|switch|shut)\s+(?:\w+\s+){{0,2}}off\b|(?:turn|switch|shut)\s+off|"
    rf"(?:mute|silence|disable|deactivate)\s+(?:\w+\s+)?(?:{_MESSAGES}|this|these)|unlist\s+me|"
    r"(?:end|cancel)\s+(?:\w+\s+)?subscription|"
    rf"no\s+(?:more|further|longer)?\s*{_MESSAGES}(?!\s+(?:from|yet|came|about|has|have|was))|"
    r"no\s+more\s+of\s+(?:this|these)|no\s+(?:more\s+)?contact|"
    # Off the list.
    r"(?:take|get|remove|delete|drop|scratch|pull|erase|strike|cross|exclude)\s+(?:me|us|my\s+(?:\w+\s+)?(?:number|"
    r"phone|cell|e-?mail|name|address|info\w*|contact|data|details)|this\s+(?:\w+\s+)?(?:number|"
    r"phone))\b(?!\s+(?:to|in|an?|the)\b)|"
    r"(?:get|be|come|want)\s+off\s+(?:of\s+)?(?:this|your|the)\s+(?:\w+\s+)?list|"
    r"(?:off|from)\s+(?:of\s+)?(?:this|your|the)\s+(?:\w+\s+){0,2}list|"
    r"(?:lose|loose|delete|forget|erase|exclude|scrub|trash)\s+(?:my|this)\s+(?:number|phone|contact|info\w*|data)|"
    r"do\s+not\s+(?:call|contact|text)\s+list|dnc\s+list|black\s*list|"
    r"opt(?:ing|ed|s)?\s*-?\s*(?:me\s+)?out|out\s+of\s+(?:these|this|your)\s+(?:\w+\s+)?list|"
    r"un\s*-?\s*subscrib\w*|unenrol\w*|"
    # I did not agree.
    r"(?:revok\w*|withdraw\w*|rescind\w*)\s+(?:\w+\s+){0,3}(?:consent|permission)|"
    r"(?:consent|permission)\s+(?:is\s+|was\s+)?(?:revoked|withdrawn|denied)|"
    r"(?:not|n.?t|no|never|without)\s+(?:\w+\s+){0,3}(?:my\s+)?(?:permission|consent|authori[sz]ation)|"
    # Anger.
    r"(?:leave|let)\s+me\s+(?:alone|be)|f\W*\s?off\b|(?:fuck|piss|bug|buzz|sod)\s+off|"
    r"screw\s+(?:you|off)|"
    r"(?:this|that|you|these|it)(?:'?s|\s+is|\s+are|'?re)?\s+(?:\w+\s+)?(?:spam\w*|harass\w*)|"
    r"(?:report|block)(?:ed|ing)?\s+(?:\w+\s+)?(?:you|this|number|as\s+spam)|"
    r"(?:wrong|incorrect)\s+(?:phone\s+)?(?:number|person|phone|guy|woman|lady)|"
    # Spanish: no quiero, no me escriban.
    rf"(?:no|ya\s+no|nunca|tampoco)\s+(?:me\s+|nos\s+)?(?:quiero|queremos|deseo|deseamos|necesito|"
    rf"autorizo|acepto|pedi|solicite)\s+(?:\w+\s+){{0,3}}?(?:{_MENSAJES}|recibir|escrib\w+|"
    rf"contact\w+|que\s+me|ser\s+contactad\w|nada\s+de\s+ustedes)|"
    r"(?:no|ni|ya\s+no|nunca|nunca\s+mas|jamas)\s+(?:me|nos)\s+(?:mas\s+)?(?:escrib\w*|mand\w*|"
    r"envi\w*|contact\w*|molest\w*|textee?\w*|vuelva\w*\s+a)(?!\s*(?:la|el|los|las)\s+(?:direccion|horario\w*|"
    r"confirmacion))|"
    rf"no\s+mas\s+{_MENSAJES}|"
    r"(?:no|ni|nunca|nunca\s+mas|jamas)\s+(?:escriban|manden|envien|contacten|molesten|vuelvan\s+a)|"
    r"deje\w*\s+de\s+\w+r(?:me|nos)?\b|(?:borr|elimin|quit)en(?:lo|la|los)\b|par[ae]n?le\s+(?:ya|con|a)\b|"
    rf"(?:deje\w*|deja|para|pare|paren|parad|basta|alto)\s+(?:ya\s+)?(?:de|con|a)\s+(?:los\s+|las\s+|"
    rf"tantos\s+|tanta\s+|sus\s+)?(?:escribir\w*|mandar\w*|enviar\w*|molestar\w*|contactar\w*|"
    rf"llamar\w*|{_MENSAJES}|esto)|"
    rf"demasiad[oa]s\s+{_MENSAJES}|"
    r"(?:dar|darme|denme|dame|dad|deme|dese|darnos|den|doy)\s+(?:me\s+)?de\s+baja|"
    r"(?:quiero|solicito|pido|deseo|tramitar)\s+(?:la|mi)\s+baja|"
    r"(?:borr|elimin|quit|sac|saqu)\w*\s+(?:de\s+)?(?:mi|este|mis)\s+(?:numero|telefono|celular|"
    r"correo|nombre|datos|contacto)|"
    r"(?:borr|elimin|quit|saqu|sac)[a-z]*me\s+(?:de|por|ya|$)|"
    r"(?:dejame|dejenme|dejeme|dejadme)\s+(?:en\s+paz|tranquil\w+)|"
    rf"(?:cancel\w*|deten\w*|terminen)\s+(?:\w+\s+){{0,2}}(?:{_MENSAJES}|suscripcion)|"
    r"(?:numero|persona)\s+equivocad\w|se\s+equivoc\w+\s+de\s+(?:numero|persona)|"
    r"revoco|retiro\s+mi\s+(?:consentimiento|permiso|autorizacion)|(?:no|sin)\s+(?:les\s+)?(?:mi|dar|di|doy)\s+"
    r"(?:consentimiento|permiso|autorizacion)|es\s+(?:spam|acoso)|estan\s+acosando"
    r")"
)

# What sounds like stopping and is about something else. Taken out before anything is looked for.
_BOOKED = (
    r"(?:appointments?|appts?|bookings?|reservations?|visits?|sessions?|slots?|treatments?|"
    r"massages?|facials?|add-?ons?|upgrade|class(?:es)?|services?|waxing|lasers?|"
    r"\d{1,2}(?::\d\d)?\s*(?:am|pm|a\s?m|p\s?m|o'?clock)?|"
    r"(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day)?(?:'?s)?|"
    r"today(?:'?s)?|tonight(?:'?s)?|tomorrow(?:'?s)?|next|last|this\s+(?:week|morning|time))"
)
_RESERVADO = (
    r"(?:citas?|reservas?|reservacion(?:es)?|visitas?|sesion(?:es)?|turnos?|masajes?|facial(?:es)?|"
    r"servicios?|tratamientos?|hora)"
)
# Leaving the plan is a matter for a person, due by law (topics.due_at), and needs an answer in
# writing: it is no stop, unless the same text speaks of messages, of all, or of no more. A
# subscription may be the one to the messages, so that word stays a stop.
_PLAN = r"(?:memberships?|plan|contract|auto[\s-]?renew\w*)\b"
_PLAN_ES = r"(?:membresias?|plan|contrato|mensualidad|renovacion\s+automatica)\b"
_NO_MESSAGES = (
    rf"(?!.*\b(?:{_MESSAGES}|{_MENSAJES}|{_WRITING}|lists?|lista|number|numero|phone|telefono|"
    r"contact\w*|all|every\w*|any\w*|todo\w*|nada|no\s+more|no\s+mas|nunca|never)\b)"
)
_OF_MINE = rf"(?:(?:my|our|the|this|his|her)\s+(?:(?!{_MESSAGES}\b)\w+\s+){{0,2}}?)?"
HARMLESS = re.compile(
    r"\b(?:"
    rf"(?:(?:cancel(?:l?ing)?|end|stop|quit|terminate|discontinue|turn\s+off)\s+{_OF_MINE}{_PLAN}|"
    rf"cancell?ation\s+of\s+{_OF_MINE}{_PLAN}|{_PLAN}\s+cancell?ation|"
    r"(?:cancel(?:ar|en|e|a|o)|anul(?:ar|en|e)|termin(?:ar|en|e)|"
    r"(?:dar|den|de|dame)(?:me|nos|le)?\s+de\s+baja|baja)\s+(?:del?\s+)?"
    rf"(?:(?:mi|la|el|esta|este|nuestr[ao])\s+)?{_PLAN_ES}|"
    rf"deje?n?\s+de\s+cobrar(?:me|nos|le)?\b){_NO_MESSAGES}|"
    r"stop(?:ped|ping|s)?\s+(?:by|in|over|off|at|for\s+(?!god|the\s+love|good|ever|heaven|christ|once)|on\s+(?:my|the)|to\s+(?:see|get|pick))\b|"
    r"(?:bus|metro|train|subway|tram|next|first|last)\s+stops?|non-?\s?stop|"
    r"(?:can\s*'?t|cannot|could\s*n'?t|won'?t|never)\s+stop\s+(?!text|txt|messag|msg|contact|"
    r"writ|bother|bugg|send|spam|harass|call|pester|annoy|e-?mail|buzz|blow)\w+ing|"
    r"stop(?:ped|ping)?\s+(?!text|txt|messag|msg|contact|writ|bother|bugg|send|spam|harass|call|"
    r"pester|annoy|e-?mail|solicit|hitt|buzz|blow|remind|hound|nagg|ping|tax|tec|test|tex|tet|gett|"
    r"receiv|hear)\w+ing\b|"
    rf"(?:cancel(?:led|ling|ing|ed)?|cancell?)\s+(?!(?:this|text|sms|your|the)\s+(?:\w+\s+)?service\b)(?:\w+\s+)?(?:\w+\s+)?{_BOOKED}|"
    rf"{_BOOKED}\s+(?:\w+\s+){{0,2}}cancell?ed|cancell?ation\s+(?:fee|policy|list|charge)s?|"
    r"quit\s+(?:smoking|drinking|caffeine|sugar|my\s+job|work|the\s+gym|retin\w+|\w+ol\b)|"
    r"(?:good|long|soon|early|big|close|strong|warm|old|well|time)\s+enough|"
    r"enough\s+(?!with|of|from|ya|ads?\b|text|txt|messag|msg|already|is\s+enough|e-?mail|spam|"
    r"now|please|pls|promo|offer|stop)\w+|"
    r"stop\s?(?:lights?|signs?)|block\s+(?:off|out|\w+\s+(?:hours?|minutes?))|"
    r"hate\s+to\s+\w+|wrong\s+number\s+of|cancel\s+(?:online|both|one|two|through|in\s+the)|"
    r"(?:i|we)\s+(?:have|need|had)\s+to\s+cancel\s+but|as\s+a\s+walk-?in|"
    r"cancell?ed\s+(?:already|online|it|by|on|yesterday)|my\s+cancell?ation|"
    # Something did not arrive, or should: no complaint about being written to.
    r"(?<!rather\s)(?<!prefer\s)(?<!to\s)(?:did\s?n\s?'?t|did\s+not|do\s?n\s?'?t|never|have\s?n\s?'?t|not)\s+(?:get|got|gotten|receive\w*|see|"
    r"seen|saw|find)\s+(?:the|my|a|an|your|any|it|that)\b|no\s+(?:text|message|e-?mail)\s+"
    r"(?:came|yet|with|has|from)|no\s+(?:me|nos)\s+\w+(?:aron|ieron|llego)\b|"
    r"remove\s+(?!me|us|my|this|all|her|him|the|everything|from|please|pls|now|immediately|number)(?:\w+\s+){0,2}?\w+|"
    r"(?:gel|polish|hair|tattoo|lash|nail|makeup|acrylic|stain|mole)\s+(?:\w+\s+)?removal|"
    r"(?<!who\s)(?:take|get|put)\s+me\s+(?:in|to|down|on|through|an?)\b|take\s+my\s+card|"
    r"(?:end|ends|ending)\s+of|(?:the|will\s+it|does\s+it|it|offer|plan|membership|sale)\s+ends?\b|"
    r"(?:temporada|presion|tarifa)\s+baja|baja(?:s|n)?\s+(?:de\s+(?:precio|peso)|california|el\s+precio)|"
    r"fin\s+de|al\s+fin|en\s+fin|por\s+fin|"
    rf"(?:cancel\w*|anular|mover|cambiar)\s+(?:\w+\s+){{0,2}}?{_RESERVADO}|"
    r"para\s+(?:el|la|los|las|mi|un|una|cuando|que|dos|tres|hoy|manana|ver|mas|este|esta|las)\b|"
    r"parada\w*"
    r")"
)
