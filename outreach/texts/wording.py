"""Words that a text to a guest may not contain, or only where the offer or template says them.

English and Spanish, as patterns over the plain form of a text (outreach.texts.normal): lower case,
no accents. A pattern finds a word whatever ending it carries and whatever stands around it: "no
cure" is found as well as "cures", because a reader remembers the word and not the "no".
"""

from __future__ import annotations

import re


def _pattern(words: str) -> re.Pattern[str]:
    """One pattern from alternatives that are separated by commas and line ends."""
    parts = [part.strip() for part in re.split(r",\s|\n", words) if part.strip()]
    return re.compile(r"(?<![^\W_])(?:" + "|".join(parts) + r")(?![^\W_])")


# A promise about the body, a cure, a medicine. Nobody may send these, edited or not.
CLINICAL = _pattern(r"""
    cur(?:e|es|ed|ing|ative), heal(?:s|ed|ing|er|ers)?, diagnos\w*, prescri\w*, remed(?:y|ies)
    medic(?:al|ally|ine|ines|ation|ations|inal|ated), medicaid, medicare, clinic(?:al|ally)?
    doctor\w*, physician\w*, dermatologist\w*, surgeon\w*, surger\w*, surgical, nurse\w*
    patients?, fda\w*, side effects?, scien(?:ce|tific|tifically|tists?), prov(?:en|e|es|ed) to
    clinically, proven, guarante\w*, permanent\w*, forever younger, pain\w*, ache\w*, soreness
    risk[ -]?free, no risk, zero risk, without risk, hypoallergenic, allerg\w*
    (?:100 ?%?|completely|totally|perfectly|absolutely|always|clinically|entirely) safe
    safe (?:for|during|while|in|to use|even), safest, sterile, wrinkle\w*, crow'?s feet
    fine lines, scars?, scarring, cellulite, stretch marks?, eye bags, acne, eczema, rosacea
    psoriasis, melasma, dermatitis, warts?, moles?, varicose\w*, migraine\w*, headaches?
    arthrit\w*, insomnia, depress\w*, anxiety, anxious, adhd, ptsd, autism, diabet\w*, cancer\w*
    tumou?rs?, infect\w*, inflam\w*, hormon\w*, thyroid, fibromyalgia, sciatica, hypertension
    blood pressure, cholesterol, circulation, covid\w*, virus\w*, flu, bacteria\w*, pregnan\w*
    breastfeed\w*, fertil\w*, menopaus\w*, hair loss, baldness, weight, obes\w*, fat, fats
    calori\w*, inch loss, lose (?:\w+ )?(?:inches|pounds|kilos), slim\w*, tighten\w*, shrink\w*
    melt\w*, burns? off, sculpt\w*, plump\w*, detox\w*, toxin\w*, immun\w*, metabol\w*
    collagen\w*, stem cells?, exosome\w*, serotonin, anti[ -]?ag(?:e|ing)\w*
    ag(?:e|ing)[ -]?defying, rejuvenat\w*, regenerat\w*, (?:years?|decades?) younger
    look(?:s|ing)? younger, younger[ -]looking, youthful\w*, revers(?:e|es|ed|ing)
    eras(?:e|es|ed|ing), eliminat\w*, remov(?:e|es|ed|ing|al), reliev\w*, relief, soothes? pain
    therapeutic\w*, therapy for, treats? your, fix(?:es)? your
    (?:visible|instant|instantly visible|lasting|long[ -]lasting|dramatic|amazing) results
    (?:proven|real|immediate|better|best|stunning|incredible|promised) results, results in
    botox\w*, botulinum\w*, pills?, tablets?, pastillas?, peptid\w*, ketamin\w*, cbd, thc
    cannabis, microdos\w*, iv drips?, drips?, infusions?, vitamin\w*, nad, supplement\w*
    suplement\w*, harmless, inofensiv\w*, dysport, xeomin, jeuveau, juvederm, restylane, sculptra
    kybella, radiesse, fillers?, semaglutid\w*, ozempic, wegovy, tirzepatid\w*, mounjaro, zepbound
    tretinoin, retin-?a, accutane, lidocaine, coolsculpting, morpheus8?, emsculpt\w*, inject\w*
    units?, dos(?:e|es|age|ing), milligrams?, mg, ml, syringes?, antidepress\w*, cura, curas
    curan, curar\w*, curativ\w*, cure tu, sana (?:tu|tus|la|el|las|los), sana, sanan, sanar\w*
    sanador\w*, sanacion, diagnostic\w*, receta\w*, remedio\w*, medicament\w*, medicacion\w*
    medicin\w*, medic[oa]s?, medicamente, clinic[oa]s?, clinicamente, doctor[ae]s?, dermatolog\w*
    cirug\w*, cirujan\w*, enfermer\w*, pacientes?, efectos? secundarios?, cientific\w*, ciencia
    comprobad\w*, demostrad\w*, probado para, garanti\w*, permanente\w*, dolor\w*, sin riesgos?
    cero riesgos?, alergi\w*
    (?:100 ?%?|totalmente|completamente|absolutamente|siempre) segur[oa]s?
    segur[oa]s? (?:para|durante|en el|en la), arrug\w*, cicatri\w*, celulitis, estrias, eccema
    migran\w*, artritis, insomnio, depresi\w*, ansiedad, ansios[oa]s?, tumor\w*, infecc\w*
    hormona\w*, tiroid\w*, presion arterial, colesterol, embaraz\w*, lactancia, fertilidad
    caida del (?:pelo|cabello), calvicie, bajar de peso, baja de peso, perder peso
    perdida de peso, pierde peso, peso, adelgaz\w*, gras[ao]s?, caloria\w*, desintoxic\w*
    toxina\w*, metabolismo, metabolic\w*, colageno, rejuvenec\w*, antiedad, mas joven, anos menos
    elimina\w*, borra\w* (?:tus|las|los|el|la), alivi\w*, terapeutic\w*, resultados, relleno\w*
    inyecc\w*, inyecta\w*, unidades, dosis, celulas madre, reafirma\w*, quema\w*
    """)

