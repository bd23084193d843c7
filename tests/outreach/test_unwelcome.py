"""Wishes for silence in other words: a stop stays a stop however it is dressed up, the second net
adds doubt and takes none back, and what it learnt cannot be changed unseen."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.answers.examples import by_hand, made
from benchmarks.answers.learn import known_words
from outreach.models import Reply
from outreach.reading import intents, suspicion

EXAMPLES = by_hand()
PLAIN_STOPS = [
    "stop", "unsubscribe", "please stop texting me", "do not contact me again", "wrong number",
    "take me off your list", "remove my number", "no more messages", "leave me alone",
    "who gave you my number", "I never signed up for this", "you have the wrong person",
    "this is harassment", "my mother passed away, please stop", "cancel these texts",
    "no me escriban más", "borren mi número", "quítenme de la lista", "déjenme en paz",
    "ya no quiero recibir mensajes", "número equivocado", "dejen de molestar", "denme de baja",
]  # fmt: skip
GREETINGS = ["", "Hi, ", "hello ", "Hola, ", "Good morning! ", "ok ", "Sorry, "]
THANKS = ["", " thanks", " Thank you!", " please", " gracias", ", have a nice day", " 🙏"]
MARKS = ["", ".", "!", "!!!", "...", " 😡", "\n", " 🛑"]


def test_what_was_written_by_hand_is_heard_and_nearly_nothing_else():
    """These sentences are also learnt from: how well unseen ones are heard says
    `make stop-words`."""
    missed = [o.text for o in EXAMPLES if o.stops and not intents.read(o.text).suppresses]
    wrong = [o.text for o in EXAMPLES if not o.stops and intents.read(o.text).suppresses]
    harmless = sum(not o.stops for o in EXAMPLES)
    assert len(EXAMPLES) > 3500
    assert len(missed) <= 0.02 * (len(EXAMPLES) - harmless), missed
    assert len(wrong) <= 0.03 * harmless, wrong


@given(
    stop=st.sampled_from(PLAIN_STOPS),
    greeting=st.sampled_from(GREETINGS),
    thanks=st.sampled_from(THANKS),
    mark=st.sampled_from(MARKS),
    case=st.sampled_from([str.lower, str.upper, str.title, str.capitalize, str.swapcase]),
    gaps=st.sampled_from([" ", "  ", "\n", "\u00a0", "\u2009"]),
    bare=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_dress_leaves_a_stop_a_stop(stop, greeting, thanks, mark, case, gaps, bare):
    text = greeting + case(stop).replace(" ", gaps) + mark + thanks
    if bare:
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    assert intents.read(text).suppresses, text


@given(
    word=st.sampled_from(["stop", "quit", "unsubscribe", "cancel", "alto", "basta"]), data=st.data()
)
@settings(max_examples=60, deadline=None)
def test_letters_pulled_apart_or_stretched_leave_it_a_stop(word, data):
    how = data.draw(st.sampled_from([" ", ".", "-", "*", "stretch"]))
    text = (
        word.replace("o", "ooo").replace("a", "aaa") + "!!" if how == "stretch" else how.join(word)
    )
    assert intents.read(text).suppresses, text


@pytest.mark.parametrize(
    "text",
    ["don't stop the promotions!", "please don't stop texting me, I love the offers",
     "please don't take me off the list", "opt me back in", "I unsubscribed by accident, add me",
     "stop by tomorrow at 2", "can't stop smiling", "take me off the schedule for Friday",
     "is an hour enough", "my phone died, am I still on for 3?", "no quiero perder mi cita",
     "no dejen de mandarme promociones", "the front desk was rude", "who is this?",
     "I want a refund, that was the worst massage ever", "quítenme el esmalte también por favor"],
)  # fmt: skip
def test_who_wants_to_stay_is_not_silenced(text):
    assert not intents.read(text).suppresses


@pytest.mark.parametrize(
    "text",
    ["не пишите мне больше", "请不要再发短信", "لا ترسلوا لي رسائل", "그만 보내세요",
     "prosím už mi nepište žádné zprávy", "proszę nie wysyłać więcej wiadomości"],
)  # fmt: skip
def test_a_language_nobody_here_reads_is_silence_until_a_person_has_looked(text):
    reading = intents.read(text)
    assert (reading.intent, reading.suppresses, reading.for_person) == (
        Reply.Intent.STOP,
        True,
        True,
    )


@pytest.mark.parametrize(
    "text", ["🖕", "📵", "🤬", "🙅‍♀️", "❌❌", "🛑 texting me", "🔕 thanks", "no 🛑"]
)
def test_signs_say_it_without_words(text):
    assert intents.read(text).suppresses


def test_the_net_adds_doubt_and_changes_nothing_the_rules_say(monkeypatch):
    by_rule = {o.text: intents.by_rule(o.text) for o in EXAMPLES[::7]}
    for suspicious in (True, False):
        monkeypatch.setattr(suspicion, "is_suspicious", lambda text, said=suspicious: said)
        for text, reading in by_rule.items():
            if reading.intent != Reply.Intent.OTHER:
                assert intents.read(text) == reading
            elif suspicious:
                assert intents.read(text).suppresses
                assert intents.read(text).for_person


def test_the_net_hears_what_no_rule_knows():
    missed = [o.text for o in made() if o.stops and not intents.by_rule(o.text).suppresses]
    heard = [reading for text in missed if (reading := intents.read(text)).suppresses]
    assert len(heard) >= 10
    assert all(reading.for_person for reading in heard)


def test_changed_weights_are_refused_before_they_are_read(monkeypatch, tmp_path):
    changed = tmp_path / "suspicion.json"
    changed.write_text(suspicion.WEIGHTS.read_text().replace('"limit":', '"limit":9'))
    monkeypatch.setattr(suspicion, "WEIGHTS", changed)
    monkeypatch.setattr(json, "loads", lambda content: pytest.fail("parsed"))
    suspicion._learnt.cache_clear()
    with pytest.raises(suspicion.Refused, match="install this version again"):
        intents.read("what a strange evening")
    suspicion._learnt.cache_clear()


def test_the_weights_were_learnt_from_these_sentences():
    """Who changes the sentences runs `make stop-words`."""
    assert known_words(EXAMPLES, made()) == suspicion._learnt().known


def test_an_answer_is_read_in_two_thousandths_of_a_second():
    texts = [o.text for o in EXAMPLES[::4]]
    intents.read(texts[0])
    began = time.process_time()
    for text in texts:
        intents.read(text)
    assert (time.process_time() - began) / len(texts) < 0.002


@pytest.mark.parametrize(
    "text",
    ["no no no " * 3000, "stop the the the the " * 400, "i will call my lawyer not the " * 330,
     "no me no la no le " * 500, "my mother died move " * 500, "a" * 10_000, "s t o p " * 1200],
)  # fmt: skip
def test_text_made_to_be_slow_is_not(text):
    began = time.process_time()
    intents.read(text[:10_000])
    assert time.process_time() - began < 2
