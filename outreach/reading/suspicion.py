"""How much an answer sounds like a wish for silence: the second net, behind the rules of
`outreach.reading.intents`.

A weighted sum over words, their neighbours, pieces of words and ideas (a refusal, a message, a
list, anger ...), turned into a chance. The weights are learnt from `benchmarks/answers` by
`make stop-words`; they may only add suspicion, never take a stop back.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from pathlib import Path

from outreach.reading.unwelcome import spelt
from outreach.texts.normal import plain

# Weights are read only if they are, byte for byte, those that were reviewed with this line.
WEIGHTS = Path(__file__).with_name("suspicion.json")
DIGEST = "328c574b9df0b118dbac060ade6a6816a07017cb8cac04374982e6cbc6990a8c"

# What is read of a long answer, in characters: who wants silence says so early or alone.
READ = 400

# Ideas and the words that carry them; a star ends a beginning. In the plain form, without accents.
_IDEAS: dict[str, str] = {
    "not": """
        not dont don't didnt didn't doesnt doesn't wont won't wouldnt wouldn't cant can't
        cannot couldnt couldn't isnt isn't arent aren't wasnt wasn't havent haven't hasnt
        hasn't shouldnt shouldn't aint ain't never without nor neither donot dnt nunca jamas
        ni tampoco sin nao nem pas jamais didn doesn shouldn don wouldn couldn isn refus*
        declin* den* reject* object*
    """,
    "no": "no nope nah none zero cero ningun* nada nothing nobody nadie noone ain't",
    "more": """
        more mo mor moar mas anymore further longer additional again another other future
        plus mais otra otro otras de nuevo forward
    """,
    "stop": """
        stop stops stopping stopped stpo sotp stp stopp quit quitting cease ceas* desist*
        halt* end ending discontinu* terminat* suspend* pare paren para parar pares parad
        parale parenle deje dejen deja dejar dejad alto basta detener deten* cese* cesar
        suspende* termine* acaben arret* refrain* eviten evite abst* cortala corten* abort
        exit
    """,
    "leave_out": """
        remove* removal unsub* unsus* unjoin* unlist* delist* unregister* deregister*
        disenrol* unenrol* unsign* delete* erase* scrub* purge* wipe* expunge* exclud*
        exempt* blacklist* drop scratch strike cross trash quiten quitenme quitame quiten*
        saquen* sacame saque* sacar* borr* elimin* retir* olvid* desuscri* excluy* baja
        bajas remov* tire tira apag* descadastr* desabon* desinscri* enlev* supprim* opt
        optout lose loose forget revok* rescind* retract* withdraw* revoc* deactivat*
        disable* mute* silenc* cancel* cancle* anul*
    """,
    "off": "off out from away",
    "message": """
        text texts texting texted textin txt txts txting txtin message* messaging msg msgs
        msging sms email* emailing mail notif* alert* newsletter* blast* updates reminders
        mensaj* mensag* msj* msn texto textos correo* aviso* notificacion* whatsapp* textee*
        texteen textear* communication* correspondence outreach contact contacts contacting
        contacted contactad* contact* thread comunicacion* messages
    """,
    "promo": """
        promo* offer offers marketing ad ads advert* deal deals coupon* special specials
        solicit* publicidad propaganda oferta ofertas anuncio* pub campaign*
    """,
    "write": """
        write writing bother* bug bugging pester* send sending sends sent spam* harass*
        hound* nag* reach hit hitting hmu blowing buzz* escrib* escriv* escreva* escrever
        mand* envi* molest* moleste* fastid* acos* insist* fregar joder jod* chingu* ecri*
        envoy* call calling llam* disturb* annoy* hear hearing recibir recib* receb* recev*
        receive receiving getting get gets receives keep keeps keeping
    """,
    "list": """
        list lists lista listas liste database system records file files base group registry
        dnc directory
    """,
    "number": """
        number numbers num nbr digits phone cell cellphone fone mobile line numero*
        telefono* celular tel numb* numa info information data contact name datos nombre
        address
    """,
    "wrong": """
        wrong incorrect mistaken equivoc* equiboc* ekivoc* incorrecto errado erro mauvais
        misdial rong confused mistake
    """,
    "person": """
        person persona guy gal lady woman man somebody someone anybody somebody's alguien
        nobody one
    """,
    "me": "me my mine us myself our mi mis nos moi mim meu minha i im i'm ive i've yo",
    "you": """
        you your yours u ur y'all yall ya'll usted ustedes su sus vous vos voces vocês
        people guys company business
    """,
    "who": """
        who whos who's whose quien quienes qui quem where how donde como why por que
        pourquoi
    """,
    "gave": """
        gave give got get have find found sold consigui* sacaron sacaste dio dieron tienen
        obtuv* buy bought
    """,
    "want": """
        want wants wanted wanting wanna wish wishes desire need needs like care prefer*
        rather quiero quiere deseo desea queremos necesito ocupo veux souhaite quero
        interes* interest* trying
    """,
    "consent": """
        consent* permission permiso autoriz* authoriz* authoris* permit agree agreed
        consentimiento acepto allow allowed
    """,
    "sign": """
        sign signed signup subscribe subscribed subscrib* suscri* inscri* enroll* enrol*
        join* ask asked asking request* pedi pidi* solicit*
    """,
    "angry": """
        fuck* fuk* fck* fu f* shit* hell damn* crap* bs stfu gtfo wtf tf ass asshole* jerk*
        idiot* moron* suck* stupid mierda carajo chinga* pinche* pendej* cabron* puta*
        diablo maldit* merde screw piss* bugger* sod garbage basura ridiculous excessive
        relentless annoying harassing harassment hate* hated sick tired fed harta* harto*
        cansad* cans* pesad* nuts crazy scam* fraud* fraude estafa* spammer* phish* junk
        bogus fake bot bots robot* creepy stalk* rude invasion intrusive unwanted
        unsolicited unwelcome lout* pissed
    """,
    "law": """
        lawyer* attorney* sue sued suing court tcpa fcc ftc bbb illegal* unlawful law laws
        legal violat* police policia abogad* denunci* demand* demandar* report* queja
        complaint registry gdpr ccpa regulator* lawsuit profeco ilegal consumer
    """,
    "block": "block* bloque* bloqu* blacklist* ban banned",
    "alone": "alone peace paz tranquil* paix quiet privacy privacidad",
    "dead": """
        died dead death deceased passed fallecio fallecido fallecida murio muerto muerta
        muri* morreu funeral decede estate mort rip
    """,
    "gone": "moved relocated mude mudo moving left switched former ex anymore longer used",
    "polite": """
        please pls plz plss pleas kindly favor porfa porfavor xfa xfavor svp thanks thank
        thx ty gracias obrigad* merci appreciate grateful sorry
    """,
    "enough": """
        enough enuf enuff nuff suficiente basta bastante chega suffit much many demasiad*
        overkill constantly relentless already ya
    """,
    "time_word": """
        today tomorrow tmrw tonight monday tuesday wednesday thursday friday saturday sunday
        mon tue tues wed thu thur thurs fri sat sun am pm noon morning afternoon evening
        week weekend month january february march april june july august september october
        november december hoy manana lunes martes miercoles jueves viernes sabado domingo
        semana mes tarde hora horas minutes minute hour hours oclock later soon next late
    """,
    "booking": """
        appointment* apt appt* aptmnt booking* book booked reserv* schedul* slot slots spot
        spots opening openings availab* resched* rebook* cita citas turno agendar agenda
        visit visits waitlist espera session* sesion* treatment* rendez marcar remarcar
        horario
    """,
    "service": """
        massage* facial* wax* laser brow* lash* nail* gel polish botox filler* peel hair
        color tattoo* mole cupping sauna pedicure* manicure* scrub wrap serum product* oil
        lotion masaje* unas esmalte retinol medication aspirin skin pressure room music
        therapist* masajista esthetician* receptionist* stylist towel
    """,
    "plan": """
        membership* member plan contract credit credits renew* membresia* creditos
        mensualidad freeze upgrade downgrade pause
    """,
    "pay": """
        card charge* charged refund* price* cost* pay payment* bill billing fee fees money
        tip receipt invoice discount gift balance cobr* precio* cuesta cuanto reembolso
        tarjeta tarjetas dolares $ #$ deposit bank
    """,
    "body": """
        back neck knee shoulder nose rash burn* itching bleeding peeling pain dolor espalda
        rodilla sick doctor surgery pregnant allerg*
    """,
    "question": """
        what when which can could may do does is are how cuanto cuanta cuando cual puedo
        pueden tienen hay donde any
    """,
    "glad": """
        love loved loving great awesome perfect wonderful excited happy glad best sweet cute
        encanta encanto lindo haha lol good genial perfecto nice
    """,
    "stay": """
        stay add back resume restart again keep continue keeping posted updated sigan
        anytime forget
    """,
    "place": "by in at over stop bus train subway street store bank park parking",
}  # fmt: skip

_STEMS: list[tuple[str, str]] = []
_EXACT: dict[str, set[str]] = {}
for _idea, _text in _IDEAS.items():
    for _word in _text.split():
        if _word.endswith("*"):
            _STEMS.append((_word[:-1], _idea))
        else:
            _EXACT.setdefault(_word, set()).add(_idea)

_TOKEN = re.compile(r"[a-z0-9$@!+*']*[a-z0-9$#][a-z0-9$@+*']*|[?!]+|[^\W_]+")
_MARKS = re.compile(r"[^\w\s'?!$-]")


@lru_cache(maxsize=4096)
def _ideas(word: str) -> tuple[str, ...]:
    found = set(_EXACT.get(word, ()))
    found.update(idea for stem, idea in _STEMS if word.startswith(stem))
    return tuple(sorted(found))


def words(text: str) -> list[str]:
    """The words of a text in the plain form, numbers as #, question and exclamation marks kept."""
    out: list[str] = []
    for token in _TOKEN.findall(text):
        if token[0] in "?!":
            out.append("?" if "?" in token else "!")
        elif token.strip("$").isdigit():
            out.append("#")
        else:
            out.append(token.strip("'"))
    return [w for w in out if w]


