"""Ways of saying that messages are not welcome, by what is said: the wide net of
`outreach.intents` behind the clear phrases of `outreach.stop_phrases`. Whatever is caught here
suppresses and goes to a person.

English and Spanish, with the commonest ways in Portuguese and French; in the plain form of
`outreach.normal.plain`, one space between words, no punctuation but apostrophes.
"""

from __future__ import annotations

import re

# --- Spelling -------------------------------------------------------------------------------------

# Short forms and contractions, so that the patterns need one form each.
_SHORT = {
    "u": "you", "ya'll": "you", "y'all": "you", "yall": "you", "ur": "your", "yer": "your",
    "r": "are", "plz": "please", "pls": "please", "plss": "please", "pleas": "please",
    "plzz": "please", "plzzz": "please", "dont": "do not", "don't": "do not", "donot": "do not",
    "dnt": "do not", "don": "do", "doesnt": "does not", "doesn't": "does not",
    "didnt": "did not", "didn't": "did not", "cant": "can not", "can't": "can not",
    "cannot": "can not", "wont": "will not", "won't": "will not", "isnt": "is not",
    "isn't": "is not", "aint": "is not", "ain't": "is not", "arent": "are not",
    "aren't": "are not", "wasnt": "was not", "wasn't": "was not", "hasnt": "has not",
    "hasn't": "has not", "havent": "have not", "haven't": "have not", "wouldnt": "would not",
    "wouldn't": "would not", "shouldnt": "should not", "shouldn't": "should not",
    "couldnt": "could not", "couldn't": "could not", "im": "i am", "i'm": "i am", "ive": "i have",
    "i've": "i have", "id": "i would", "i'd": "i would", "i'll": "i will", "you're": "you are",
    "youre": "you are", "we're": "we are", "they're": "they are", "you've": "you have",
    "we've": "we have", "it's": "it is", "that's": "that is", "thats": "that is",
    "this's": "this is", "she's": "she is", "shes": "she is", "he's": "he is", "hes": "he is",
    "there's": "there is", "theres": "there is", "who's": "who is", "whos": "who is",
    "how'd": "how did", "where'd": "where did", "wanna": "want to", "gonna": "going to",
    "gotta": "got to", "lemme": "let me", "gimme": "give me", "outta": "out of",
    "txt": "text", "txts": "texts", "txting": "texting", "txtin": "texting", "txtn": "texting",
    "txtng": "texting", "textin": "texting", "msg": "message", "msgs": "messages",
    "msging": "messaging", "dis": "this", "d": "de", "m": "me", "q": "que", "fone": "phone",
    "num": "number", "numba": "number", "nbr": "number", "#": "number", "mo": "more",
    "moar": "more", "enuf": "enough", "enuff": "enough", "inuff": "enough", "nuff": "enough",
    "msj": "mensajes", "msjs": "mensajes", "msn": "mensajes", "xfa": "por favor",
    "porfa": "por favor", "xfavor": "por favor", "porfis": "por favor", "kiero": "quiero",
    "kien": "quien", "vaja": "baja", "nomas": "no mas", "mescriban": "me escriban",
    "hmu": "hit me up", "dnc": "do not call list", "sumbody": "somebody", "ppl": "people",
}  # fmt: skip

# Words near enough to one of these are read as it, unless they are words themselves.
_KEYS = (
    "stop text texting messages message messaging remove delete unsubscribe unsubscribed number wrong "
    "person contact contacting alone leave enough harassing harassment bothering annoying quit "
    "cancel texts anymore subscribe receive sending spam scam block blocked report lawyer consent "
    "permission please removed mensajes mensaje escriban escribir manden quiten numero equivocado "
    "molesten borren basta dejen dejenme quiero lista publicidad telefono personas contacten envien "
    "favor bajas revoke optout unsub delete mandar escribiendo"
).split()
# Words of their own that lie near a key.
_REAL = frozenset(
    "top shop step stay stops slop drop stopped stoop store story texas test tests next nest tent "
    "messy massage massages massaging remote removal person's number's wrong wrung prong alone along "
    "aloe clone leaves sleeve leaf heave enough rough tough quiet quite quick quilt suit quits "
    "cancels cancelled canceled cancer pleas pleased pleases release black lock clock blocks flock "
    "reports resort apart lawyers sawyer layer contacts contact contract contest contacted content "
    "sending spending tending lending mending spa span spas swam scan spray spar scar sam stem stamp "
    "stomp atop crop mandan marden mande manda dejan deje deja dejo quite quinto quito quita quiere "
    "quieren lista listo listas vista pista basto pasta casta hasta gasta vasta list last salta "
    "numeros nombre favor favors savor flavor bajan baja caja bajo text texts tests taxes report "
    "received receives receive deceive recent messaged removes remover moved deleted deletes "
    "unsubscribes subscribed subscriber persona persons personal consents consult content leaving "
    "scams slam cram blocking blocker anymore any alert contento personal puedan puede manden "
    "contacto remova quieto quiera quito envio envia envian escriben escriba escribe escribo escribir escribi molesta "
    "molestan molesto molestia borre borran borrar dejemos mensaje permisos lawyer mandare recipe "
    "recieves bag bug test taste texture shot spot spots shops stock stow stopover please place "
    "places lease leased tease pulse palace unsubs cancela cancele cancelen cancelar concel".split()
)