# Something given or worth money. Allowed as often as the library's text says it.
BENEFIT = _pattern(r"""
    (?<!feel )(?!(?<=are you )free(?:\?| this| next| some| later| tomorrow| any))free, freebies?
    a (?:third|quarter|fifth) (?:off|less|of), (?:un|una) (?:tercio|cuarto|quinta) (?:menos|de)
    knock, pay (?:what|zero|nothing|half|less), costs? (?:you )?zero, zero, tercio, por mi cuenta
    de mi cuenta, paga (?:lo|la|menos|cero)
    (?:a|the|your) (?:treat|present|surprise) (?:awaits?|waits?|is waiting), something special
    little extra, complimentary, complementary, comp'?d, comped, gratuit\w*, on the house
    (?<!count )(?<!rely )(?<!lean )on us, (?<!count )(?<!rely )on me, our treat, my treat
    treat'?s on, as our guest, courtesy, no (?:charge|cost|fee|fees|payment|bill)
    without (?:a )?(?:charge|cost|fee|paying|payment), zero (?:cost|charge|fee|dollars)
    for nothing, costs? (?:you )?nothing, won'?t cost, not (?:have to )?pay\w*
    (?:don'?t|never|won'?t) (?:have to )?pay\w*, pay nothing, we(?:'ll| will)? (?:pay|cover)
    (?:cover|pick up) the (?:cost|bill|tab|fee), waiv\w*, refund\w*, reimburs\w*, money back
    payback, cash\w*, discount\w*, off your, off the, off any, off all, off every\w*, off next
    half price, half off, half the price, half of the price, at half, price\w*
    reduc(?:ed|tion|tions), cheap\w*, lower rate, special rate, save (?:money|up|big|on), savings?
    bargain\w*, deals?, special offers?, offers?, promo\w*, clearance, on sale, rebates?, credits?
    credited, upgrad\w*, bonus\w*, gifts?, gifted, gift card, present for, prizes?, rewards?
    perks?, points, raffle\w*, sweepstakes?, jackpot, lotter\w*, winner\w*, (?:have|you) won
    vouchers?, coupons?, certificates?, guest pass\w*, add[ -]?ons?, extras?
    two for (?:one|the price), two[ -]for[ -]one, 2 ?for ?1, 2-for-1, bogo, buy one, second one
    double, triple, twice the, 2x, 3x, unlimited, lifetime, for life, forever, paus\w*, freez\w*
    skip a (?:month|payment), months? (?:free|off|more)
    (?:extra|more|added|additional|longer) (?:minutes?|time|credits?|visits?|sessions?|months?)
    gratis, gratuit[oa]s?, gratuitamente, regal\w*, obsequi\w*, cortesia\w*, de cortesia
    invita la casa, invitamos, te invito, por cuenta (?:de la casa|nuestra)
    corre (?:de|por) nuestra cuenta, cargo de la casa
    sin (?:cargo|cargos|costo|costos|coste|costes|pagar|pago|cuota), cero (?:costo|coste|pesos)
    no (?:te )?(?:cuesta|costara|pag\w*|cobra\w*), no tienes que pagar, descuent\w*, rebaj\w*
    oferta\w*, promocion\w*, mitad, medio precio, precio\w*, dos por uno, dos x uno, 2x1, 2 x 1
    3x2, tres por dos, barat\w*, ahorr\w*, saldo, creditos?, mejora, mejoras, bonos?, bonific\w*
    reembols\w*, devol\w*, cupon\w*, vale, vales, premios?, sorteo\w*, ganador\w*, ganaste
    has ganado, puntos, doble, triple, ilimitad\w*, de por vida, para siempre, minutos extra
    pausa, pausas, congel\w*, pase de invitad[oa]s?
    (?:mes|meses|visitas?|sesiones) (?:mas|adicional\w*)
    """)