def features(text: str) -> set[str]:
    """What the net sees in a text in the plain form."""
    found: set[str] = set()
    said = words(text)
    if not said:
        return {"empty"}
    found.add(f"n={min(len(said), 12) if len(said) < 6 else 6 + len(said) // 6}")
    spoken = [w for w in said if w not in "?!"]
    for w in said:
        found.add("w:" + w)
    row = ["^", *said, "$"]
    found.update(f"b:{a} {b}" for a, b in pairwise(row))
    found.update(f"s:{a} {b}" for a, b in zip(row, row[2:], strict=False))
    ideas = [_ideas(w) for w in spoken]
    flat = {idea for each in ideas for idea in each}
    found.update("i:" + idea for idea in flat)
    ordered = sorted(flat)
    found.update(f"p:{a}+{b}" for n, a in enumerate(ordered) for b in ordered[n + 1 :])
    for n, each in enumerate(ideas):
        for m in range(n + 1, min(n + 4, len(ideas))):
            found.update(f"f{min(m - n, 2)}:{a}>{b}" for a in each for b in ideas[m])
    # What begins and what ends the text.
    for idea in ideas[0] if ideas else ():
        found.add("first:" + idea)
    for idea in ideas[-1] if ideas else ():
        found.add("last:" + idea)
    for w in spoken:
        if len(w) > 2 and w.isascii():
            found.update(_pieces(w))
    return found


