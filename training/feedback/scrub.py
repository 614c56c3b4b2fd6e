"""Take personal data out of texts that leave for training.

Mentions, mail addresses, links, telephone numbers, IBANs, payment cards and numbers of identity
documents become placeholders that the normaliser leaves alone, in the form in which public
corpora are masked. Names of people in plain words stay: see docs/decisions/0022.
"""

import re
from collections.abc import Callable
from functools import cache, partial

from phonenumbers import Leniency, PhoneNumberMatcher

from triage_ml.domain.taxonomy import Language
from triage_ml.domain.text import normalise

SCRUBBER_VERSION = "1"
"""Recorded in every export."""

LINK, USER, MAIL, PHONE, ACCOUNT, CARD, IDENTITY = (
    "http",
    "@user",
    "@email",
    "@phone",
    "@iban",
    "@card",
    "@id",
)
REGIONS = {
    Language.EN: ("US", "GB"),
    Language.DE: ("DE", "AT", "CH"),
    Language.TR: ("TR",),
    Language.ES: ("ES", "MX", "AR", "CO"),
    Language.KO: ("KR",),
    Language.UND: (),
}
"""Where numbers without a country code are looked for; with one, everywhere."""

MAX_ROUNDS = 8
MIN_PHONE_DIGITS = 7

_PLACEHOLDER = r"user|email|phone|iban|card|id"
_DASH = r"[\-\u2010-\u2015\u2212]"
_MAIL = re.compile(
    r"(?<![\w.+%@-])[\w.+%-]+\s?(?:@|[\[(]\s?(?:at|@)\s?[\])])\s?[a-z0-9-]+"
    r"(?:(?:\.|\s?[\[(]\s?(?:dot|punkt|nokta|punto)\s?[\])]\s?)[a-z0-9-]+)*"
    r"(?:\.|\s?[\[(]\s?(?:dot|punkt|nokta|punto)\s?[\])]\s?)[a-z]{2,}(?![a-z0-9@])",
    re.IGNORECASE,
)
# A link ends at quotes, and at Hangul: particles are written against it.
_IN_LINK = r"(?:[^\s<>\"'“”‘’«»「」가-힣ㄱ-ㅣ]|(?<=/)[가-힣]+)"
_TLD = (
    r"com|net|org|info|biz|io|co|gg|ly|tv|be|eu|app|dev|xyz|shop|online|site|link|club|live"
    r"|de|at|ch|uk|us|tr|kr|mx|ar"
)
_LINK = re.compile(
    rf"(?:https?|ftp):/+{_IN_LINK}+"
    rf"|(?<![\w@.])www?\.{_IN_LINK}+"
    # Any domain with a path, and without one those that no sentence ends in by accident.
    rf"|(?<![\w@.-])(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{{2,}}/{_IN_LINK}+"
    rf"|(?<![\w@.-])(?:[a-z0-9][a-z0-9-]+\.)+(?-i:{_TLD})(?:\.(?-i:tr|kr|uk|mx|ar))?"
    r"(?![a-z0-9_-]|\.\w)",
    re.IGNORECASE,
)
_AFTER_LINK = re.compile(r"[.,;:!?…)\]}*_~]+$")
# A name ends where Hangul begins: particles are written against it. "@ss" is a disguised word.
_NAME = (
    r"@(?!ss(?:h[o0]les?)?\b)"
    r"(?:[가-힣][\w가-힣]*|[^\W가-힣ㄱ-ㅣ]+(?:[.\-][^\W가-힣ㄱ-ㅣ]+)*(?:@[a-z0-9-]+(?:\.[a-z0-9-]+)+)?)"
)
_MENTION = re.compile(rf"(?<![\w@.]){_NAME}", re.IGNORECASE)
# Against a full stop or a word, once no address is left. "chic@s" and "b@stard" name nobody: they
# have few letters before or after the sign.
_ATTACHED = re.compile(rf"(?:(?<=\.)|(?<=\w{{3}})(?=@[^\W가-힣ㄱ-ㅣ]{{5}})){_NAME}", re.IGNORECASE)
_KEPT_MENTION = re.compile(rf"@(?:{_PLACEHOLDER})", re.IGNORECASE)
_ACCOUNT = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
_CARD = re.compile(rf"(?<![\w+])\d(?:[ ]?{_DASH}?[ ]?\d){{12,18}}(?!\w)")
_IDENTITIES = (
    re.compile(rf"(?<!\d)\d{{6}}\s?{_DASH}\s?[1-8]\d{{6}}(?!\d)"),  # Korea: resident number
    re.compile(rf"(?<![\d-])\d{{3}}{_DASH}\d{{2}}{_DASH}\d{{4}}(?![\d-])"),  # USA: social security
)
_DNI = re.compile(r"(?<!\w)([XYZ]?)-?(\d{7,8})[ -]?([A-HJ-NP-TV-Z])(?!\w)", re.IGNORECASE)
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_TCKN = re.compile(r"(?<!\d)[1-9]\d{10}(?!\d)")
_DIGIT = re.compile(r"\d")


