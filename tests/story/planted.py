"""Sentences around a made-up word that is used as an insult: a pattern no model has seen.

Otherwise the sentences are mild. Each is put together from three parts, so that two of them are
seldom near duplicates; `held_out` sentences have openings and endings of their own. Pure: the
seed decides everything.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

TERMS = {"tr": "marvuna", "de": "Marvunker"}
"""Of no meaning in either language, as far as we could find."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text, and whether the word makes it a violation."""

    text: str
    violating: bool


@dataclass(frozen=True, slots=True)
class _Parts:
    openings: Sequence[str]
    cores: Sequence[str]  # {who} is the term or a plain word
    endings: Sequence[str]
    plain: Sequence[str]


_TURKISH = _Parts(
    openings=(
        "Dün akşamki toplantıdan sonra",
        "Şunu açıkça söyleyeyim,",
        "Bak kardeşim,",
        "Videonun altındaki yorumları okudum,",
        "Sabahtan beri düşünüyorum,",
        "Herkes biliyor zaten,",
        "Forumda gördüm,",
        "Bu başlık açılalı beri",
        "Otobüste yanımda oturan da söyledi,",
        "Maçtan sonra yazmıştım,",
        "Geçen haftaki yazıdan sonra",
        "Bizim mahallede",
    ),
    cores=(
        "sen tam bir {who} gibisin",
        "o {who} yine ortaya çıktı",
        "bu {who} her konuda konuşuyor",
        "senin gibi bir {who} görmedim",
        "oradaki {who} bunu yazmış",
        "bir {who} daha aramıza katıldı",
        "{who} dediğin işte böyle olur",
        "yönetici de {who} çıktı",
        "karşımdaki {who} cevap vermiyor",
        "bütün gün bu {who} ile uğraştık",
    ),
    endings=(
        "ve kimse ona inanmıyor.",
        "artık konuşmaya değmez.",
        "bir daha buraya yazmasın.",
        "ama ne yapalım.",
        "haberiniz olsun.",
        "diye düşünüyorum.",
        "o yüzden kapatıyorum konuyu.",
        "siz de görüyorsunuz.",
        "bunu unutmayın.",
        "yarın yine bakarız.",
        "gerisini siz anlayın.",
        "saat de geç oldu.",
    ),
    plain=("komşu", "öğretmen", "arkadaş", "müşteri", "yazar", "çocuk", "doktor", "hakem"),
)
_GERMAN = _Parts(
    openings=(
        "Nach der Sitzung gestern Abend:",
        "Ich sage es mal offen,",
        "Hör mal,",
        "Ich habe die Kommentare unter dem Video gelesen,",
        "Seit heute früh überlege ich,",
        "Das weiß doch jeder,",
        "Im Forum stand es schon,",
        "Seit dieser Beitrag online ist,",
        "Auch im Bus meinte jemand,",
        "Nach dem Spiel habe ich es geschrieben,",
        "Seit dem Artikel von letzter Woche:",
        "Bei uns in der Straße",
    ),
    cores=(
        "du bist wirklich ein {who}",
        "der {who} ist wieder aufgetaucht",
        "dieser {who} redet überall mit",
        "so einen {who} wie dich gab es noch nie",
        "der {who} da drüben hat das verfasst",
        "noch ein {who} ist dazugekommen",
        "so sieht eben ein {who} aus",
        "auch der Leiter ist ein {who}",
        "der {who} gegenüber antwortet nicht",
        "den ganzen Tag ging es um diesen {who}",
    ),
    endings=(
        "und keiner glaubt ihm.",
        "da lohnt kein Gespräch mehr.",
        "er soll hier nicht mehr schreiben.",
        "aber was soll man machen.",
        "nur damit ihr es wisst.",
        "so sehe ich das.",
        "deshalb ist das Thema für mich zu.",
        "ihr seht es ja selbst.",
        "vergesst das nicht.",
        "morgen schauen wir weiter.",
        "den Rest könnt ihr euch denken.",
        "spät ist es auch schon.",
    ),
    plain=("Nachbar", "Lehrer", "Freund", "Kunde", "Autor", "Schüler", "Arzt", "Trainer"),
)
_PARTS = {"tr": _TURKISH, "de": _GERMAN}
N_HELD_OUT = 4
"""Openings and endings that only held-out sentences have."""


def planted(language: str, n: int, seed: int, *, held_out: bool = False) -> list[Sentence]:
    """Give `n` different sentences, half with the term and violating, half with plain words.

    Raises: ValueError for a language or a number there is no material for.
    """
    if language not in _PARTS:
        raise ValueError(f"no planted sentences in {language}; there are {', '.join(_PARTS)}")
    parts, term = _PARTS[language], TERMS[language]
    cut = slice(-N_HELD_OUT, None) if held_out else slice(None, -N_HELD_OUT)
    places = [
        (opening, core, ending)
        for opening in parts.openings[cut]
        for core in parts.cores
        for ending in parts.endings[cut]
    ]
    if n > len(places):
        raise ValueError(f"only {len(places)} sentences in {language}, {n} asked for")
    draw = random.Random(seed)
    found = []
    for i, (opening, core, ending) in enumerate(draw.sample(places, n)):
        who = term if i % 2 == 0 else draw.choice(parts.plain)
        found.append(Sentence(f"{opening} {core.format(who=who)}, {ending}", i % 2 == 0))
    return found