def _near_keys() -> dict[str, str]:
    """Every way to miss one letter of a key (left out, doubled beside, swapped) -> the key."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    found: dict[str, str] = {}
    for key in _KEYS:
        if len(key) < 4:
            continue
        for i in range(len(key) + 1):
            before, after = key[:i], key[i:]
            made = [before + c + after for c in letters]
            if after:
                made += [before + after[1:]]
                made += [before + c + after[1:] for c in letters]
            if len(after) > 1:
                made.append(before + after[1] + after[0] + after[2:])
            for word in made:
                # Short words have too many neighbours: the first letter must stand.
                if len(key) > 4 or word[:1] == key[0]:
                    found.setdefault(word, key)
    for word in (*_KEYS, *_REAL, *_SHORT):
        found.pop(word, None)
    return found


_NEAR = _near_keys()


def spelt(bare: str) -> str:
    """The text with short forms written out and near misses of the telling words corrected."""
    out = []
    for word in bare.split():
        said = _SHORT.get(word)
        if said is None:
            said = _NEAR.get(word.replace("'", ""), word) if len(word) > 3 else word
        out.append(said)
    return " ".join(out)


# --- Pieces ---------------------------------------------------------------------------------------

_W = r"(?:[\w']+ ){0,3}?"  # at most three words between
_W5 = r"(?:[\w']+ ){0,5}?"
_WHO_SENDS = r"(?:you|your|this|these|those|them|it)"
_TEXTS = (
    r"(?:texts?|texting|messages?|messaging|sms|e ?mails?|e ?mailing|notifications?|alerts?|ads?|"
    r"advertis\w+|adverts?|promos?|promotions?|promotional|offers|coupons|specials|marketing|spam|"
    r"solicit\w*|communications?|correspondence|outreach|newsletters?|blasts?|junk|deals|"
    r"contact|updates)"
)
_REACH = (
    r"(?:text(?:ed|ing|s)?|messag(?:e|ed|ing|es)|contact(?:ed|ing|s)?|writ(?:e|ing|ten)|"
    r"bother(?:ed|ing)?|bug(?:ging)?|pester\w*|send(?:ing|s)?|sent|spam\w*|harass\w*|hound\w*|"
    r"nag\w*|reach(?:ing|ed)? out|reach(?:ing)? me|hit(?:ting|tin)? (?:me|us|my|people)|"
    r"e ?mail(?:ed|ing)?|annoy\w*|disturb\w*|stalk\w*|solicit\w*|remind\w*|notify\w*|"
    r"call(?:ed|ing)? (?:and|or) text\w*|blow(?:ing)? up my|ping(?:ing)?|hear(?:ing)? from|"
    r"advertis\w+|include (?:me|us))"
)
_NOT = r"(?:not|never|no longer|without|nor|neither)"
_LISTS = r"(?:lists?|thread|group|chat|texts|messages|program|system|database|records?|registry|these|here|there|this|it|those|this thing)"
_MY = r"(?:my|this|his|her|our|their|the)"
_REF = r"(?:number|phone|cell\w*|mobile|digits|info\w*|data|contact\w*|name|profile|line|address)"

_MSJ = (
    r"(?:mensaj\w+|mensag\w+|textos?|texts?|texteo|correos?|sms|publicidad|propaganda|anuncios|promo\w*|ofertas|"
    r"notificaciones|avisos|whatsapps?|spam|informacion|comunicaciones)"
)
_ESCRIB = (
    r"(?:escri[bv]\w*|mand\w+|envi\w+|contact\w+|molest\w+|texte\w+|busqu\w+|fastidi\w+|"
    r"acos\w+|insist\w+|jod\w+|chingu\w+|hinch\w+|fregu\w+|fregar|llam\w+|chatee\w*)"
)

_ENGLISH = [
    # No more of it.
    rf"\b(?:no|zero|0|without|any|not another|not one more|one less|fewer|less|enough|too many) "
    rf"(?:more |further |additional |other |of |your |these |such |unwanted |damn )*{_TEXTS}\b(?! (?:from|yet|came|has|have|was|number))",
    r"\bno (?:more|mo|further|longer)(?: \w+)?$|^no more\b(?! (?:than|knots|pain|wrinkle|opening|slot|spot|time))|\bno more of (?:this|these|it|your)",
    r"^(?:nothing|no) (?:more|further|else) (?:please|from you)|\b(?:zero|no) (?:\w+ )?contact\b|\bno solicit",
    r"\b(?:do not|not) (?:send|want|need) (?:me )?any ?more\b|\bany ?more of (?:this|these|it|your)\b",
    r"^(?:\w+ )?(?:not|no) (?:any ?more|any longer|wanted|again)(?: \w+)?$|^(?:please )?(?:do|can you|could you)(?: please)? not(?: do this| please)?$|^(?:please )?do not$|^can you not$",
    # Not wanting it.
    rf"\b{_NOT} (?:\w+ ){{0,2}}?(?:want|wanting|wish|desire|like|care|need|require|interested|trying|looking|have time|appreciate|enjoy|accept|welcome)\w* {_W5}(?:{_TEXTS}|{_REACH}|from you|contacted|texted|messaged|on (?:your|this|the|any) (?:\w+ )?list|updated)\b",
    rf"\b(?:no|zero) (?:desire|interest|need|use|wish|time) {_W5}(?:{_TEXTS}|{_REACH}|you|your|anything|this|these|updated)\b",
    rf"\b(?:have|has) no (?:need|use) for\b|\bno need to (?:text|message|write|contact|keep|e ?mail|remind)|\bno need for (?:texts|messages|reminders|these)",
    rf"\bdo not (?:have|need) to (?:keep )?{_REACH}|\bneed not {_REACH}|\byou (?:can|may|guys can|all can|should|need to|got to|have to|must|better|people need to) (?:all )?(?:stop|quit|cease)\b",
    r"\bnot (?:interested|int[eo]rested) (?:in (?:you|this|these|your (?:spa|business|company|services?|salon|messages?|texts?|offers?|stuff|deals?|any|products?|crap)|any(?:thing)?|hearing|receiving|getting)|any ?more|ever|at all|stop|remove|take|quit|leave|and never)|\bno longer interested|\b(?:said|told) (?:\w+ )?(?:i am )?(?:not interested|no)\b",
    r"\b(?:do not|never|no longer|did not) (?:\w+ )?(?:want|wish|like|need|ask for) (?:any of )?(?:this|these|it|them|those|that)(?: \w+)?$",
    rf"\b(?:prefer|rather|like|love|appreciate|grateful|great|happy|happier|better|best|ok|nice|kind|thankful) {_W5}(?:not|no longer|never|stop\w*|without|nothing|you (?:would |did |do )?not) ?(?:\w+ ){{0,3}}?(?:{_TEXTS}|{_REACH}|these|get|receive|this|it)?\b(?<!not the)(?<!not do)(?<!not a)",
    rf"\bcan (?:do|live) without (?:the|these|your|{_TEXTS})|\bspare me\b|\bhope (?:i|we) never\b|\bthe last (?:one|time|text|message|i (?:\w+ )?hear)\b|\bleave me out\b|\bless i hear\b",
    r"\b(?:texts?|messages?|these|this|it|they|you|ads|promos) (?:\w+ ){0,2}?(?:are|is|be) (?:\w+ )?(?:not (?:wanted|welcome|for me|necessary|appreciated)|unwanted|unwelcome|unsolicited|unnecessary|pointless|a nuisance|a bother|out of hand|out of control|excessive|relentless|intrusive|invasive|spam\w*|junk|harass\w*|annoying|ridiculous|too (?:much|many|frequent)|illegal|stupid|driving)",
    r"\bnot for me,? (?:please )?(?:take|remove|stop)|\brefrain from\b|\bnot welcome\b|\bunwelcome\b|\bunwanted\b|\bunsolicited\b",
    # Do not.
    rf"\b(?:do not|never|not to|no one|stop|quit|please not|better not|should not|you not|can not be|had better not|not be) (?:\w+ ){{0,3}}?{_REACH}\b(?! (?:back|you|for me|the address|when|me (?:the|when|if|back|a|your|instead)))",
    r"\b(?:do not|never) (?:\w+ )?(?:ask (?:me )?again|hit|play on|use this (?:number|phone)|come (?:at|after) me|try (?:me|this|that) again|disturb|do (?:this|that|it) again|test me|include (?:me|us))",
    r"\bdo not (?:\w+ )?(?:send|give|need|want) (?:me |us )?(?:any ?(?:more|thing)|another|this|these|stuff|your)\b",
    # Stop, in other words.
    r"\b(?:quit|stop|cease|halt|desist|end|kill|nix|ditch|drop|cut|discontinue|terminate|suspend|deactivate|disable|hold|pause|silence|mute|cool|chill(?: out)?|calm down|lay off|ease up|go easy|turn down|knock off|give it|hold off|slow down|back off|enough|over|done|put (?:a stop|an end) to|shut (?:off|down)|switch off|turn off|shut up|unplug)(?: with| on| of| to)? (?:\w+ ){0,3}?"
    rf"(?:{_TEXTS}|the (?:crap|bs|nonsense|garbage)|it (?:with|already|now|please)|this (?:crap|nonsense|garbage|stuff|thing|service)?$|these)\b",
    r"\b(?:turn|shut|switch) (?:\w+ ){0,2}(?:off|down)$|\b(?:turn|shut|switch) (?:it|this|these|them|me) off|\b(?:turn|shut|switch) off (?:my |the |your |all )?(?:texts?|messages?|notif\w+|alerts?|these|this)",
    r"\b(?:put|bring) (?:a stop|an end) to\b|\btime to (?:end|stop|quit)|\bmake it stop\b|\bstop (?:now|already|please|it now|right now|today|immediately|asap|or|means|everything|completely|at once)\b|\bplease stop\b|\bjust stop\b|\b(?:told|asked|said|want|need|tell|telling|asking|beg\w*|saying) (?:\w+ ){0,3}?(?:to )?(?:stop|quit|cease)\b(?! (?:smoking|using|taking|drinking|my|the|by|in|and|at))",
    r"^(?:\w+ ){0,2}(?:stop|quit|cease|desist|unsub\w*|halt)(?: \w+)?$",
    r"\b(?:stop|cancel|end|quit|unsubscribe) (?:me|us|all|everything|any|anything)\b|\bgive (?:it|me) a (?:rest|break)\b|\b(?:cut|knock) (?:it|that|this) (?:out|off)\b|\bcut (?:the|this|me) (?:crap|bs|out|from|off|bull\w*)\b",
    r"\b(?:how|way|where|what|who|when|want|need|trying|tried|wish|like|able|can i|do i|possible|please|just) (?:\w+ ){0,5}?(?:unsub\w*|opt(?:ed|ing)? ?out|opt ?out|get (?:off|out)|stop (?:these|this|it|the)|turn (?:\w+ )?off|shut (?:\w+ )?off|make it stop|disable (?:these|this)|block (?:these|this|you)|end (?:these|this)|quit (?:these|this)|be (?:removed|taken off)|be off|not (?:get|receive)|come off)\b",
    r"\b(?:opt|otp|opy|oprt|pot)(?:ed|ing|s)?[ -]?(?:me |us )?(?:out|ou|oit|put|otu)\b|\b(?:un|de|dis|dis-?un|de-)[ -]?(?:su[bsc]{1,3}[a-z]*b\w*|list|enrol\w*|regist\w*|join|sign)\b|\bunsub\w*|\bunsus\w*|\bsign (?:me )?(?:out|off)\b|\bopt out\b",
    r"\bwhat (?:part|do you not understand)|\bwhich part of\b|\bhow many times\b|\blast (?:warning|chance)\b|\bfor the last time\b|\b(?:i|we) (?:already |have )*(?:said|told you|asked|replied|texted|typed|requested|unsub\w*|opted out)\b(?= (?:\w+ ){0,4}?(?:stop|no|quit|nicely|multiple|times|already|you to|twice|removal|months?|weeks?|last|remov\w*|out))|\bi said (?:no|stop|enough|quit)\b|\balready (?:opted out|unsub\w*|said (?:no|stop)|asked|told you|replied stop)",
    rf"\b(?:still|keep|keeps|constantly|always|continue|continuing|insist\w*|why|again) (?:\w+ ){{0,4}}?(?:texting|messaging|sending me|contacting|getting (?:these|this|your|texts|messages|spam|someone)|get these|receiving (?:these|this)|writing to me|bothering|spamming|harassing)\b",
    r"\bwhy (?:are you|do you|you|am i|do i|is this|so many|did you|would you) (?:\w+ ){0,4}?(?:text\w*|messag\w*|contact\w*|writ\w*|getting|receiving|get|on this list|on your list|sending|bother\w*|e ?mail\w*)\b(?! (?:charged|a bill|a fee|back))",
    # Off the list, out of the system.
    rf"\b(?:take|get|remove|delete|drop|scratch|pull|erase|strike|cross|exclude|exempt|leave|cut|kick|bump|purge|wipe|scrub|expunge|withdraw|excuse|release|free|pluck|toss|trash|throw|destroy|lose|forget|block|ban|unlist|keep) (?:\w+ )?(?:me|us|my|her|him|our|this (?:number|phone|contact|cell|line)|the (?:number|phone)|mine|my wife|everything you have)\b {_W5}(?:off|from|out|number|phone|cell\w*|digits|info\w*|data|contact\w*|name|profile|records?|line|away|alone|be|immediately|please|now|completely|forever|asap|today|system|entirely|exist|already)\b(?! (?:the )?(?:schedule|books?|calendar|waitlist|wait list|slot|appointment|bill|card|total|account|price|friday|monday|tuesday|wednesday|thursday|saturday|sunday|\d))",
    r"^(?:\w+ ){0,2}(?:remove|delete|erase|exclude|drop|block|unlist|forget|withdraw|decline|blacklist|scratch|excuse|exempt|unfollow|mute|purge|ban) (?:me|us|this|number|contact|all|my \w+)?(?: \w+){0,2}$",
    r"\b(?:i|we|he|she|husband|wife|mom|dad) (?:would )?(?:wants?|need|like|wish) (?:to be )?(?:off|out|removed|taken off|deleted|forgotten|left alone|left out|let out)\b(?! (?:of the|my (?:appointment|schedule))?\w* ?(?:schedule|appointment))",
    r"\b(?:be|am|been|get|got|asked to be|have (?:me|my \w+)|make sure \w+ \w+|confirm \w+ \w+ (?:been )?|please have \w+) ?(?:taken off|removed|deleted|left off|left alone|erased|unsubscribed|excluded)\b",
    r"\boff (?:of )?(?:this|your|the|ur|these|any|that) (?:\w+ )?(?:list|thread|texts|mailing|group|here)|^(?:\w+ ){0,3}off (?:of )?(?:here|this|these)\b|\boff the list\b|\bwant(?:s)? off\b|\bi (?:would like|want|need) (?:out|off)$",
    r"\b(?:do not|no|never) (?:call|contact|text|solicit\w*)(?: or \w+)? (?:list|registry|me|us)\b|\bno[ -]?contact list\b|\b(?:black|dnc|do not)[ -]?list\w*|\bthe dnc\b|\bdo not call (?:list|registry)|\bbe on (?:your|this|the) list\b|\bput me on this list\b|\bon this list\b",
    rf"\b(?:lose|loose|burn|toss|trash|forget|misplace|delete|erase|remove|drop|scrub|discard|destroy|purge|wipe|take out|get rid of|throw away|blacklist|block|pretend) {_W}(?:{_MY} |you (?:do not )?have (?:this|my) )?(?:\w+ )?(?:number|phone|digits|contact|info\w*|data|cell|records)\b(?! (?:of|for|to|is))",
    r"\bleave (?:the |this |that )?(?:group|conversation|chat|me|us|my phone|her|him|my (?:wife|mom|mother|husband|family))(?: (?:the \w+ )?alone| be| out)?\b(?! (?:a|the|my|in|on|some|at|with|your|\d))|\bleave (?:me|us|my \w+|her|him) (?:the \w+ |tf )?(?:alone|be|b|out)\b|\blet me (?:be|live|out|off|alone)\b|\bdelete (?:me|my)|\bremove (?:me|us)\b(?! from the (?:\d|schedule|book|appoint|calendar|waitlist|slot))",
    r"\bright to (?:opt out|be forgotten|erasure)|\b(?:ccpa|gdpr)\b|\bpersonal (?:data|information)\b|\bprocessing of my\b|\bobject to\b|\bto be forgotten\b",
    r"\b(?:revok\w+|rescind\w*|retract\w*|withdraw\w*|revoc\w*) (?:\w+ ){0,4}?(?:consent|permission|authoriz\w*|authoris\w*|agreement)\b|\b(?:not|no|never|lack|without|nor) (?:\w+ ){0,4}?(?:consent|permission|authori[sz]\w*|permit)\b(?! (?:form|slip|th(?:is|at|e) (?:charge|payment)))|^(?:\w+ )?(?:refused?|denied|declined?|reject\w*)(?: all)?(?: messages| texts)?$|\bdecline (?:all|further|any)\b|\bconsent (?:is |was )?(?:\w+ )?(?:revoked|withdrawn|denied)|\bpermission (?:is |was )?(?:revoked|denied|withdrawn)",
    r"\b(?:cancel|end|terminate|stop|discontinue|deactivate) (?:\w+ ){0,3}?(?:texts?|texting|messages?|messaging|messages|sms|alerts|notifications|communications?|promotions|marketing|subscription|sign ?up|enrol\w*|service$|consent|outreach|contact|correspondence)\b|\bcancel (?:me|these|this|everything|all)\b|^(?:\w+ )?(?:cancel+(?:ed|led)?|cancle)(?: \w+)?$",
    # Nobody asked; how did you get it.
    r"\b(?:did not|never|do not (?:\w+ )?(?:remember|recall)|no one|nobody|who|someone|without|not) (?:\w+ ){0,3}?(?:sign(?:ed|ing)?(?: (?:up|me))?|subscrib\w*|ask(?:ed|ing)?(?: for| to)|request\w*|opt(?:ed)?(?: |-)?in|agree\w*|giv(?:e|en|ing)|gave|enrol\w*|join\w*)\b(?! (?:the|a|my) (?:massage|facial|charge|appointment|late|fee|refund))(?! to (?:a|the|this) (?:late|fee|charge))(?= ?(?:$|up|for|to|this|these|you|it|me|your|out|my|any|in\b|anything|permission))",
    rf"\b(?:how|where|who|why|when) (?:\w+ ){{0,5}}?(?:get|got|gotten|gave|find|found|have|has|obtain\w*|sold|know|buy|bought|acquire\w*|come by) (?:\w+ ){{0,3}}?(?:my|this) (?:\w+ )?(?:number|info\w*|phone|cell|contact|name|data|mobile)\b(?! right)",
    r"\b(?:private|unlisted|personal|restricted|work|business|company|landline|emergency) (?:number|phone|cell|line)\b(?=.*\b(?:not|how|get|remove|no|this is|stop)\b)|^this is (?:a |my |an )?(?:\w+ ){0,2}(?:private|unlisted|landline|work (?:phone|cell)|business line|company phone|pager|kids? phone|child)|\bthis is a (?:private|business|company|landline|work)|\b(?:texting|messaging|contacting) a (?:minor|child|kid|landline)\b|\bthis phone belongs to\b|\b(?:emergenc\w+|family) only\b|\bi am (?:only )?(?:[5-9]|1[0-6])(?: years old)?(?: \w+ \w+)?$|\bnumber is (?:private|unlisted|not)\b",
    r"\bi (?:do not|never) (?:even )?(?:know|heard of|have heard of|recognize|recall) (?:who )?(?:you|your|this (?:is|company|number|business|person)|what this is|any)\b|\bnever heard of\b|\bhave no idea who\b|\bno idea who (?:you|this)|\bdo i know you\b|^who (?:the (?:hell|heck|fuck)|tf|tf is|in the world|on earth)|\bwho (?:are|is) (?:you|this) (?:\w+ ){0,4}?(?:why|and (?:why|how|where|what)|stop|people|text\w*|how)\b|^who (?:are|r) you(?: people| guys)?$|\bwho gave\b|\bwho sold\b",
    rf"\bnot (?:be )?(?:text|messag|contact|send|writ|bother|e ?mail)ing (?:me|us|this|any)|\b(?:delete|remove|erase|purge|forget|wipe|destroy) (?:all |everything |any |of )*(?:my |you have |i exist|the )(?:\w+ )?(?:on me|data|records|info\w*|details|exist|number|history)?|\bdata (?:deleted|removed|erased)|\bexpect no (?:more|further)|\bkeep (?:my number )?out of",
    r"\bnot want to hear (?:any|from|a)\w*|\b(?:heard|seen|read|gotten|got|had|received) (?:more than )?enough (?:from|of|out of)|\bno need to (?:keep|send|contact|text)\w*|\bleav(?:e|ing) me (?:off|out)|\bcan not have these\b|\bnot wish to (?:get|receive|be|hear|have)|\b(?:prefer|rather|like) (?:i |to |that you |you |if you )?(?:would |did |do )?not (?:to )?(?:get|receive|be (?:contacted|texted|messaged|on)|have (?:these|texts|messages)|hear|send|sent|text|message|contact)\b",
    r"\bwho (?:put|added|signed|enrolled|listed) (?:me|us|my)\b|\b(?:added|signed up|enrolled|registered|listed|subscribed) (?:\w+ )?(?:by mistake|without (?:asking|me|my|permission)|by accident|as a joke)|\bnever opted in|\bnot opt(?:ed)? in\b|\bnobody (?:\w+ )?(?:wants?|asked|signed)|\bis not nobody\b|\b(?:not|is not) (?:my|her|his|their|the) (?:number|phone|name|cell)\b|\bnumber for [a-z]+$(?<!for booking)(?<!for appointments)|\bex (?:wife|husband|girlfriend|boyfriend)\b",
    r"\basked (?:you |u )?(?:\w+ )?(?:\w+ )?times\b|\bnot ask (?:you )?again\b|\bnot (?:now|today) (?:and )?not ever\b|\bsee (?:you|ya) never\b|\bnothing further\b|\blet me have (?:some )?peace\b|\b(?:i am|im) (?:so )?(?:done|finished|through) with (?:this|it|you|your|these|all of)|\bcount me out (?:of|please)|\bend (?:of )?(?:transmission|conversation)|\b(?:kill|drop|ditch) (?:this|it)$|\b(?:fu|fk u|f u)$|\bget out of here with|\bwhat the (?:hell|heck|f)\b|\bwhat is wrong with you|\bowe me \$?\d+|\bper (?:text|message|violation)\b|\bforward\w* to my|\bpolice (?:will|are)|\bregret\b|\b(?:stupid|damn|dumb|freaking|freakin|effing|goddamn|bloody|crappy) (?:\w+ )?(?:ads?|texts?|messages?|promos?|spam)|\byou text (?:\w+ )?more than|\blay off$|^(?:please )?(?:deny|denied|lose it|scat|shoo|begone|get out|good riddance|nuh uh|nada mas|over it|expired)$",
    # A word of the law that is left when all else has been taken out.
    r"\b(?:stop|stopp|quit|unsub\w*|opt ?out|revoke[ds]?|desist|cease|remove[ds]?|spam\w*|scam\w*|harass\w*|intrusive|phishing|unsolicited)\b|\b(?:enough|quit|stop)$|\b(?:to|please) cancel(?: please| now| it| this| thanks?)?$|\bcancel (?:\w+ )?account\b",
    # The wrong person.
    r"\b(?:wrong|incorrect|mistaken|rong|wong) (?:\w+ )?(?:number|numbr|numb\w*|phone|person|people|one|guy|gal|lady|woman|man|dude|girl|cell|contact|recipient|#)\b(?! (?:of|for the (?:front|booking)|to (?:book|call)))|^wrong$|\bnumber(?:'s| has been| is| was)? (?:been )?wrong\b|\bnot the (?:right|correct) (?:number|person|phone|one)\b|\bnot the person\b|\bmisdial",
    r"\b(?:not|was not|is not|were not) (?:meant|intended|for) (?:for )?(?:me|us|this number)\b|\b(?:meant|intended|for) (?:for )?(?:someone|somebody) else\b(?! can)(?<!booking for someone else)|\b(?:looking|searching|trying) (?:for|to reach) (?:\w+ )?(?:someone|somebody) else|\bsome(?:one|body) else'?s (?:number|messages?|texts?|phone)|\bconfus\w+ (?:me )?with\b|\bmixed (?:me )?up with\b|\bnot who you think\b|\bthink i am (?:someone|somebody)",
    r"^(?:(?:sorry|hi|hello|no|nope|um|uh|but|actually|hey) )*(?:i am|this is|that is|it is|im) not (?!sure|able|happy|free|feeling|coming|available|well|going|in\b|a\b|the\b|urgent|good|great|interested|home|ready|here|working|really|convinced|certain|too|so|very|at\b|on\b|bad|comfortable|too|it|fair|right|ok|okay|what|how|because|that|my\b|an?\b|your fault|enough|fun|cheap|loud|picky|done|over|late|early|near|far|from)[a-z]+(?:'s)?(?: [a-z']+){0,3}$",
    r"^(?:(?:sorry|no|nope|hi) )*not (?!sure|able|happy|free|now|today|yet|this|really|that|too|bad|interested|me\b|my|for|at|a\b|right|the|until|tomorrow|good|great|in|on|enough|available|tonight|necessary|ready|here|so|very|much|likely|feeling|going|working|soon|coming|cool|fun|only|till|before|after|well|possible|to\b|all|quite|fair|convinced|home|mon|tue|wed|thu|fri|sat|sun|anything|true|bothered|worth)[a-z]+(?:'s)?(?: (?:phone|number|wrong|here|sorry|anymore|stop)){0,3}$",
    r"\b(?:no|not any|never any|there is no|there is not a(?:ny)?) (?:[a-z]+ )?(?:here|at this (?:number|phone)|with that name|by that name|named \w+)\b(?<!not here)|\b(?:nobody|no one|noone|anyone|anybody|somebody|someone) (?:\w+ ){0,2}?(?:by|with|of|named|called) (?:that |this )?(?:name\b|\w+)|\b(?:do not|dont) know (?:a|any|who) [a-z]+$|\bwho (?:is|the heck is) (?!this|the|my|your|it|that|working|available|doing|in|on|free|open|best|new|calling|there|going|texting|a\b|an\b|next|at|with|covering|good)[a-z]+$|\bi do not know (?:a|any) [a-z]+\b",
    r"\b(?:reassigned|previous owner|new owner of this|changed owners|used to be \w+(?:'s| s)? (?:number|phone)|old owner|prior owner|belongs to (?:me now|someone|somebody|another)|got this number|has this number|had this number|have this number now|number (?:now )?belongs)\b|\b(?:not|no longer|does not|never) (?:\w+ ){0,3}?(?:have|has|own|use|uses|using|her|his|s|their) (?:this |that )?(?:number|phone|cell)\b|\bno longer (?:her|his|their|\w+'s) (?:number|phone)|\bkeep getting (?:\w+ ){0,2}(?:texts|messages|calls) for\b|\bgetting (?:someone|somebody) else\b|\btexts? (?:are|is) for\b",
    r"\b(?:not (?:your|a|an) (?:customer|client|patient|guest|member)(?:$| (?:of|and|any ?more|never|stop|here|at|who|please))|not a (?:customer|client)|never (?:been|was|were|visited|went|a (?:member|customer|client))(?: \w+){0,4}$|have never been (?:to your|there|in your|a)|never (?:been|visited) (?:to |your |there)|never was)(?! (?:better|happier|but|had|so))",
    r"\b(?:no longer|not|stopped|quit|haven't|have not) (?:\w+ ){0,4}?(?:a |your |being a )?(?:client|customer|member|patron|going (?:there|to your)|go there|been a member)(?:$| (?:of|any ?more|since|there|here|with|so|please|at|stop|any longer|why))|\bex[ -](?:member|client|customer)|\b(?:former|old) (?:client|customer|member)\b|\b(?:left|quit|dropped) (?:your|you guys|the) (?:spa|salon|place|gym|club)|\b(?:go|going|went|switched|found) (?:\w+ ){0,2}?(?:somewhere else|elsewhere|another (?:place|spa|salon)|to a(?:nother)? (?:different|competitor))\b|\bmembership ended\b|\bcancell?ed (?:with you|my (?:membership|account))",
    r"^(?:(?:hi|hello|sorry|hey) )*(?:i|we) (?:have |ve |just )?(?:moved|relocated|move)(?: \w+)? ?(?:away|out of (?:state|town|the area|country)|to (?!my|the (?:new|other)|a new|friday|monday|\d)[a-z]+|years?|last|overseas|abroad|for good|states|cities|ago|\d).{0,60}$|\bno longer (?:in|live|living) (?:\w+ ){0,2}?(?:area|here|there|town|state|city|country)\b|\b(?:do|does) not live (?:\w+ )?(?:here|there|in the area|near|anywhere)\b|\blive in another\b|\bno longer (?:lives?|works?|with us|employed)\b(?! \w+ (?:but|is))|\bdoes not (?:live|work) here|\bmoved (?:away|out of state)\b",
    rf"\b{_TEXTS} (?:\w+ ){{0,3}}?(?:to (?:stop|end|quit|cease|go away)|(?:got|have|has|need|must|should) to (?:\w+ )?(?:stop|end|quit|cease)|(?:must|should) (?:stop|end|cease))\b|\b(?:these|this|it|they) (?:\w+ ){{0,2}}?(?:has to|have to|got to|needs? to|must|should) (?:\w+ )?(?:stop|end|quit|cease)\b|\bwant (?:this|these|it|them) (?:to )?(?:end|stop|gone|over)|\b(?:is|will|when will|does) (?:this|it) (?:ever )?(?:going to )?(?:end|stop)\b|\bmake (?:these|this|it|them) (?:stop|go away|end)",
    rf"\b(?:not a fan of|no fan of|not into|over|against|opposed to|not ok\w* with|not okay with) (?:being |these |your |the |getting )*(?:texted|messaged|contacted|{_TEXTS})|\b(?:texting|messaging) me (?:is|was) (?:not|un\w+|rude|in\w+)|\bchanged my mind about (?:\w+ )*{_TEXTS}|\btake back my (?:permission|consent)|\b(?:withdraw\w*|unenroll?\w*|exit\w*|leav(?:e|ing)|resign\w*) (?:\w+ )?from (?:\w+ )?{_TEXTS}|\bpass on (?:any |all |the |your )*(?:future|further|more) \w+|\b(?:save|keep|waste) (?:your|it|my) (?:{_TEXTS}|time|breath|to yourself)\b|\bwasting (?:my|your) time\b|\btake (?:a|the) hint|\b(?:some|got|the) nerve\b|\bnothing to do with (?:you|your)|\bno relationship with|\bhow come i am getting|\bwho authorized you|\bmust (?:be some mistake|have the wrong)|\b(?:preferences?|setting) to (?:none|no|do not)|\b(?:texts?|messages?|sms) (?:are|is) a no\b|\bnot by (?:phone|text|sms)|\bcharged? (?:me )?for (?:every |each )?texts?",
    r"\b(?:have|gave|got|has) (?:you )?(?:a |the )?(?:fake|wrong|bad|old) (?:number|info\w*|contact|chick|guy|girl)|\bmeant to (?:text|message|send)|\b(?:is now|now) (?:assigned|belongs?|someone)|\bassigned to (?:someone|somebody|a different|another)|\bchanged (?:her|his|their) number|\b(?:his|her|[a-z]+'s) (?:phone|number|cell) now\b|\bnever (?:booked|bought|had a membership|been a (?:client|member|customer)) (?:\w+ )?(?:with|from|any)|\bnot in your system|\bno clue what this|\bwhat is this nonsense|\bhow on earth\b|\bgone (?:\w+ )?years\b|\bi (?:have )?saved (?:\w+ ){0,3}screenshots?|\bto (?:my lawyer|the authorities|my attorney)\b|\bhear from my (?:lawyer|attorney)|\bbreaking (?:\w+ )?law|\bblock list\b|\bi dare you\b|\byou (?:\w+ )?(?:text|message) (?:\w+ )?(?:too much|constantly|a lot|too often)|\b(?:can you|you need to|please) chill\b|\bnobody cares about your",
    # The dead.
    r"\b(?:deceased|passed away|passed on|executor|rip\b|no longer (?:with us|living|alive)|gone to be with|rest in peace|nursing home|dementia|in hospice)\b(?!.*\b(?:reschedul\w*|my appointment|move|cancel (?:my|the)|can i|could i|come)\b)(?<!dog passed away)(?<!cat passed away)|\b(?:she|he|mom|mother|dad|father|wife|husband|sister|brother|grandm\w+|son|daughter|[a-z]+) (?:has |is |just |was )?(?:died|dead|passed)\b(?!.*\b(?:reschedul\w*|appointment|can i|could i|come|tired|charge\w*|battery|it s)\b)(?<!phone died)(?<!battery died)(?<!dog died)(?<!cat died)(?<!car died)(?<!phone is dead)(?<!phone was dead)(?<!battery is dead)(?<!am dead)(?<!laptop died)(?<!dog passed)(?<!cat passed)(?<!time passed)(?<!who died)(?<!my phone just died)|\b(?:we|i) lost (?:her|him|my (?:mom|mother|dad|father|husband|wife|sister|brother))\b|\bdied (?:last|in|on|two|three|this|and|years?|ago|\d)",
    # Anger.
    r"\b(?:f+u+c+k+\w*|fuk\w*|fck\w*|fvck\w*|fk off|f you|f off|f u|eff (?:you|off)|stfu|gtfo|shut (?:the \w+ )?up|shut it|screw (?:you|off|this)|piss off|pissed off|pissing me|bug off|buzz off|bugger off|naff off|sod off|back off|get lost|get bent|get stuffed|go to hell|go away|go f|bite me|kiss my|eat shit|drop dead|kick rocks|take a hike|scram|beat it|shove (?:it|your|this|off)|get (?:off|out of) my|off my (?:back|phone|case|line)|get away from|stay (?:away|off|out) (?:from|of|my)|keep away|keep (?:your|ur) (?:\w+ )?(?:offers|ads|texts|messages|promos|deals|to)|miss me with|ass ?holes?|morons?|idiots?|creeps?|go bother|get a life|to hell with|damn (?:texts?|messages?|you|it stop))\b",
    r"\b(?:sick|tired|fed up|done|over|through|finished|had it|hate|hating|despise|can not stand|loathe|exhausted|bored) (?:\w+ ){0,2}?(?:of|with|by|hearing|getting|your|these|these texts|all these)? ?(?:\w+ )?(?:you|your|these|this (?:crap|texting|spam)|texts|messages|texting|spam|ads|bots|notifications|hearing|it with)\b|^(?:so |i am |i have |we are |im )*(?:so )?(?:over it|had it|fed up|done|finished|through|sick of (?:it|this))(?: here)?$|\bgetting on my (?:last )?nerves?\b|\bdriving me\b(?! home)",
    r"^(?:(?:this|that|it|you|these|so|is|are|very|soo+|really|guys|quite|super|extremely) )*(?:annoying|irritating|obnoxious|intrusive|creepy|harass\w*|excessive|relentless|spam\w*|scam\w*|junk|fraud|fake|bogus|phish\w*|unwanted|unsolicited|too much|overkill|way too (?:much|many)|pathetic|desperate)(?: (?:af|text|texts|mail|alert|messages|already|people|daily|stop|it stops?|you|guys|stuff|from you))*$|\byou (?:are|guys are|people are|text|message|bother|keep|send) (?:\w+ )?(?:annoying|harass\w*|spam\w*|bugging|bothering|too (?:much|many|often)|constantly|every ?day|all the time|me every|relentless|so annoying|pests?)\b|\btoo many (?:texts|messages|of these)|\bway too (?:many|often)\b|\bso many (?:texts|messages)|\b(?:3|4|5|three|four|five) texts\b",
    r"\b(?:is|are|looks? like|smells? like|feels? like|nothing but|as|for|more|reported|marked?|flagg\w+|total|obvious|pure|just) (?:\w+ )?(?:a )?(?:spam|junk|scam|phishing|fraud|harassment|bot)\b(?! folder)|\b(?:scam|spam)(?:mer|ming|med)s?\b(?! you with)|\binvasion of\b|\bharass(?:ed|ing|ment)\b|\bstalking me\b|\bblow(?:ing)? up my (?:phone|cell)|\bphone will not stop|\bnot another\b|\banother one really\b|^(?:not |you |really )?again$|\bdo you know what time\b|\bwoke me\b|\bcosts? me (?:money|per)|\bpay (?:for each|per|for every) (?:text|message)|\bin the middle of the night\b|\bat (?:midnight|dinner|\d+ ?am)\b.{0,25}(?:rude|quit|stop)|\b(?:text|message)\w* me (?:at|this) (?:\w+ )?(?:\d+ ?(?:am)?|night|late|early|midnight)",
    r"\b(?:my|an|our|the) (?:lawyers?|attorneys?|legal team)\b(?=.*\b(?:contact\w*|hear|call|touch|forward\w*|involved|letter|talk\w*|know|expect|notif\w*)\b)|\bcall (?:a|my) (?:lawyer|attorney)|\b(?:contact|contacting|call|calling|get|hire|hearing from|call from) (?:a |my |an )?(?:lawyer|attorney)\b|\b(?:tcpa|fcc|ftc|bbb|7726|attorney general|consumer protection|class action|do not call registry|legal action|press charges|cease and desist|small claims|better business)\b|\bsue (?:you|this|your|if)|\bi will sue\b|\bsee you in court\b|\bviolat\w+\b|\b(?:it is |this is |that is )?(?:illegal|against the law|unlawful)\b|\b(?:calling|call|called|told) the (?:police|cops)|\bformal notice|\bwritten notice|\bdocument\w* every|\bfinal (?:notice|warning)",
    r"\b(?:will|going to|am|about to|have to|make me|next text i|consider yourself|and|or|be|you are|now) (?:\w+ )?(?:block\w*|report(?:ed|ing)?)\b(?! (?:off|out|my|the (?:time|afternoon|day)))|^(?:\w+ )?(?:block\w*|reported|reporting)(?: (?:this|you|and \w+|bye|number|to \w+))*$|\b(?:block|report)(?:ing|ed)? (?:you|this|as)\b|\breport(?:ing|ed)? (?:\w+ )?(?:this|you|it|to (?:my carrier|verizon|the|at))",
    r"\b(?:if (?:you|i)|next (?:text|time|message)|one more|another|keep|send one|text me) (?:\w+ ){0,6}?(?:text\w*|message\w*|again|these|contact\w*|one more|more)\b.{0,40}\b(?:lawyer|report|block|sue|regret|police|leaving|cancel|blast|bad review|yelp|see what happens|legal|consequences|charge)\b|\btext me again\b|\btry me\b|\bor else\b|\byou will regret\b|\bdo not make me\b",
    # Enough; goodbye.
    r"^(?:(?:ok|okay|that is|that'll|that ll|thats|i have had|had|i have|quite|aight|alright|please|just|ya|enough) )*(?:enough|do)(?: (?:is enough|already|now|please|of (?:this|you|your)|from you|thanks?))*$|\b(?:had|heard|quite|more than) enough (?:of|from|with)\b|\bhad enough$|\bthat will do$|\benough (?:of|with) (?:the|this|these|your|you)\b",
    r"^(?:(?:ok|okay|please|just|no|and|goodbye|peace) )*(?:bye|good ?bye|bye bye|bye felicia|so long|farewell|adios|never(?: ever| again)?|exit|leave|abort|out|hush|quiet|silence|zip it|mute|negative|refuse[ds]?|not it|do less|dnd|do not disturb|withdraw|sign off|over and out|conversation over|it is over|we are (?:over|done)(?: here)?)(?: (?:please|me|blocked|now|this))*$|\bend of (?:conversation|story|discussion)\b|\b(?:wish|want)(?:es|s)? to be left alone\b|\b(?:respect|value) my (?:privacy|wishes|space|time|inbox|peace)\b|\bmy privacy\b|\bleave well enough\b|\bpeace and quiet no\b|\bwant (?:some |my )?peace\b|\bdoing too much\b|\bkeep my (?:number|info) out",
    r"\b(?:only|instead|rather|prefer) (?:\w+ ){0,3}?(?:contact|e ?mail|mail|call|phone)\b.{0,20}\b(?:no|not|never) (?:\w+ )?text|\b(?:do not|no longer) (?:do|use|accept|read|answer|check|reply to|respond to|like) texts?\b|\bno texts?\b|\bemail only\b|\bonly (?:contact|e ?mail|reach) me by (?:e ?)?mail|\bi do not text\b|\bnot use this (?:number|phone)|\bnot by text\b",
    r"\b(?:she|he|they|husband|wife|mom|mother|dad|father|son|daughter|nobody here|household) (?:\w+ )?(?:does not|no longer|do not|wants?|asked|is not|has asked|said) (?:\w+ ){0,4}?(?:texts?|messages?|these|contact\w*|off|interested|you to stop|stop|removed|solicit\w*)\b",
    r"\byou (?:do not|did not|have no|never) (?:\w+ )?(?:have|had|got|get|right|business) (?:\w+ ){0,3}?(?:permission|consent|right|my number|texting|to (?:text|contact))\b|\bno right to\b",
    r"\bcame? (?:down|over) there if\b|\bi (?:will|ll) (?:call|reach out|let you know|contact you|book) (?:\w+ ){0,6}?(?:do not|no need|quit|stop|you do not need)\b|\bwhen i (?:want|need) .{0,50}\b(?:quit|stop|do not|no need)\b",
]

_SPANISH = [
    rf"\b(?:no|ya no|nunca|jamas|ni|tampoco|sin|nada de|cero|basta de|ningun|ni un|no mas|menos|tant[oa]s?|demasiad[oa]s?|puros?|much[oa]s?) (?:\w+ ){{0,5}}?{_MSJ}\b(?! (?:de confirmacion|con la))",
    r"\bno (?:me |nos |le |lo |la |les )?(?:quiero|quisiera|deseo|necesito|ocupo|interesa\w*|acepto|autorizo|autorice|pedi|solicite|gusta\w*|inscribi|di|apunte|registre|suscribi|quieren|queremos|desea|quiere) (?:\w+ ){0,4}?(?:mas|nada|esto|est[oa]s|eso|recib\w*|saber de|saber mas|que me|que nos|escri\w*|contact\w*|de ustedes|sus|su (?:lista|publicidad)|estar en|estos|autorizacion|permiso|a esto|ser)\b(?! (?:cita|hora|dolor|pelo|masaje|facial))",
    r"^(?:(?:hola|gracias|por favor|ok|pero|que|y) )*(?:ya )?no (?:lo |los |me )?(?:quiero|interesa|deseo|gracias no|mas|manden|escriban|envien|insist\w+|molest\w+|jod\w+|chingu\w+)(?: (?:mas|nada|esto|gracias|por favor|ya|saber|porfa|nunca))*$",
    rf"\b(?:ya )?(?:no|nunca|ni|jamas|nunca mas|que no|tampoco) (?:mas )?(?:me |nos |le |les |lo |te |se |que )*(?:esten |vuelvan? a |vuelvas a |sigan? |vayan? a |anden )?(?:me )?{_ESCRIB}\b(?! (?:la direccion|el horario|la confirmacion|para confirmar))(?<!no me molesta)(?<!no me llamaron)(?<!no me mandaron)(?<!no me han llamado)(?<!no me escribieron)(?<!no me contactaron)(?<!nadie me llamo)",
    rf"\b(?:dej[aeo]\w*|dejad|para|pare|paren|pares|parar|parad|alto|cese\w*|evit\w+|abstenga\w*|terminen|acaben|basta|suspend\w+|deten\w+|deje|dejense) (?:ya |por favor |con |a |de una vez )*(?:de |con |a )?(?:los |las |sus |tus |tant[oa]s? |eso|estos? |el )*(?:me )?(?:{_ESCRIB}|{_MSJ}|esto|eso)\b",
    r"\b(?:ya )?(?:par[ae]n?le|cort[ae]n?l[ae]|parala|paren|basta|alto ya|detente|detengan\w*|callen?se|callate|larg[ua]\w+se|lar?gate|fuera|suficiente)\b(?! (?:de dolor|una|un|con una|la hora|tiempo|para|en))|^(?:\w+ )?para (?:ya|por favor)$|^(?:ya )?(?:estuvo|stubo)(?: bueno)?\b|\bfue suficiente\b|\bya basta\b(?! de dolor)|^para (?:un poco )?(?:con|de)\b",
    r"\b(?:nunca mas|nunca jamas|ya no mas|no mas de esto|no mas por favor|ni uno mas|ya no por favor|no mas)(?: \w+)?$|^(?:por favor )?(?:ya )?no mas\b(?! (?:de|que|una|un|el|la|es|tengo|quiero))",
    r"\b(?:quit[ae]\w*|saque\w*|saca\w*|borr[ae]\w*|elimin[ae]\w*|retir[ae]\w*|exclu\w+|suprim\w+|desuscri\w+|anul\w+|tach\w+|olvid\w+|pierd\w+|remuev\w+|remov\w+|sak\w+|kit\w+|bor+[ea]n\w*) (?:\w+ ){0,4}?(?:lista|numero|telefono|celular|datos|contacto|nombre|base de datos|registros?|sistema|aqui|ahi|de mi|mensajes|esto|suscripcion|d la lista)\b(?!.*lista de espera)|\b(?:quiten|quite|quita|saquen|saque|saca|borren|borre|borra|elimine?n?|elimina|retiren|desuscriban|desuscribe|excluyan|sakenm|boren|quiteme|kiten|remuevan)(?:me|nme)\b(?! (?:el|la|los|las|del horario|un|una|de la (?:lista de espera|cita)))|\b(?:borrenme|borrame|quitenme|quitame|saquenme|sacame|eliminenme|eliminame|retirenme|sakenme|borenme|excluyanme|desuscribanme|desuscribeme|bloqueenme)\b(?! (?:el|la|los|las|del horario|de la (?:lista de espera|cita)))|\bquit[ae]r(?:me|an|a) de (?:la lista|sus|su)\b(?! de espera)|\bme (?:quite|quiten|borre|borren|saquen|saque|quitaran|elimine\w*|den de baja)\b(?! (?:el|la|los|las|del horario))",
    r"\b(?:dar|dad|den|de|dame|darme|denme|deme|dadme|doy|dan|tramit\w+|pido|solicito|quiero|mande|puse)(?:me)? (?:\w+ ){0,2}?(?:de )?(?:la |mi )?baja\b(?! (?:de la (?:membresia|mensualidad)|presion|temporada))|^(?:\w+ )?baja(?: \w+){0,2}$(?<!planta baja)(?<!presion baja)|\b(?:salir|salirme|salgo|me salgo) (?:\w+ )?(?:de )?(?:la lista|esto|aqui|este)|\b(?:quiero|me quiero|quisiera) salir(?:me)?$|\bdesuscri\w+|\bsuscripcion\b|\bme suscribi\b",
    r"\bcomo (?:\w+ ){0,3}?(?:me doy de baja|cancelo (?:estos|los|sus|esto)|no recib\w+|me salgo|me quito|no me lleguen|dejo de recibir|paro (?:esto|estos))|\bno me lleguen\b|\bcancel\w* (?:\w+ ){0,2}?(?:mensajes|texts|textos|mi numero|esto|todo|suscripcion|publicidad|notificaciones)\b",
    r"\b(?:revoc\w+|retir\w+|no (?:\w+ ){0,3}?(?:tienen|tiene|cuentan|di|doy|dieron|dimos|autoriz\w*)|sin) (?:\w+ ){0,3}?(?:autorizacion|permiso|consentimiento)\b|\bno autoriz\w+\b|\bmi privacidad\b|\bderecho\w* (?:de|arco)\b|\beliminen mis datos\b",
    r"\b(?:numero|persona|num|tel\w*) (?:\w+ )?(?:equivocad\w+|incorrect\w+|ekivocad\w+|equibocad\w+|errone\w+|que no es)\b|\bse equivoc\w+\b(?! (?:de (?:dia|hora|fecha|precio)|en (?:el|la)|con (?:el|la)))|\b(?:esta|estas|estan) equivocad\w+\b|\bwrong numero\b",
    r"\bno soy (?:la |el |esa |yo|quien|su |client\w+|de (?:ahi|alli)|[a-z]+$)(?<!no soy la primera)|\bno soy (?!puntual|segur|alergic|muy|buen|miembr|capaz|tan|de las)[a-z]+\b$|\bno (?:conozco|vive|hay nadie|existe|se encuentra) (?:\w+ ){0,3}?(?:ningun\w*|con ese nombre|aqui|a nadie|persona)\b|\bno los conozco\b|\bno se quien(?:es)?\b|\bno (?:la|lo|le) conozco\b|\baqui no vive\b|\b(?:esa|la|esta) persona (?:\w+ ){0,2}?(?:no|ya)\b|\bya no (?:es|tiene) (?:\w+ )?(?:su |este |ese )?numero|\bnumero (?:ya no|ahora|no) (?:es|le pertenece)|\bcambio de numero\b|\ba quien buscan?\b|\bya no es de\b|\beste numero (?:ya no|no)\b",
    r"\b(?:de donde|como|quien|por que|xq|porque) (?:\w+ ){0,3}?(?:sac\w+|consigui\w+|obtuv\w+|tien\w+|dio|dieron|tuvieron) (?:\w+ ){0,2}?(?:mi|este) (?:numero|telefono|celular|contacto)\b|\bpor que (?:me |nos )?(?:siguen |estan? )?(?:escri\w+|mand\w+|contact\w+|envi\w+|molest\w+)|\bquien (?:es|eres|son)(?: usted(?:es)?)?(?: y| no)\b|\bno di(?:mos)? mi numero\b|\bles di mi\b|\bnunca (?:les |le )?(?:di|pedi|autoric\w+|me (?:inscrib\w+|suscrib\w+))\b",
    r"\b(?:ya )?no (?:soy|somos) (?:su |sus )?client\w+|\bnunca (?:he ido|fui|he estado|visit\w+)\b(?! (?:pero|y me gustaria))|\bya no (?:vivo|voy|estoy|vivimos|resido|asisto)\b(?! (?:enferm|a poder|el|a llegar|tan|segur|en la lista))|\bya me (?:mude|cambie|fui)\b|\bme (?:mude|cambie de (?:ciudad|estado|pais)|fui del pais)|\bno vivo (?:ahi|alla|aqui|en)\b|\bya no me interesa\b|\bno me interes\w+ (?:su|sus|recib\w+|la publicidad|lo que|nada)\b|\bno me interesa(?:n)? (?:seguir|nada)",
    r"^(?:por favor )?ya no(?: mas)?$|^por favor ya no|\bes demasiado\b|\bpara un poco\b|\bno (?:me )?romp\w+|\b(?:los|las|te|les) (?:reporto|denuncio|bloqueo|demando)\b|\b(?:num|number|numero|no) equivocad\w|\bno es el (?:numero|telefono|celular)\b|\bno mas de (?:esto|eso)|\bque no (?:\w+ )?lleguen\b|\bborr\w+ (?:este|mi|el) (?:contacto|contact|numero)|\bdej\w+ (?:de|d) \w+|\benpaz\b|^(?:alto+|halto|vasta|bsta|basta)$",
    r"\bbajenle\b|\bchole\b|\bno sigan?s?(?: \w+[aeo]ndo)?\b|\bqueja\w* con las autoridades|\bser (?:molestad|contactad)\w|\b(?:borren|eliminen|quiten) (?:toda )?mi informacion|\ba otro lado\b|\bno hay ningun\w*",
    r"\b(?:fallecio|fallecid[oa]|difunt[oa]|descanse en paz|esta muert[oa]|murio|ya murio|morreu|faleceu)\b(?!.*\b(?:celular|telefono|cita|cambiar|mover|perrito|perro|gato|reagendar)\b)(?<!mi papa fallecio)(?<!mi abuelo fallecio)|\bya no esta con nosotros\b",
    r"\b(?:hart[oa]s?|cansad[oa]s?|me (?:tienen|traen) (?:\w+ )?(?:hart|cansad|loc)\w*|ya me cans\w+|fastidi\w+|pesad[oa]s|pesadez|molestos|insistentes|cansones|acos\w+|basura|tonterias|estafa\w*|fraude|spam|propaganda|malditos?|pinches?|chinga\w*|chingu\w*|carajo|mierda|joda|joder|jodan|jodas|cabron\w*|pendej\w*|putos?|puta|vete al|vayanse|vete a|largu\w+|metans\w+|no mame[ns]|rompan|hinchen|al diablo|hijos de)\b(?!.*\b(?:de la (?:rodilla|espalda)|dolor|de la pierna)\b)(?<!estoy cansada)(?<!ando cansada)(?<!muy cansada)(?<!estoy cansado)|\b(?:estoy|ando) (?:muy )?(?:cansad\w|hart\w) de (?!trabaj|la espalda|los pies)",
    r"\b(?:bloque\w+|denunci\w+|demandar\w*|reportar\w*|reporto|mi abogad\w+|ilegal|llamare a la policia|profeco|condusef|queja por acoso|la policia)\b(?! (?:mi|la) (?:tarjeta|agenda))",
    r"\b(?:ya|les?|te) (?:\w+ ){0,2}?(?:dij\w+|pedi\w*|he (?:pedido|dicho)|habia (?:dicho|pedido)) (?:\w+ ){0,3}?(?:que (?:no|ya|par\w+|me quit\w+)|quit\w+|veces|no)\b|\bcuantas veces\b|\bvarias veces que\b|\b(?:otra vez|de nuevo) (?:ustedes|con lo mismo|sus mensajes)|\bsiguen (?:mand\w+|escrib\w+|envi\w+|molest\w+)\b|\bya (?:puse|mande) (?:stop|baja)\b|\b(?:favor de|evit\w+|les pido que|agradec\w+ (?:que )?|prefiero|prefiero que|preferiria|quisiera|mejor) (?:ya )?no (?:me )?(?:\w+)?(?<!no cancelar)(?<!no ir)",
    r"\bdej[ae]\w* en (?:paz|pas)\b|\bdejad?\w*me (?:en paz|tranquil\w+|ya)\b|\ben paz\b|\btranquil[oa] ya\b|\bquiero que me dejen\b|\bno insist\w+|\bno molestar\b|\bsi (?:quiero|necesito) .{0,40}\b(?:no|ya no) (?:me )?(?:mand|escrib|contact)\w*|\bno estoy interesad[oa](?: en (?:sus|nada|recib))?\b",
]

_OTHER = [
    # Portuguese.
    r"\b(?:pare|para|parem|parar|chega|deixe|deixem|nao) (?:\w+ ){0,5}?(?:mensage\w+|mandar|mande\w*|enviar?|envie\w*|incomod\w+|escrev\w+|contat\w+|receber|paz|autorizo|interesse|de mim|sou eu)\b|\bnao quero (?:mais|receber|isso)\b|\bme (?:tire|tira|remova|remove|exclua|deixe\w*) (?:\w+ )?(?:da|dessa|desta|em paz)\b|\b(?:sair|sai|tira\w*|tire|remov\w+|exclu\w+) (?:me )?(?:da|dessa|desta) lista\b|\bdescadastr\w+|\bcancelar (?:inscricao|as mensagens)\b|\b(?:remov\w+|apag\w+|exclu\w+) meu (?:numero|contato|cadastro)\b|\bnumero errado\b|\berrou o numero\b|^chega\b|\bisso e (?:spam|golpe)\b|\bvou (?:bloquear|denunciar)\b|\bquem e voce\b",
    # French.
    r"\b(?:arret\w+|stop|cess\w+)(?: \w+){0,3} (?:messages?|textos?|sms|ecrire|m'ecrire|envoyer|m'envoyer|svp|contacter)\b|^(?:svp )?arretez?(?: svp| ca)?$|\bne (?:m'|me |nous )?\w+ plus\b|\bn'(?:ecri\w+|envo\w+) plus\b|\bje ne veux (?:plus|pas) (?:\w+ ){0,3}?(?:messages?|textos?|recevoir|vos|sms|pub|etre)|\b(?:me )?des(?:abonn|inscri)\w+|\b(?:retir|enlev|supprim|effac|ray)e[zr](?: moi| mon| mes|-moi)\b|\bmauvais numero\b|\btrompe\w* de (?:numero|personne)|\bce n'est pas (?:moi|le bon)|\blaisse[zr]?[ -]moi\b|\bca suffit\b|\bplus de (?:messages?|textos?|pub|sms)\b|\bpas de (?:pub|messages?|textos?)\b|\bfiche\w*[ -]moi\b|\bje vais vous (?:bloquer|signaler)|\bdonne mon numero\b|\bfoutez\b|\bc'est du spam\b|\barret\w+ s'il|\bde ne plus me\b|\bn'?\w* ?envo\w+ plus\b|\bnao sou client\w+|\bmes donnees\b",
    # Others, a few words each: German, Italian, Haitian, Tagalog, Vietnamese without marks.
    r"\b(?:bitte (?:keine|nicht|stopp|aufhoren)|keine (?:weiteren )?(?:nachrichten|sms|werbung)|nicht mehr (?:schreiben|kontaktieren)|abmelden|abbestellen|falsche nummer|lasst? mich in ruhe|aufhoren|horen sie auf|basta messaggi|smett\w+|cancellami|cancellatemi|numero sbagliato|non (?:mi )?scriv\w+|non voglio piu|disiscriv\w+|toglietemi|lasciatemi|sispann|pa ekri m|pa voye mesaj|tigilan|huwag (?:na )?(?:kayo|mag\w*)|tama na|wag na|maling numero|dung nhan|dung gui|huy dang ky|ngung)\b",
]

UNWELCOME = re.compile("|".join(f"(?:{p})" for p in (*_ENGLISH, *_SPANISH, *_OTHER)))

# Words run together.
TOGETHER = re.compile(
    r"stop(?:it|now|text|send|mess|spam|pls|please|this|that|all|contact|already|stop)|pl(?:ea?)?se?stop|"
    r"do?nt?(?:not)?(?:text|contact|message)|nomore(?:te?xt|message|msg|spam|promo)|leaveme(?:alone|be)|"
    r"takemeoff|removeme|deleteme|unsubscribeme|optout|optmeout|wrongnumber|wrongperson|losemynumber|goaway|"
    r"fuckoff|quittext|canceltext|nomas(?:mensaj|text|msj)|dejenmeenpaz|dejameenpaz|deb?aja|noescriban|"
    r"nomemanden|nomeescriban|nomolest|numeroequivocado|bastaya|parenya|endtext"
)
_MOST_TOGETHER = 24

# Signs that say it without a word: the first wherever they stand, the others beside few words.
SIGNS = re.compile("[\U0001f595\U0001f92c\U0001f4f5\U0001f515\U0001f507\U0001f4a2]")
SOFTER_SIGNS = re.compile(
    "[\U0001f6d1\U0001f6ab\u26d4\u270b\U0001f590\U0001f91a\U0001f645\u274c\u2716\U0001f6b7"
    "\U0001f5d1\U0001f910\U0001f620\U0001f621\U0001f624\u2620]"
)


def run_together(bare: str) -> bool:
    """Whether one long word is a wish for silence without its spaces."""
    return any(
        6 <= len(word) <= _MOST_TOGETHER and TOGETHER.match(word) is not None
        for word in bare.replace("'", "").split()
    )


# --- What sounds like it and is the opposite, or about something else ------------------------------

_CONTACTING = r"(?:text|txt|messag|msg|contact|writ|bother|bugg|send|spam|harass|call|pester|annoy|e ?mail|solicit|hitt|buzz|blow|remind|hound|nagg|ping|tax|tec|test|tex|tet|gett|receiv|hear)"
_THINGS = (
    r"(?:cards?|bookings?|appointments?|appts?|reservations?|fees?|tips?|charges?|add ?-?ons?|stones|"
    r"polish|gel|massages?|facials?|reviews?|upgrades?|services?|sessions?|visits?|lashes|nails|makeup|"
    r"slots?|treatments?|duplicates?|payments?|extra|hair|wax|guest|nail|charge)"
)
_BOOKS = r"(?:schedule|books?|calendar|waitlist|wait ?-?list|waiting list|slot|appointments?|booking|class|session|reservation|cancell?ation list|treatment|facial|massage)"
_BODY = r"(?:itch\w*|burn\w*|bleed\w*|peel\w*|pain|swelling|redness|rash|breakout\w*|skin|rain\w*|snow\w*|cramp\w*|hurt\w*|headache\w*|cough\w*|sneez\w*|music|traffic|bus|train|car|clock|heater|water|migraine|she|he|kim|therapist|stylist|masseuse|girl|lady|tech)"

ASIDE = re.compile(
    r"\b(?:"
    # Please go on.
    rf"(?<!you )(?<!they )(?<!phone )(?<!guys )(?:do not|never|not want(?: you| them)? to|never want(?: you)? to|would not want(?: you)? to|hope you never|hate for you to|unless you|no) (?:ever )?(?:stop|quit|cease|end) (?:{_CONTACTING}\w*|getting|receiving|the|these|those|your|coming|my|being|hearing|offering)(?: \w+){{0,4}}|"
    r"(?:do not|never|not|no need to|why did you|did you|did not mean to|not trying to|did not want to|not want to|hate to) (?:ever |please |you |to |accidentally )?(?:remove|take|delete|unsubscribe|drop|lose|block|cut|cancel|kick|erase|opt out|leave|opted out|unsubscribed|removed?|deleted)(?: (?:me|us|my|it|out|off|anything|from|the|your|our|texts?|messages?|list|number|file|spot|place|appointment|booking|info|slot|of|this))*|"
    r"(?<!you )(?<!they )(?<!guys )(?<!people )(?<!need to )keep (?:sending|texting|messaging)(?: (?:me|us))? (?:the|your|those|these|all|any|more)(?: \w+){0,2}|keep (?:the|your|those|them|these|it|em) (?:\w+ ){0,2}?coming|(?<!need to )keep (?:me|us|my number|my name|my info)(?: (?:on|in|posted|updated|informed|the|your|loop|list|file))+|keep in touch|keep up|"
    r"(?<!not )(?<!never )opt(?:ed|ing)? (?:me |us )?(?:back )?in|(?<!who )(?:add|put|sign|get) (?:me|us|my \w+) (?:back|up|to|on|in)(?: (?:for|on|to|the|your|texts?|list|messages|text|waitlist))*|re-? ?subscrib\w*|"
    r"(?:accidentally|mistakenly|accidently) (?:\w+ ){0,2}?(?:opted out|unsub\w*|block\w*|stop\w*|removed|deleted|texted stop|replied stop|hit \w+|sent \w+|cancel\w*)(?: (?:the|your) \w+)?|(?:opted out|unsub\w*|blocked (?:you|your)|stopped|removed|replied stop|texted stop|said stop|hit (?:stop|block|unsubscribe)|typed stop|sent stop|put stop|cancell?ed|deleted) (?:\w+ ){0,3}?(?:by (?:mistake|accident)|accidentally|on accident)|"
    r"(?:why did (?:i|we) stop|(?:i|we) (?:have )?stopped|why have i stopped) (?:getting|receiving|seeing|hearing)(?: \w+){0,3}|(?:not|have not|has not|never|no longer) (?:been )?(?:getting|gotten|get|receiving|received|got) (?:any |your |the |my |a )(?:\w+ )?(?:texts?|messages?|offers?|reminders?|e ?mails?|confirmation|deals|specials|code|link|receipt)(?: (?:any ?more|lately|recently|from you|text|message|e ?mail))?(?! please)|(?<!why )am i still on the (?:list|schedule|waitlist)|"
    r"(?:i )?did not (?:unsub\w*|opt out|cancel|stop)|no (?:text|message|e ?mail|confirmation|reminder|code)s? (?:\w+ )?(?:came|yet|with|has|from|arrived|received)|do not see (?:the|your|any|a) (?:\w+ )?(?:text|message|e ?mail|link)\w*|"
    r"(?:do not|not) (?:call|e ?mail|phone|ring)(?: me| us)? (?:just |only |please )?text(?: me| us)?(?: (?:please|instead|only))?|text(?: me| us)? (?:do not|not|instead of|rather than|over) (?:call\w*|e ?mail\w*|phone)(?: me| us)?|prefer texts?(?:ing)? (?:over|to|instead)|"
    r"(?:do not|never) (?:hesitate|worry|forget (?:me\b|us\b|about|to (?:text|message|call|contact|e ?mail|send|write)|my|our|i)|mean to|miss|wait)(?: (?:be|to|for|bother\w*|annoy\w*|bug|harass|spam|me|you))*|(?:do not|no need to) bother (?!me|us|my|her|him|texting|messaging|contacting|writing|people|again)\w+|"
    r"(?:sorry|apologies|apologize|hope|hate|not trying|do not want|not mean|did not mean) (?:\w+ ){0,4}?(?:to |for |not )?(?:be(?:ing)? )?(?:annoy\w*|bother\w*|bug\w*|spam\w*|harass\w*|pester\w*|a pain|a bother|a pest)(?: you\w*)?(?: with)?|(?:sorry|because) (?:that |if |for )?(?:i |me )?(?:keep|am|kept) (?:\w+ )?(?:texting|messaging|bothering|asking|calling)|(?:sorry|apologies) for (?:all )?(?:the|my|so many) (?:\w+ )?(?:texts?|messages?|questions)|"
    r"(?:did you|do you|i just|just|i) (?:get|got|saw|read) (?:my|your|the) (?:\w+ )?(?:texts?|messages?|e ?mails?)|(?:ignore|disregard|deleted|erased|lost|missed|saw|seeing|got) (?:my|your|the|that|this|last) (?:\w+ )?(?:texts?|messages?|e ?mails?|reminder)|got deleted|that (?:text|message) was (?:meant|for) (?:\w+ ){0,3}?(?:my|someone|somebody)(?: else)?(?: \w+)?|sent by mistake|wrong chat|"
    r"(?:spam|junk|promo\w*)(?: mail)? (?:folder|box|filter)|(?:went|going|goes|go|landed|was|ended up) (?:\w+ )?(?:in|to|into) (?:my |the )?(?:spam|junk)(?: mail)?|"
    # About the booking, the bill, the body.
    rf"(?:take|took|remove|drop|delete|cross|scratch|get|pull) (?:me|us|her|him|my \w+|\w+) (?:off|from|out of) (?:of )?(?:the |your |my |that |this )?(?:\w+ ){{0,2}}?{_BOOKS}(?: for \w+)?|"
    rf"(?:take|remove|delete|erase|drop|forget|add|skip|waive|reverse|void) (?:my|the|this|that|our|his|her|any|an?|one|\w+'s|my \w+'s) (?:\w+ ){{0,3}}?{_THINGS}(?: (?:off|from|out|on)(?: (?:my|the|of|account|file|bill|card|booking|appointment|total))*)?|"
    rf"(?:cancel\w*|end|stop|quit|terminate|leave|out of|get out of|not renew\w*) (?:my|our|the|this|his|her|your) (?:\w+ ){{0,2}}?(?:appointments?|appt|apt|booking|visit|reservation|massage|facial|session)(?! (?:texts?|messages?|offers?|alerts|sms|promo\w*|notif\w*))|(?:stop|quit|please stop) (?:charging|billing|taking)(?: (?:me|us|my \w+|for|the|membership|money))*|"
    rf"(?:the |my |that |her |it )?{_BODY} (?:has not |have not |had not |will not |would not |does not |did not |never |finally |just |to |ever |is |was )*(?:stop|stopped|stops|quit|quitting|quits)(?! (?:{_CONTACTING}))(?: \w+ing\b)?|(?:did|has|if|heard|why did) (?!you\b|u\b|i\b|we\b)\w+ quit(?:ting)?|quit early|"
    rf"(?:can|could|will|would|does|do|did) not stop (?!{_CONTACTING})\w+ing|stop(?:ped|ping)? (?!{_CONTACTING})\w+ing|(?:told|asked|tell) (?:me|her|him|them) to (?:stop|quit)(?! (?:{_CONTACTING}))(?: (?:but|and|my|when|taking|using|the|medication|meds|she|he|kept|going|it))*|(?:full|one|next|bus|last|first|another|pit|quick|two|train|metro|subway) stops?|stop (?:payment|sign|light|button|watch|at|by|in|over|through|near|next|before|and (?:get|grab|pick|see|say))|stop(?:ped|ping|s) (?:at|by|in|over|off|working)(?: \w+)?|stopped (?:my|the|for|to)(?: \w+)?|(?:sale|offer|deal|promo\w*|discount|special|class|music) (?:stop|end)s?\b|"
    r"(?:omg |lol |haha |oh )?stop (?:it )?(?:(?:you|that|this|it) (?:are|is) |you guys are )?(?:(?:so|too|such|the) )+(?:cute|kind|sweet|funny|good|nice|much fun|pretty|best|adorable|amazing|a)\b|stop (?:it )?i (?:love|am (?:crying|dying|blushing))|"
    r"(?:quit|stop|stopped) (?:smoking|drinking|caffeine|sugar|my (?:job|meds|medication|period)|work|retin\w+|the gym|gym|taking|using)|need to (?:quit|stop|be off) (?:my |the )?(?:retin\w*|smoking|meds|medication|botox|aspirin|tretinoin|accutane|vitamin\w*)|"
    r"(?:thank you|thanks|get|say|good|fair|long|soon|close|sure|well|big|warm|strong|early|hot|old|time|be|hour) enough(?! of (?:you|your|this|these))(?: (?:of that|time|pressure|credits|points|notice|room|for me|good|thanks))?|is (?:\w+ ){1,3}enough|(?:not|that is|have|has|had|with|there is|use \w+ \w+) (?:\w+ )?enough (?:of that|time|pressure|credits?|points|notice|room|parking|for (?:me|the)|good|thanks|space|money|sleep|hours?|to)|no more (?:than|openings?|slots?|spots?|knots?|pain|wrinkles?|questions?|availability|appointments?|times?|acne|left|room|headaches?|of that pain|stress|excuses)|"
    r"at the end|in the end|on my end|end (?:everything|on a)|(?:my|the|an?|that) (?:\w+ )?(?:music|noise|sound|app|website|smell|kids?|knee|back|shoulder|neck|nose|tooth|skin|guy next \w+|lady next \w+|talking|phone system|parking|hold music) (?:\w+ )?(?:was|is|has been|are|were|keeps?|really|so) (?:\w+ )?(?:annoying|bothering|bugging|killing|ridiculous|hurting|acting)(?: me| the other \w+)?|"
    r"(?:charged?|charge|billed|took (?:money|payment)|payment) (?:\w+ ){0,3}?without (?:my |any )?(?:permission|consent|asking|authori\w+)|(?:not|never) authori[sz]e\w* (?:this|that|the|any|a) (?:\w+ )?(?:charge|payment|transaction|fee|debit)|consent form|(?:parents?'?|parental|doctor'?s?|my mom'?s) (?:permission|consent)|(?:need|sign|fill out|do you need) (?:\w+ ){0,2}?(?:consent|permission)(?: (?:form|slip|in writing|from))?|"
    r"(?:card|bank|payment|account|calendar|nose|street|road|car|driveway|time|sinus\w*|ear|afternoon|morning|day|ticket) (?:\w+ ){0,2}?block(?:ed|s)?|(?:accidentally )?block(?:ed|ing)? (?:off|out|my (?:calendar|schedule|day|time)|the (?:time|afternoon|morning|payment|charge|card|road))|(?:a|two|three|few|couple|couple of|one|some) blocks?(?: away)?|blocked (?:nose|sinus\w*|ear|pores|road)|"
    r"(?:ask|asked|asking) for\b(?! (?:\w+ )?(?:this|these|it|that|any|text|mess|sms|promo|ads|e ?mail|market|spam))|who do i (?:ask|talk)|not what i asked|"
    r"(?:dead|dying|killing) (?:tired|for|me|asleep)|(?:phone|battery|dog|cat|pet|laptop|car|puppy|fish|plant|tablet|ipad|watch|goldfish|hamster|bird) (?:\w+ )?(?:died|dead|passed away|passed|is dead|was dead)|(?:my|our) (?:father|mother|dad|mom|grand\w+|uncle|aunt|cousin|friend|brother|sister|husband|wife|neighbor)(?: in law)? (?:just |has |recently )*(?:died|passed away|passed)(?=.*\b(?:reschedul\w*|move my|appointment|cancel my|rebook|change my|come in|next week)\b)|(?:i|we) (?:just |have )?moved (?:closer|my|the|our|it|a meeting|some|near you|into|to the (?:new|other)|around)|move (?:it|my|the|to)|"
    r"(?:do not|not) (?:want|need|like) (?:to be removed|to (?:unsubscribe|opt out)|a reminder)(?: from (?:the|your) \w+)?|(?:spam|spa) in your|checked my spam|unsubscribe from my|(?:had|have had) enough of (?:this|the) (?:cold|heat|winter|weather|rain|snow|stress|pain|day|week|year)(?: \w+)?|(?:not get|not go|will not) (?:\w+ )?(?:impressed)|not impressed|(?:skin|feet|legs|arms|i|hair|brain) (?:is|are|am) dead|(?:my|this|the) (?:\w+ )?(?:cough|cold|pain|headache|rash|itch|pimple|fever) (?:will|does|has) not (?:go|gone|stop)\w*(?: away)?|number (?:is|was) wrong in your system|take me off the \d\w*(?: \w+)?|off the (?:freeway|highway|train|bus|phone|clock)|(?:remove|delete) (?:the|my|that) (?:old |saved |other |extra )?(?:autopay|gratuity|balance|address|card|tip|e ?mail|stain|tax)|(?:not|never) (?:agree\w*|sign\w*|ask\w*|consent\w*) (?:up )?(?:to |for )(?:a |the |pay for |this )*(?:upgrade|membership|charge|fee|price|extra|add-?on|payment|service)\w*|no more (?!than|texts?|messages?|of|please|from|sms|emails?|ads|promo\w*|spam|contact|thank\w*|for me)\w+ (?:please can|can i|for me|just)|do not (?:call|phone|ring) (?:me |my |the )?(?:at work|at home|house|home phone|office|landline)|stop calling (?:the|my) \w+ just text(?: me)?|reminders coming|not forget|give (?:my|away my) \w+ away|not (?:give|lose|let) (?:away )?(?:my|me|anyone) \w+|someone with|autopay|how do i (?:stop|keep) my \w+ from|stop the (?:treatment|massage|facial|session|wax|laser)|"
    r"not (?:a|yet a) member (?:yet|but|can|do|is)|never been (?:better|happier|so|to (?:your|a|the) \w+ but)|never had a|doctor'?s? (?:said|report|says|told)|report (?:said|says|card)|(?:longer|no longer) (?:works?|working) (?:for me|downtown|at|there|on|near)|"
    r"(?:prefer|rather) not (?:to )?(?:do|come|go|wait|use|drive|see|work|talk|book|pay|take|change) (?:\w+ ){0,2}?(?:on|mornings?|evenings?|weekends?|monday|tuesday|wednesday|thursday|friday|saturday|sunday|that|the|in|at|a|with|until|alone|too|it|him|her|my)|i(?: would|) rather not (?:do )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"voice ?mail|any (?:\w+ )?(?:specials|offers|deals|promos?|promotions|discounts?|coupons)(?: (?:this|right|going|for|today|now))?|not for me (?:but|thanks|for)|wrong (?:time|date|day|amount|price|address|therapist|product|location|order|size|color|room|name|email|e mail|number of \w+|code)|"
    r"take me (?:to|in|there|through|as)|take my (?:card|order|name down)|do not disturb sign|silent (?:massage|facial)|quiet (?:room|therapist|one|time|massage)|"
    # Spanish.
    r"no (?:me |nos )?(?:dejen?s? de|paren de|vayan a dejar de|quiero dejar de|quisiera dejar de) (?:\w+ ){0,4}?(?:mandar\w*|enviar\w*|escribir\w*|recibir\w*|avisar\w*|invitar\w*)(?: (?:sus|las|los|me))?(?: \w+)?|no (?:me |lo |la |nos )*(?:quit\w+|borr\w+|saqu\w+|elimin\w+|cancel\w+|olvid\w+) ?(?:de (?:la|su) lista|mi cita|la cita)?|(?:sigan|siga|sigue|pueden seguir) (?:mand|escrib|envi)\w+(?: \w+)?|"
    r"no me llam\w+ (?:mejor |prefiero |solo |por favor mejor )+(?:un |por )?(?:mensajes?|texto|whatsapp|escrib\w+|aqui)|(?:prefiero|mejor) (?:que me escriban|mensajes?|por (?:mensaje|aqui|texto))(?: \w+)?|no (?:me|nos) (?:lleg\w+|han \w+|ha \w+|aparec\w+|sali\w+|\w+aron|\w+ieron|contest\w+|lleg\w+)(?: (?:el|la|los|un|ningun) \w+)?|nadie me \w+|"
    r"estoy fuera|fuera de (?:la ciudad|servicio|casa|horario|la oficina)|(?:con eso )?es suficiente (?:una|un|con|tiempo|gracias|asi)?|(?:temporada|presion|planta|tarifa|baja) baja|bajaron|basta de dolor|lista de espera|del horario|"
    r"(?:perdon|disculp\w+|siento|lamento|pena) (?:por |que |la |las |tanta )*(?:moleste?|molestias?|molestar\w*)|me molest\w+ (?:la|el|un poco|mucho|las|los)(?: \w+)?|(?:muy |estoy )+molest[ao]|deje?n?(?:me|nos)? (?:ver|pensar\w*|revis\w+|pregunt\w+|checar|chec\w+)|deja (?:veo|reviso|pregunto|checo)|(?:borre|perdi|elimine) (?:el|su|tu) mensaje|mensaje por error|"
    r"no (?:mas|me) de (?:una|un|\d+)|no mas (?:el|la|una|un|de|que)\b|nada mas (?:el|la|una|gracias|queria)|quit\w+ (?:el|la|las|los|unas|manchas) (?!lista|numero|base|suscripcion|mensajes)\w+|(?:elimin|quit|borr)\w+ (?:manchas|verrugas|arrugas|tatuajes?|lunares|vello|el esmalte|las unas|el gel|acne|cicatrices)|(?:se me )?murio (?:mi|el) (?:celular|telefono|perr\w+|gat\w+|bateria|pila)|fallecio mi \w+(?=.*\b(?:cita|cambiar|mover|reagendar)\b)"
    r")"
)
