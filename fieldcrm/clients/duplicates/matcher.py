"""From columns to pairs with a probability, and to groups of records that are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldcrm.clients.duplicates import blocking, clusters, comparing, weighing
from fieldcrm.clients.duplicates.dependence import about_one_thing
from fieldcrm.clients.duplicates.model import Column, Floats, Ints, Pairs, Tell, Weights, quiet
from fieldcrm.clients.duplicates.prepared import Prepared

LEAST_BITS = 4.25
"""Evidence from which two records are taken for one: 19 to 1, which is 95 of a hundred. What is asked
of a link everywhere, not fitted to any file's truth."""


@dataclass
class Found:
    """What matching records came to."""

    columns: list[Prepared]
    pairs: Pairs
    weights: Weights
    bits: Floats

    def weigh(self, left: Ints, right: Ints) -> Floats:
        """Evidence in bits for any pairs, also those that were no candidates."""
        pairs = comparing.compare(self.columns, left, right)
        return weighing.evidence(self.columns, pairs, self.weights)

    def groups(self, least: float = LEAST_BITS) -> list[list[int]]:
        """Rows of each group of records that are one."""
        return clusters.clusters(self.pairs.left, self.pairs.right, self.bits, self.weigh, least)


def match(columns: Sequence[Column], tell: Tell = quiet) -> Found:
    """Compare what is worth comparing, learn what it says, and weigh it."""
    prepared = about_one_thing([Prepared(column) for column in columns])
    tell(0.2)
    left, right = blocking.candidate_pairs(prepared)
    pairs = comparing.compare(prepared, left, right, lambda share: tell(0.35 + share * 0.4))
    weights = weighing.learn(prepared, pairs, lambda share: tell(0.75 + share * 0.25))
    return Found(prepared, pairs, weights, weighing.evidence(prepared, pairs, weights))
