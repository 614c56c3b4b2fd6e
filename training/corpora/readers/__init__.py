"""The corpora the product reads, one short declaration each."""

from training.corpora.readers.english import ENGLISH
from training.corpora.readers.german import GERMAN
from training.corpora.readers.korean import KOREAN
from training.corpora.readers.several import SEVERAL
from training.corpora.readers.spanish import SPANISH
from training.corpora.readers.turkish import TURKISH
from training.corpora.readers.written import WRITTEN
from training.corpora.sources import Source

SOURCES: tuple[Source, ...] = (*ENGLISH, *GERMAN, *TURKISH, *SPANISH, *KOREAN, *SEVERAL, *WRITTEN)