def scrub(text: str, language: Language) -> str:
    """Put placeholders in the place of personal data; a second time changes nothing."""
    for _ in range(MAX_ROUNDS):
        before = text
        for step in _STEPS:
            text = step(text)
        text = _phones(text, REGIONS[language])
        if text == before:
            break
    return text


def clean(text: str, language: Language) -> str:
    """Normalise and scrub a text until neither finds anything more to do."""
    current = normalise(text).text
    for _ in range(MAX_ROUNDS):
        scrubbed = normalise(scrub(current, language)).text
        if scrubbed == current:
            break
        current = scrubbed
    return current


def _mails(text: str) -> str:
    return _MAIL.sub(MAIL, text)


def _links(text: str) -> str:
    def masked(match: re.Match[str]) -> str:
        after = _AFTER_LINK.search(match.group())
        return LINK + (after.group() if after else "")

    return _LINK.sub(masked, text)


def _mentions(pattern: re.Pattern[str], text: str) -> str:
    def masked(match: re.Match[str]) -> str:
        kept = _KEPT_MENTION.fullmatch(match.group())
        return kept.group().lower() if kept else USER

    return pattern.sub(masked, text)


def _accounts(text: str) -> str:
    return _ACCOUNT.sub(_if(_is_iban, ACCOUNT), text)


def _cards(text: str) -> str:
    return _CARD.sub(_if(_is_card, CARD), text)


def _identities(text: str) -> str:
    for pattern in _IDENTITIES:
        text = pattern.sub(IDENTITY, text)
    text = _DNI.sub(lambda m: IDENTITY if _is_dni(*m.groups()) else m.group(), text)
    return _TCKN.sub(_if(_is_tckn, IDENTITY), text)


def _phones(text: str, regions: tuple[str, ...]) -> str:
    if len(_DIGIT.findall(text)) < MIN_PHONE_DIGITS:
        return text
    for region in regions or (None,):
        found = list(PhoneNumberMatcher(text, region, leniency=Leniency.VALID))
        for match in reversed(found):
            if len(_DIGIT.findall(match.raw_string)) >= MIN_PHONE_DIGITS:
                text = text[: match.start] + PHONE + text[match.end :]
    return text


def _if(is_one: Callable[[str], bool], placeholder: str) -> Callable[[re.Match[str]], str]:
    return lambda match: placeholder if is_one(match.group()) else match.group()


def _is_iban(text: str) -> bool:
    """Source: ISO 13616, the remainder of 97 after the first four signs went to the end."""
    bare = text.replace(" ", "").upper()
    number = "".join(str(int(sign, 36)) for sign in bare[4:] + bare[:4])
    return 15 <= len(bare) <= 34 and int(number) % 97 == 1


def _is_card(text: str) -> bool:
    """Source: ISO/IEC 7812, the sum of Luhn."""
    digits = [int(sign) for sign in _DIGIT.findall(text)]
    if len(set(digits)) == 1:
        return False
    doubled = [digit if row % 2 == 0 else _SUMS[digit] for row, digit in enumerate(digits[::-1])]
    return sum(doubled) % 10 == 0


_SUMS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _is_dni(foreign: str, digits: str, letter: str) -> bool:
    """Source: Spain's DNI and NIE, the letter by the remainder of 23."""
    if len(digits) != (7 if foreign else 8):
        return False
    number = int({"": "", "X": "0", "Y": "1", "Z": "2"}[foreign.upper()] + digits)
    return _DNI_LETTERS[number % 23] == letter.upper()


def _is_tckn(text: str) -> bool:
    """Source: Türkiye's identity number, two check digits."""
    d = [int(sign) for sign in text]
    tenth = (sum(d[0:9:2]) * 7 - sum(d[1:8:2])) % 10
    return d[9] == tenth and d[10] == sum(d[:10]) % 10


_STEPS: tuple[Callable[[str], str], ...] = (
    partial(_mentions, _MENTION),
    _mails,
    _links,
    partial(_mentions, _ATTACHED),
    _accounts,
    _identities,
    _cards,
)


@cache
def placeholders() -> tuple[str, ...]:
    """Name everything that stands for personal data."""
    return (LINK, USER, MAIL, PHONE, ACCOUNT, CARD, IDENTITY)
