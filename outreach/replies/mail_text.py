"""The guest's own words in an e-mail: without what they quote, their signature, their machine.

Our own mails say how to stop. Quoted below an answer, that must never count as the guest's stop; so
whatever is marked as quoted, follows a line such as "On Tuesday ... wrote:", or repeats what we
sent, is taken out before anybody reads an intent. What stands above, between or below it stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

from outreach.texts.normal import plain

# "On Tue, 4 Nov 2026 at 10:00, Juniper <...> wrote:" and its like, possibly over two lines.
_WROTE = re.compile(
    r"^(?:on|el|em|le|am|il)\b.{0,300}\b(?:wrote|escribi[oó]|escreveu|a [eé]crit|schrieb|"
    r"ha scritto)\s*:\s*$",
    re.I | re.S,
)
_DIVIDER = re.compile(
    r"^(?:-{2,}\s*(?:original message|forwarded message|mensaje original|mensaje reenviado|"
    r"mensagem original|message d'origine)\s*-*|_{10,}|begin forwarded message:.*)$",
    re.I,
)
_HEADER = re.compile(r"^\*?(?:from|de|von|enviado por)\*?\s*:\s*\S", re.I)
_HEADER_NEXT = re.compile(
    r"^\*?(?:sent|date|to|subject|enviado(?: el)?|fecha|para|asunto|data|gesendet|cc)\*?\s*:", re.I
)
_SIGNATURE = re.compile(
    r"^(?:-- ?|—|sent from my .{2,40}|sent from (?:yahoo|outlook|mail|gmail).*|get outlook for .*|"
    r"enviado desde mi .{2,40}|enviado desde (?:yahoo|outlook|mail|correo).*|obtener outlook .*)$",
    re.I,
)
_QUOTED = re.compile(r"^\s*(?:>|\|\s)")
_AUTOMATIC_SUBJECT = re.compile(
    r"^(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|"
    r"away from (?:the )?office|on vacation|respuesta automatica|fuera de (?:la )?oficina|"
    r"ausente|vacaciones)\b"
)
_AUTOMATIC_HEADERS = ("x-autoreply", "x-autorespond", "x-auto-response-suppress-reply")


def own_words(text: str, html: str = "", *, ours: str = "") -> str:
    """What the guest wrote by hand; empty when nothing is left. `ours` is the text of the message
    that is answered."""
    lines = (text if text.strip() else from_html(html)).replace("\r\n", "\n").split("\n")
    known = _ours(ours)
    kept: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index].replace("\u200b", "").rstrip()
        bare = line.strip()
        taken = _wrote(lines, index)
        if taken:
            rest = lines[index + taken :]
            if not any(_QUOTED.match(one) for one in rest):
                break  # everything below is the old mail
            index += taken
            continue
        if _DIVIDER.match(bare) or _is_header(lines, index) or _SIGNATURE.match(bare):
            rest = lines[index + 1 :]
            if _SIGNATURE.match(bare) and any(_wrote(rest, n) for n in range(len(rest))):
                # The name of a phone above the quoted mail: go on behind it.
                index += 1
                continue
            break
        if not _QUOTED.match(line) and _same(line) not in known:
            kept.append(line)
        index += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _same(line: str) -> str:
    """A line as it is compared with ours: without marks of quoting, case and spacing."""
    return " ".join(re.sub(r"^[\s>|]+", "", line).lower().split())


# A guest may well say the same as a short line of ours, or as a part of a longer one.
_SHORTEST_LINE, _SHORTEST_PART = 5, 12


def _ours(text: str) -> set[str]:
    """Our lines, whole and as mail programs break them at 60 to 80 characters: every run of words
    that begins or ends one of our lines, or could fill a line of its own."""
    found: set[str] = set()
    for line in map(_same, text.split("\n")):
        if len(line) >= _SHORTEST_LINE:
            found.add(line)
        words = line.split()
        for first in range(len(words)):
            length = -1
            for last in range(first, len(words)):
                length += len(words[last]) + 1
                if length > 80:
                    break
                at_an_edge = first == 0 or last == len(words) - 1
                if length >= 40 or (at_an_edge and length >= _SHORTEST_PART):
                    found.add(" ".join(words[first : last + 1]))
    return found


def _wrote(lines: list[str], index: int) -> int:
    """How many lines from here say that what follows is quoted; 0 when they do not."""
    for count in (1, 2, 3):
        joined = " ".join(one.strip() for one in lines[index : index + count])
        if _WROTE.match(re.sub(r"^[>\s]+", "", joined)):
            return count
    return 0


def _is_header(lines: list[str], index: int) -> bool:
    """The head of an old mail: From, then Sent, Date, To or Subject within two lines."""
    if not _HEADER.match(lines[index].strip()):
        return False
    following = [one.strip() for one in lines[index + 1 : index + 4] if one.strip()]
    return any(_HEADER_NEXT.match(one) for one in following[:2])


def is_automatic(headers: Mapping[str, str], subject: str) -> bool:
    """Whether a machine answered: RFC 3834's header, what older programs send, or a subject only
    machines write. `headers` have small names."""
    submitted = headers.get("auto-submitted", "").split(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    if headers.get("precedence", "").strip().lower() in ("auto_reply", "auto-reply"):
        return True
    if any(headers.get(name) for name in _AUTOMATIC_HEADERS):
        return True
    return _AUTOMATIC_SUBJECT.match(plain(subject).strip()) is not None


class _Words(HTMLParser):
    """The words of an HTML mail; quoted parts get the mark of a quotation."""

    BREAKS = frozenset(
        ["p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "table"]
    )
    SILENT = frozenset(["script", "style", "head", "title"])
    EMPTY = frozenset(["br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr"])

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines = [""]
        self.open: list[tuple[str, bool, bool]] = []  # tag, silent, quoted

    @property
    def _silent(self) -> bool:
        return any(silent for _tag, silent, _quoted in self.open)

    @property
    def _quoted(self) -> bool:
        return any(quoted for _tag, _silent, quoted in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        marks = f"{given.get('class', '')} {given.get('id', '')}".lower()
        if tag in self.BREAKS:
            self._new_line()
        if tag not in self.EMPTY:
            quoted = tag == "blockquote" or any(
                name in marks for name in ("gmail_quote", "yahoo_quoted", "divrplyfwdmsg")
            )
            self.open.append((tag, tag in self.SILENT, quoted))
            if quoted:
                self._new_line()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.BREAKS:
            self._new_line()
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place:]
                if tag in self.BREAKS:
                    self._new_line()
                break

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.lines[-1] += " ".join(data.split("\n"))

    def _new_line(self) -> None:
        mark = "> " if self._quoted else ""
        if self.lines[-1].strip("> \t"):
            self.lines.append(mark)
        else:
            self.lines[-1] = mark


def from_html(html: str) -> str:
    """The words of an HTML mail, line by line."""
    reader = _Words()
    reader.feed(html[:200_000])
    reader.close()
    return "\n".join(reader.lines)