BENEFIT_EMOJI = frozenset("🎁🎀💰💵💴💶💷💸🤑🏷🎟🎫💳🧧🏆🎰🎉🪙")

# Haste and threats: a text of ours asks, it does not press.
PRESSURE = _pattern(r"""
    urgent\w*, act (?:now|fast|today), hurry\w*, last (?:chance|call|warning|notice|reminder)
    final (?:notice|warning|reminder|call|chance), expires?, expiring, expired
    before it'?s too late, (?:only|just) (?:today|tonight|a few left|hours), today only
    tonight only, don'?t miss, miss out, running out, runs out, while (?:supplies|it) lasts?
    limited time, ends? (?:today|tonight|tomorrow|soon), deadline, immediately, or else
    must (?:pay|call|act|reply|confirm), legal action, lawsuit, lawyers?, court, police, debt\w*
    collection(?:s| agency), penalt\w*, fined, overdue, past due, owe\w*, suspend\w*, terminat\w*
    (?:be|been|is|are) (?:cancelled|canceled|closed)
    lose (?:your|all|the) (?:membership|account|benefits|spot|place|credits?|visits?)
    you will lose, will be charged, charged? your, blacklist\w*, verify your
    confirm your (?:account|identity|card|password|details), password\w*, passcode\w*
    social security, ssn, pin code, security code, bank\w*, routing number, wire transfer
    card number, urgente\w*, date prisa, apresurate, ultima (?:oportunidad|llamada|advertencia)
    ultimo (?:aviso|dia), (?:solo|solamente) (?:hoy|esta noche), caduca\w*, vence, vencid[oa]s?
    antes de que sea tarde, no te lo pierdas, se acaba\w*, se agota\w*, tiempo limitado
    inmediatamente, de inmediato, ahora mismo, debes (?:pagar|llamar|confirmar)
    acciones? legal\w*, demanda\w*, abogad\w*, policia, deuda\w*, cobranza\w*, multa\w*
    suspend\w*, perderas, se te cobrara, contrasena\w*, clave, verifica tu
    confirma tu (?:cuenta|identidad|tarjeta), numero de tarjeta, banco
    """)

# Ways out of our conversation: a guest answers here or calls the location.
CONTACT = _pattern(r"""
    browser, type \w+ (?:\w+ )?into, (?:other|another|sister) (?:salon|spa|place|clinic|studio)
    otro salon, your (?:order|package|parcel|delivery|shipment|refund)
    tu (?:pedido|paquete|envio), has shipped, whats ?app\w*, telegram, signal app, wechat, viber
    messenger, facebook, instagram, insta, tiktok, snapchat, twitter, linkedin, youtube, discord
    venmo, pay ?pal, zelle, cash ?app, bitcoin, crypto\w*, western union, moneygram, apple pay
    google pay, gift cards?, bit ?ly, tiny ?url, link ?tree, dm (?:us|me), direct message
    click\w*, tap (?:here|the|this), link\w*, url\w*, website\w*, web ?site\w*, download\w*
    install\w*, qr codes?, scan (?:the|this), inbox me, email me, mail me at, text me at
    call me at, my (?:number|cell|phone), this number, another number, new number, new location
    new address, pincha\w*, haz clic\w*, da clic\w*, clic, enlace\w*, vinculo\w*, sitio web
    pagina web, descarga\w*, instala\w*, codigo qr, mi (?:numero|celular|telefono), otro numero
    nuevo numero
    """)

