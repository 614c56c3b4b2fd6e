"""The corpora the product reads, one short declaration each."""

from training.readers.english import ENGLISH
from training.readers.german import GERMAN
from training.readers.korean import KOREAN
from training.readers.several import SEVERAL
from training.readers.spanish import SPANISH
from training.readers.turkish import TURKISH
from training.readers.written import WRITTEN
from training.sources import Source

SOURCES: tuple[Source, ...] = (*ENGLISH, *GERMAN, *TURKISH, *SPANISH, *KOREAN, *SEVERAL, *WRITTEN)
