"""The words of the model card that do not depend on a run."""

INTENDED_USE = """\
Ordering a review queue of user-written text in English, German, Turkish, Spanish and Korean: a
score may raise a case, attach a hint or choose a queue. A person decides. It is not made to
remove, restrict or dismiss anything by itself, to judge a person rather than a text, or to be
evidence in a legal proceeding. `profanity` is a hint and never a violation."""

SUPPORT = """\
`measured`: at least 50 positive and 50 negative real texts were held out and the numbers are
below. Everything else is `unsupported`: where the model has the output it still scores, by
transfer from the other languages, and priority uses the upper bound."""

QUALITY = """\
Area under the ROC curve of the shipped int8 model with a bootstrap 95 % interval, beside
character n-grams (2-5) with logistic regression trained per language on all of the same training
rows. `gain` is the difference on the same resampled rows. A cell counts only corpora that decide
both sides of its output. Recall and precision are at a calibrated probability of 0.5. The
development split comes from the same corpora as training: on other platforms and in later years
expect less."""

ALARMS = """\
Share of encyclopaedic sentences (SIB-200, held out) with a calibrated probability of at least
0.5."""

BY_SOURCE = """\
`violation` inside each corpus, where telling corpora apart cannot help. Macro-F1 at 0.5 is a check
that the data were read rightly: GermEval 2021 toxic comments were published at 0.668 (features) to
0.718 (ensemble), on its own test set. Rows and mapping differ from the tasks', so these are not
results on the tasks."""

CALIBRATION = """\
Platt scaling per output and language on the calibrate split, with the pooled fit (`*`) where a
language has under 40 rows of either kind. Class shares are those of the corpora, which were often
collected by keyword: on a stream with fewer violations the probabilities are too high. `shift` is
added to the calibrated logit to form the upper bound in cells that are not measured; it is the
largest distance seen between a language's calibration and the pooled one at the median positive,
at least 1."""

NOT_MEASURED = """\
- Any label without an output: see the support table.
- Functional cases (negation, counterspeech, reclaimed words, quoted abuse, misspelling): no
  suite yet.
- Fairness across dialects and identity groups; hate corpora over-flag mentions of the groups
  they cover.
- Context beyond the text: thread, image, speaker, time.
- Code-switched text, other languages, text longer than the windows together."""