# Answers that mean stop; no text may ask for one, whatever it is said to be for.
_STOP_WORDS = r"cancel\w*|end|quit|revoke|unsubscribe|stopall|opt[ -]?out|fin|cancelar|baja|"
r"alto|parar|terminar"
TRAPS = re.compile(
    r"(?<![^\W_])(?:repl(?:y|ying)|answer|respond|text|txt|send|write|type|say|message|key in|"
    r"responde\w*|contesta\w*|envia\w*|escrib\w*|manda\w*|pon|di|teclea)\s+"
    r"(?:(?:us|back|me|with|by|the|word|code|just|only|simply|to|this|message|con|la|palabra|nos|"
    r"solo|un|el|texto|a|este|mensaje|simple|single|quick|or|o)[\s,:]+){0,5}[\"'(]?(?:"
    + _STOP_WORDS
    + r")(?![^\W_])"
)
SHOUTED_STOPS = re.compile(
    r"\b(?:CANCEL|END|QUIT|REVOKE|UNSUBSCRIBE|STOPALL|CANCELAR|FIN|BAJA|ALTO)\b"
)
# The one word a text may ask for, and what its sentence must then say.
STOP_WORD = re.compile(
    r"\bSTOP\b|(?i:\b(?:reply|answer|text|send|type|say|responde|contesta|envia|escribe)\s+"
    r"(?:(?:with|the|word|con|la|palabra)\s+)*[\"'“]?stop\b)"
)
STOP_LINE = re.compile(r"\bSTOP\b")
# In e-mails the header of RFC 8058 is a way out by itself; these name it.
LINK_OUT = re.compile(r"\b(?:unsubscribe link|enlace de baja)\b")
# Asks the guest to write back.
ASKS_FOR_ANSWER = re.compile(
    r"\b(?:answer|reply|respond|write back)(?:ing)?(?: to)? (?:this|our) "
    r"(?:e-?mail|mail|message|note)\b"
    r"|\b(?:answer|reply|respond)(?: with)? (?:stop|start|restart|yes)\b"
    r"|\b(?:just|simply|or) (?:answer|reply|write back)\b|\bhit reply\b|\b(?:answer|reply) here\b"
    r"|\b(?:respond|contest)(?:e|er|a|an|ame|enos) "
    r"(?:a (?:este|nuestro) (?:correo|mensaje|e-?mail)|stop|restart|si)\b"
)
OPT_OUT = re.compile(
    r"opt(?:ing)?[ -]?out|unsubscribe|to stop (?:these|the|getting|receiving|our|all)|"
    r"to end (?:these|the|our)|"
    r"(?:dar(?:te|se|me)?|darse) de baja|no recibir|enlace de baja"
)
# A stop that is talked away.
DENIED = re.compile(
    r"(?<![^\W_])(?:no longer|cannot|can'?t|won'?t|don'?t|do not|does not|doesn'?t|never|"
    r"not possible|unable|"
    r"ignore|disregard|instead of|except|fee|charge\w*|disabled|"
    r"ignora\w*|no puedes|no se puede|ya no|nunca|no funciona|no respondas|excepto|salvo)(?![^\W_])"
)
WAY_OUT_WORDS = re.compile(
    r"(?<![^\W_])(?:stop|unsubscrib\w*|opt(?:ed|ing)?[ -]?(?:out|in)|darte de baja|dar(?:se|"
    r"me)? de baja|"
    r"de baja|suscri\w*|desuscri\w*|cancel\w*|baja)(?![^\W_])"
)

# --- Numbers --------------------------------------------------------------------------------------

