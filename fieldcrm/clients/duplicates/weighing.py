"""How much each agreement says, learned from the records themselves (Fellegi and Sunter 1969).

Nobody says which pairs are one client. How often a level is found between different clients is
counted over pairs at large; how often between records of one client is found by expectation and
maximisation over the candidates, leaning on the usual shares of `model.LEVELS`. A value that many
records have says less than a rare one (Winkler's adjustment).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldcrm.clients.duplicates.comparing import compare
from fieldcrm.clients.duplicates.model import LEVELS, Floats, Levels, Pairs, Tell, Weights, quiet
from fieldcrm.clients.duplicates.prepared import Prepared

ROUNDS_MOST = 40
USUAL_PAIRS = 30.0
"""Pairs that the usual shares count for beside the data's own."""
SAMPLE = 100_000
RARE_BITS_MOST = 3.0
BITS_MOST = 14.0
"""Nothing proves alone: no level says more than this."""


def learn(columns: Sequence[Prepared], pairs: Pairs, tell: Tell = quiet, seed: int = 1) -> Weights:
    """The weights of all levels, from candidates and a sample of pairs at large."""
    records = len(columns[0].texts)
    every = max(records * (records - 1) / 2, 1.0)
    at_large = _at_large(columns, records, seed)
    prior = float(np.log2(max(min(len(pairs), records), 1) / 2 / every))
    weights = Weights([_beginning(c) for c in columns], prior)
    for turn in range(ROUNDS_MOST):
        tell(turn / ROUNDS_MOST)
        chance = probabilities(columns, pairs, weights)
        renewed = _renewed(columns, pairs, chance, at_large, every)
        moved = max(
            abs(a - b)
            for old, new in zip(weights.bits, renewed.bits, strict=True)
            for a, b in zip(old, new, strict=True)
        )
        weights = renewed
        if moved < 0.01:
            break
    return weights


def _at_large(columns: Sequence[Prepared], records: int, seed: int) -> list[Floats]:
    """How many of SAMPLE pairs picked at random have each level (from 1)."""
    rng = np.random.default_rng(seed)
    left, right = rng.integers(0, max(records, 1), (2, SAMPLE if records else 0))
    apart = left != right
    sampled = compare(columns, left[apart], right[apart])
    return [
        np.bincount(found, minlength=_size(c))[1:].astype(float)
        for c, found in zip(columns, sampled.levels, strict=True)
    ]


def _size(column: Prepared) -> int:
    return len(LEVELS[column.role].names)


def _beginning(column: Prepared) -> list[float]:
    known = LEVELS[column.role]
    return _bits(np.array(known.usual), np.array(known.at_large))


def _shares(counts: Floats, usual: tuple[float, ...]) -> Floats:
    leaning = np.array(usual) * USUAL_PAIRS
    return (counts + leaning) / (counts.sum() + USUAL_PAIRS)


def _bits(of_one: Floats, at_large: Floats) -> list[float]:
    bits = np.clip(np.log2(of_one / at_large), -BITS_MOST, BITS_MOST)
    return [0.0, *bits.tolist()]


def _renewed(
    columns: Sequence[Prepared], pairs: Pairs, chance: Floats, at_large: list[Floats], every: float
) -> Weights:
    """Weights by how the pairs believed to be one client agree, and how the others do."""
    bits = []
    for column, levels, large in zip(columns, pairs.levels, at_large, strict=True):
        known = LEVELS[column.role]
        of_one = np.bincount(levels, weights=chance, minlength=_size(column))[1:]
        others = _others(of_one, large, every)
        bits.append(_bits(_shares(of_one, known.usual), _shares(others, known.at_large)))
    return Weights(bits, float(np.log2((chance.sum() + 1) / every)))


def _others(of_one: Floats, large: Floats, every: float) -> Floats:
    """The sampled pairs without their share of those believed to be one client."""
    sampled = min(float(large.sum()), every)
    counts = large * (sampled / max(large.sum(), 1.0))
    return np.maximum(counts - of_one * (sampled / every), 0.0)


def evidence(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> Floats:
    """Bits for each pair's being one client, the prior among them."""
    said: dict[str, list[Floats]] = {}
    for column, bits in zip(columns, says(columns, pairs, weights), strict=True):
        said.setdefault(column.about, []).append(bits)
    total = np.full(len(pairs), weights.prior_bits)
    for about in said.values():
        total += _strongest(np.stack(about))
    return total


def says(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> list[Floats]:
    """Bits that each column says of each pair."""
    return [
        np.array(bits)[levels] + rarity(column, pairs, levels)
        for column, levels, bits in zip(columns, pairs.levels, weights.bits, strict=True)
    ]


def _strongest(bits: Floats) -> Floats:
    """Of columns about one thing the best word for a pair; the worst where none speaks for it."""
    best = bits.max(axis=0)
    return np.where(best > 0, best, bits.min(axis=0))


def rarity(column: Prepared, pairs: Pairs, levels: Levels) -> Floats:
    """Bits more (or fewer) where the same value is rarer (or commoner) than values are on average."""
    found = np.zeros(len(pairs))
    if not len(column.value_counts):
        return found
    is_same = (levels == 1) & (column.values[pairs.left] == column.values[pairs.right])
    expected = (column.value_counts**2).sum() / column.value_counts.sum()
    counts = column.value_counts[column.values[pairs.left[is_same]]]
    found[is_same] = np.clip(np.log2(expected / counts), -RARE_BITS_MOST, RARE_BITS_MOST)
    return found


def probabilities(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> Floats:
    """The chance of each pair's being one client."""
    return chance_of(evidence(columns, pairs, weights))


def chance_of(bits: Floats) -> Floats:
    return 1 / (1 + np.exp2(-np.clip(bits, -60, 60)))
