"""How long the search for units that know a word takes: ``python tests/bench/bench_selectivity.py [--tokens 4000]``.

All units of the default model over a text that it writes, with the control by shuffles. Reference, in the same run:
scipy's Mann-Whitney test unit by unit, which does the ranks and no shuffles. The issue's bound is a minute.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import mannwhitneyu

from rig.selectivity import N_SHIFTS, selectivity
from rig.session import Session
from rig.streams import StreamKind
from rig.texts import concept_moments, texts_of

N_REFERENCE = 200  # units; the rest would take as long each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--words", default="love,king")
    asked = parser.parse_args()
    with Session("language-model", {"threads": "1"}, seed=1) as session:
        text = next(s for s in session.subject.streams if s.kind is StreamKind.TEXT)
        session.watch("activity")
        session.watch(text.name)
        chunks = list(session.advance(asked.tokens))
    values = np.concatenate([c.data for c in chunks if c.stream == "activity"])
    texts = [t for c in chunks if c.stream == text.name for t in texts_of(text, c.data)]
    moments = concept_moments(texts, asked.words.split(","))
    began = time.perf_counter()
    found = selectivity(values, moments)
    took_s = time.perf_counter() - began
    began = time.perf_counter()
    for unit in range(N_REFERENCE):
        test = mannwhitneyu(values[moments, unit], values[~moments, unit], method="asymptotic")
        expected = test.statistic / (moments.sum() * (~moments).sum())
        assert abs(found.auc[unit] - expected) < 1e-6
    reference_s = (time.perf_counter() - began) * values.shape[1] / N_REFERENCE
    print(
        f"{values.shape[1]} units over {len(values)} tokens, {found.n_moments} of {asked.words}, {N_SHIFTS} shuffles: "
        f"{took_s:.2f} s; scipy's test unit by unit, no shuffles: {reference_s:.2f} s = {reference_s / took_s:.2f} x"
    )


if __name__ == "__main__":
    main()