# Digits with their sign: $15, 20%, 1.50, 14:30.
NUMBERS = re.compile(r"\d+(?:[.,:/]\d+)*")
_QUANTITY = r"\d+(?:[.,]\d+)?"
PERCENTS = re.compile(rf"({_QUANTITY})\s*(?:%|per ?cent\b|pct\b|por ?ciento\b)")
PERCENT_SIGNS = re.compile(r"%|(?<![^\W_])(?:per ?cent|pct|por ?ciento)(?![^\W_])")
CURRENCY = re.compile(r"[$€£¥¢₹₽₩]")
MONEY = re.compile(
    rf"(?:[$€£¥₹]\s*({_QUANTITY}))|(?:({_QUANTITY})\s*(?:[$€£¥¢₹]|(?:dollars?|dolares|dolar|"
    rf"bucks?|usd|"
    r"euros?|eur|pounds?|quid|pesos?|mxn|cents?|centavos?|grand|k|off|menos|de descuento)\b))"
)
_SMALL = r"one|two|three|four|five|six|seven|eight|nine"
_SMALL_ES = r"un|una|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve"
_BIG = (
    r"ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|"
    r"thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen|half"
)
_BIG_ES = (
    r"diez|once|doce|trece|catorce|quince|veinte|veinticinco|treinta|cuarenta|cincuenta|sesenta|"
    r"setenta|ochenta|noventa|cien|ciento|mil|millon|docena|mitad"
)
_MEASURES = (
    r"per ?cent|pct|por ?ciento|dollars?|dolares|bucks?|euros?|pesos?|pounds?|cents?|months?|"
    r"mes(?:es)?|"
    r"weeks?|semanas?|years?|anos?|visits?|visitas?|sessions?|sesion(?:es)?|minutes?|minutos?|"
    r"points?|"
    r"puntos?|credits?|creditos?|units?|unidades|price|off|de precio|of the price|menos|"
    r"treatments?|facials?|"
    r"massages?|masajes?|services?|servicios?|bookings?|appointments?|citas?|x"
)
# A number in words where it counts something, and any number in words from three up.
NUMBER_WORDS = re.compile(
    rf"(?<![^\W_])(?:(?:{_SMALL}|{_SMALL_ES}|{_BIG}|{_BIG_ES}|another|other|otra?|"
    rf"a)(?:[ -](?:{_SMALL}|"
    rf"{_BIG}|{_SMALL_ES}|{_BIG_ES}|y|and|full|free|whole|more|extra|mas))*[ -](?:{_MEASURES})|"
    r"three|four|five|six|seven|eight|nine|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|"
    r"million|dozen|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|trece|catorce|quince|veinte|"
    r"veinticinco|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|docena)(?![^\W_])"
)
_ONE = r"an?|one|another|una?|otra?"
_OCCASION = (
    r"visits?|service|treatment|massage|facial|booking|appointment|session|minute|week|month|"
    r"visita|"
    r"cita|masaje|servicio|sesion|minuto|semana"
)
HARMLESS_COUNT = re.compile(rf"(?:{_ONE}) (?:{_OCCASION})")
_MONTHS = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    r"septiembre|octubre|noviembre|diciembre"
)
_ORDINALS = (
    r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|fifteenth|"
    r"twentieth|thirtieth|primero|uno|dos|tres|diez|quince|veinte|treinta"
)
DATES_IN_WORDS = re.compile(
    rf"(?<![^\W_])(?:(?:{_ORDINALS}) (?:of|de) (?:{_MONTHS})|"
    rf"(?:{_MONTHS}) (?:the )?(?:{_ORDINALS}))(?![^\W_])"
)
_DIGIT_WORDS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4",
    "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "cero": "0",
    "uno": "1", "dos": "2",
    "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7", "ocho": "8", "nueve": "9",
}  # fmt: skip
_DIGIT_WORD = re.compile(r"(?<![^\W\d_])(?:" + "|".join(_DIGIT_WORDS) + r")(?![^\W\d_])")
# Seven digits or more with nothing but spaces, marks and single letters between them.
PHONES = re.compile(r"\+?\d(?:(?:[^\w]|_){0,4}\d|\s*[a-z]\s*(?=\d)\d){6,}")


def digits_in_words(text: str) -> str:
    """The plain text with digits in place of words for digits: 5 5 5 for five five five."""
    return _DIGIT_WORD.sub(lambda found: _DIGIT_WORDS[found.group()], text)


# --- Links ----------------------------------------------------------------------------------------

