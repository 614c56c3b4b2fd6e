"""How right are joined labels, by noise model? Made-up reviewers of stated accuracy.

Each text has a hidden truth; every text is judged once, a share of them again by others. Printed
per condition: the share of wrong labels among those decided, the share left undecided, and the
Brier score, as means over seeds with the 95 % interval of the paired difference to the majority.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from training.feedback.noise import ABSENT, PRESENT, NoiseModel, Votes, probabilities

N_TEXTS, SEEDS = 3_000, 6


@dataclass(frozen=True)
class Condition:
    n_people: int
    shared: float  # share of texts judged by three
    prevalence: float
    spread: str  # even: all 0.9; mixed: from 0.65 to 0.98


def simulate(condition: Condition, seed: int) -> tuple[Votes, np.ndarray]:
    chance = np.random.default_rng(seed)
    truth = (chance.random(N_TEXTS) < condition.prevalence).astype(int)
    people = condition.n_people
    if condition.spread == "even":
        right = np.full((people, 2), 0.9)
    else:
        right = np.linspace(0.65, 0.98, people)[:, None] * np.ones((1, 2))
        chance.shuffle(right)
    rows = []
    for text in range(N_TEXTS):
        n = 3 if chance.random() < condition.shared else 1
        for person in chance.choice(people, size=n, replace=False):
            said = truth[text] if chance.random() < right[person, truth[text]] else 1 - truth[text]
            rows.append((text, person, said))
    texts, who, values = np.array(rows, dtype=np.int64).T
    return Votes(texts, who, values, np.zeros(len(rows), dtype=bool)), truth


def measure(votes: Votes, truth: np.ndarray, model: NoiseModel) -> tuple[float, float, float]:
    p = probabilities(votes, N_TEXTS, model)
    sure = (p >= PRESENT) | (p <= ABSENT)
    wrong = float(((p >= 0.5) != truth)[sure].mean()) if sure.any() else float("nan")
    return wrong, float(1 - sure.mean()), float(((p - truth) ** 2).mean())


def main() -> None:
    names = "people, judged by 3, present, accuracy, model, wrong, undecided, Brier, − majority"
    print(f"| {names.replace(', ', ' | ')} |")
    print("|---|---|---|---|---|---|---|---|---|")
    grid = product((6, 20), (0.05, 0.3), (0.1, 0.4), ("even", "mixed"))
    for condition in (Condition(*row) for row in grid):
        found = {
            model: np.array([measure(*simulate(condition, s), model) for s in range(SEEDS)])
            for model in NoiseModel
        }
        for model in NoiseModel:
            wrong, undecided, brier = found[model].mean(axis=0)
            gap = found[model][:, 2] - found[NoiseModel.MAJORITY][:, 2]
            half = 2.571 * gap.std(ddof=1) / np.sqrt(SEEDS)  # t of 5 degrees of freedom
            print(
                f"| {condition.n_people} | {condition.shared:.0%} | {condition.prevalence:.0%} "
                f"| {condition.spread} | {model} | {wrong:.1%} | {undecided:.1%} | {brier:.4f} "
                f"| {gap.mean():+.4f} ± {half:.4f} |"
            )


if __name__ == "__main__":
    main()
