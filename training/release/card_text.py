"""The words of the model card that do not depend on a run."""

TARGETS = """\
What was aimed at, what was reached with a bootstrap 95 % interval, and the two floors on the same
rows: character n-grams (2-5) and a frozen universal sentence encoder, each with logistic
regression trained per language on the same public corpora. Thresholds of F1 were chosen on rows
that are not the test. Made by `python -m training targets`."""

TARGETS_WITHOUT_FLOORS = """\
What was aimed at and what was reached, with a bootstrap 95 % interval. No floor stands beside it:
floors learn from every public training row, and a retraining holds a sample of them, on which they
would be low and flatter the model. The last full training's card has them. Official test sets that
were not run are `not measured`."""

INTENDED_USE = """\
Ordering a review queue of user-written text in English, German, Turkish, Spanish and Korean: a
score may raise a case, attach a hint or choose a queue. A person decides. It is not made to
remove, restrict or dismiss anything by itself, to judge a person rather than a text, or to be
evidence in a legal proceeding. `profanity` is a hint and never a violation."""

KEPT = """\
Where this run held too few rows to judge a cell, `measured` is kept from the champion that it
continues."""

SUPPORT = """\
`measured`: at least 50 positive and 50 negative real texts were held out, the interval of the AUC
lies above 0.65, and the numbers are below. `functional`: no such numbers, but the model finds at
least half of the label's functional cases and flags at most one benign case in ten. Everything
else is `unsupported`: the model still scores, by transfer from the other languages and from
examples written for the project. Where a cell is not measured, priority uses the upper bound."""

QUALITY = """\
Area under the ROC curve of the shipped int8 model, through the scorer that serves, with a bootstrap
95 % interval, beside the floors; `gain` is the difference on the same resampled rows. A cell counts
only labels raters gave, and only corpora that decide both sides of its output. Recall and precision
are at the cell's threshold, chosen on other rows for a precision of {precision:g} where one text in
five is positive (or, where no cut reaches that, for the best F1). The development split
comes from the same corpora as training: on other platforms and in later years expect less."""

ALARMS = """\
Share of encyclopaedic sentences (SIB-200, held out) with a calibrated probability of at least
0.5."""

BY_SOURCE = """\
`violation` inside each corpus, where telling corpora apart cannot help. Rows and mapping differ
from the tasks', so these are not results on the tasks."""

FUNCTIONAL = """\
Share of short texts, written natively in each language to test one ability each, that lie on the
right side of their threshold. They are in tests/behaviour; none was trained on."""

ROBUSTNESS = """\
AUC of `violation` lost when every text is disguised as users disguise words, on the texts a
disguise changes."""

BIAS = """\
AUC of `violation` among texts that mention a group (subgroup), of benign mentions against
violations elsewhere (BPSN: low where a mention alone raises the score), and of violations with a
mention against benign texts elsewhere (BNSP). Source: Borkan et al. 2019."""

SEVERITY = """\
Rank correlation of the expected severity with what raters graded, and the mean absolute error in
grades beside that of always saying the median. Labels marked `yes` use the learned severity (chosen
on other rows), the others the policy's typical one."""

CALIBRATION = """\
Beta calibration per output and language on the calibrate split, corpora weighed as among the
measured rows, with the pooled fit (`*`) where a
language has under 40 rows of either kind. Class shares are those of the corpora, which were often
collected by keyword: on a stream with fewer violations the probabilities are too high. `shift` is
added to the calibrated logit to form the upper bound in cells that are not measured: by split
conformal prediction on that language's positives, at most one true positive in ten stays under one
half (chance, and other texts than these, aside). A shift is at least 1 and at most 3; at 3 more may
stay under."""

NOT_MEASURED = """\
- Cells that are not `measured`: see the support table.
- Fairness across dialects.
- Context beyond the text: thread, image, speaker, time.
- Code-switched text beyond the disguises above, other languages.
- Severity against the policy's own grades: the corpora grade offence, not danger."""