_ENDINGS = r"com|net|org|info|io|app|xyz|biz|shop|online|site|link|club|me|co|us|mx"
LINKS = re.compile(
    r"[a-z]{2,10}:/{1,3}\S*|(?:https?|hxxps?|www)\b\S*|xn--\S*|"
    r"[\w.+-]+@[\w.-]+|@\w+|"
    # something.ending, the ending of two letters or more: any domain, known or not
    r"(?<![\w.])[a-z0-9][a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/\S*)?|"
    r"(?<![\w.])[a-z0-9]\.(?:com|co|me|ly|io|gd|cc|to|gl)(?![^\W_])(?:/\S*)?|"
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
SPOKEN_LINKS = re.compile(
    rf"[a-z0-9-]{{2,}}\s*[(\[{{]?\s*(?:dot|d0t|punto)\s*[)\]}}]?\s*(?:{_ENDINGS})(?![^\W_])|"
    rf"[a-z0-9-]{{2,}}\s+\.\s*(?:{_ENDINGS})(?![^\W_])|[a-z0-9-]{{3,}}\.\s+(?:com|net|org|io|"
    rf"xyz|biz)(?![^\W_])|"
    r"[a-z0-9-]{3,},(?:com|net|org)(?![^\W_])|[a-z0-9-]{2,}\s+\.\s+(?:ly|gl|gd|cc)(?![^\W_])|"
    r"[a-z0-9-]{2,}\s*[(\[{]\s*(?:dot|d0t|at|punto|arroba|\.)\s*[)\]}]|(?<![^\W_])(?:arroba|"
    r"slash|http\w*)(?![^\W_])|"
    r"\w+\s+at\s+\w+\s+(?:dot|punto)\s+\w+"
)
# Letters that a program reads, not a person.
ENCODED = re.compile(
    r"\S{30,}|\b[a-z]+[A-Z][a-z0-9]*[A-Z]\w*|\b(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])\w{8,}\b|"
    r"%[0-9a-fA-F]{2}|&\w+;|&#"
)

# Single letters in a row: a word spelled out so that nobody finds it.
SPELLED_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_][\s._*'/|,~-]{1,3}){4,}[^\W\d_](?![^\W_])")

# --- Names ----------------------------------------------------------------------------------------

GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hola|buenos dias|buenas tardes|"
    r"querid[oa]|estimad[oa])[\s,]+(?:there[\s,]+)?([^\W\d_][\w'’-]*)",
    re.IGNORECASE,
)
FIELD = re.compile(r"\{[^{}]*\}")
NAME_TOKEN = re.compile(r"\b[^\W\d_][\w'’-]+")
_FIRST_NAME = re.compile(r"[^\W\d_]+(?:[ '’.-]{1,2}[^\W\d_]+){0,2}\.?")
SENDER = re.compile(
    r"(?:\b(?:[Tt]his is|[Hh]ere is|[Ii]t['’]s|[Ii]t is|[Ww]e are|[Ww]e['’]re|[Ii] am|[Ii]['’]m|"
    r"[Mm]y name is|"
    r"[Gg]reetings from|[Oo]n behalf of|[Ss]omos|[Ss]oy|[Hh]abla|[Tt]e escribe|[Mm]i nombre es|"
    r"[Dd]e parte de)"
    r"\s+(?:the |el |la |your |tu )?)([A-ZÀ-Ý][\w'’&-]*)"
)
# Names that are words too: in lower case, or at the head of a sentence, they are the word.
_ALSO = """
    al alba alma amber angel april art august ave banks bell best bill black blanca bloom blue
    bond book brook brooks brown bush campos carol casa casas chance charity charm cherry
    christian cielo clay cole cook crystal cruz dale dawn day days dean dee dell delicia
    destiny do dolores don dove drew dulce early earnest east eden ella em era estrella eve
    ever faith fe field fields fin fine fisher flor flora flores ford forest fox frank free
    friend gay gene gift gill glad glen glory golden good grace gracia grant gray green guy
    hall hand hazel heart heath heather henna hill holiday holly home hope house hunter in
    iris ivy jack jade jewel joy june justice keen key kind king lake land lane law leal leaf
    leon liberty lily linda little long lord lou love luna luz major mar marina mark marks
    mason may mel melody merry mi miles mira miracle misty monday moon more my nan nice noble
    noel north norma oak olive opal page pan park pat patience paz pearl penny pepper piedad
    pilar poppy power price prince queen rain ramos rey reyes rich rio river rivers rob robin
    rocio rock roman rosa rosas rose rosemary roses royal ruby rush rusty sage sal salud sandy
    santo santos serena serenity shade shaw short sierra silver sky small snow sol soledad
    sonny south spa spring stack star stone story strong sue summer sun sunny sunday sweet
    tiffany tina trinity true valle van vera victoria violet virtud vista wade walker ward
    waters way weeks wells west white wild will win winter wish wolf wood woods worth wren
    young
    """
ALSO_WORDS = frozenset(_ALSO.split())


def is_first_name(name: str) -> bool:
    """A first name as a message may say it: letters, at most three words, and no number in any
    form, raised digits and fractions included."""
    return _FIRST_NAME.fullmatch(name) is not None and not any(c.isnumeric() for c in name)