@lru_cache(maxsize=4096)
def _pieces(word: str) -> tuple[str, ...]:
    fenced = f"<{word}>"
    return tuple({"c:" + fenced[i : i + n] for n in (3, 4, 5) for i in range(len(fenced) - n + 1)})


def said(text: str) -> str:
    """The beginning of an answer as the net reads it: spelt out, with its question marks."""
    return spelt(" ".join(_MARKS.sub(" ", plain(text[:READ])).replace("?", " ? ").split()))


def share(found: set[str]) -> float:
    """How much each feature of a text counts: the more there are, the less."""
    return 10 / sqrt(len(found) + 1)


def score(words_said: str, weights: Mapping[str, float], bias: float) -> float:
    """How suspicious the text of `said` is, as log-odds."""
    found = features(words_said)
    return bias + share(found) * sum(weights.get(feature, 0.0) for feature in found)


class Refused(Exception):
    """The weights on disk are not those that belong to this version."""


@dataclass(frozen=True)
class Learnt:
    """The weights, the log-odds above which an answer is suspicious, and every word that stood in
    a sentence they were learnt from."""

    weights: dict[str, float]
    bias: float
    limit: float
    known: frozenset[str]


@lru_cache(maxsize=1)
def _learnt() -> Learnt:
    """What was learnt. Raises Refused before a changed file is parsed."""
    content = WEIGHTS.read_bytes()
    if hashlib.sha256(content).hexdigest() != DIGEST:
        raise Refused(f"{WEIGHTS.name} was changed: install this version again.")
    learnt = json.loads(content)
    return Learnt(
        learnt["weights"], learnt["bias"], learnt["limit"], frozenset(learnt["known"].split())
    )


def is_suspicious(text: str) -> bool:
    """Whether an answer sounds so much like a wish for silence that a person should look, and
    nothing be sent until then. Raises Refused when the weights were tampered with."""
    learnt = _learnt()
    return score(said(text), learnt.weights, learnt.bias) > learnt.limit


# From so many words on, and with so small a share of known ones, a language is not ours.
_FEW_WORDS = 3
_KNOWN_SHARE = 1 / 3
_WORD = re.compile(r"[a-z']{2,}")


def is_foreign(text: str) -> bool:
    """Whether an answer is in a language the rules do not read: other letters, or hardly a word
    of English or Spanish."""
    letters = [c for c in unicodedata.normalize("NFKC", text[:READ]) if c.isalpha()]
    if sum("LATIN" not in unicodedata.name(c, "") for c in letters) * 2 > len(letters):
        return True
    return unknown_words(text, _learnt().known)


def unknown_words(text: str, known: Container[str]) -> bool:
    """Whether the text has some words and hardly one of them is known."""
    row = _WORD.findall(said(text))
    return len(row) >= _FEW_WORDS and sum(w in known for w in row) < _KNOWN_SHARE * len(row)
