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
from fieldcrm.clients.duplicates.model import (
    LEVELS,
    Floats,
    Levels,
    Pairs,
    Role,
    Tell,
    Weights,
    quiet,
)
from fieldcrm.clients.duplicates.prepared import Prepared

ROUNDS_MOST = 40
USUAL_PAIRS = 30.0
"""Pairs that the usual shares count for beside the data's own."""
SAMPLE = 100_000
DIFFERENT_MOST = 0.25
"""Share of records of one client that may differ wholly in a column."""
SAME, NEAR = 1, 2
"""Levels of numbers."""
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
        agreeing = _with_few_different(_shares(of_one, known.usual))
        learned = _bits(agreeing, _shares(others, known.at_large))
        bits.append(_with_modest_slips(column, learned))
    return Weights(bits, float(np.log2((chance.sum() + 1) / every)))


def _with_few_different(of_one: Floats) -> Floats:
    """Records of one client seldom differ wholly: neighbours that agree in all but who they are would
    else be learned as one."""
    surplus = max(float(of_one[-1]) - DIFFERENT_MOST, 0.0)
    kept = of_one * (1 + surplus / max(1 - float(of_one[-1]), 1e-9))
    kept[-1] = of_one[-1] - surplus
    return kept


def _with_modest_slips(column: Prepared, bits: list[float]) -> list[float]:
    """Numbers a digit apart say half of what the same ones do: a town's numbers are alike."""
    if column.role in (Role.phone, Role.digits):
        bits[NEAR] = min(bits[NEAR], max(bits[SAME], 0.0) / 2)
    return bits


def _others(of_one: Floats, large: Floats, every: float) -> Floats:
    """The sampled pairs without their share of those believed to be one client."""
    sampled = min(float(large.sum()), every)
    counts = large * (sampled / max(large.sum(), 1.0))
    return np.maximum(counts - of_one * (sampled / every), 0.0)


def evidence(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> Floats:
    """Bits for each pair's being one client, the prior among them."""
    said = says(columns, pairs, weights)
    total = np.full(len(pairs), weights.prior_bits)
    for about in dict.fromkeys(c.about for c in columns):
        mine = [n for n, column in enumerate(columns) if column.about == about]
        total += _together(columns, pairs, said, mine)
    return total


def _together(
    columns: Sequence[Prepared], pairs: Pairs, said: list[Floats], mine: list[int]
) -> Floats:
    """What the columns about one thing say of each pair: the fine ones, and coarse ones against it.

    Coarse ones speak for it where no fine one has a value of both, and half where these differ: who
    moved stayed in town.
    """
    core = [n for n in mine if not columns[n].is_coarse]
    coarse = [said[n] for n in mine if columns[n].is_coarse]
    is_there = np.any([pairs.levels[n] > 0 for n in core], axis=0) if core else np.False_
    against = np.sum([np.minimum(bits, 0) for bits in coarse], axis=0)
    instead = _strongest(coarse) if coarse else 0.0
    fine = _strongest([said[n] for n in core]) if core else 0.0
    half = np.where(fine < 0, np.maximum(instead, 0) / 2, 0.0)
    return np.where(is_there, fine + against + half, instead)


def says(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> list[Floats]:
    """Bits that each column says of each pair."""
    return [
        np.array(bits)[levels] + rarity(column, pairs, levels)
        for column, levels, bits in zip(columns, pairs.levels, weights.bits, strict=True)
    ]


def _strongest(said: Sequence[Floats]) -> Floats:
    """The best word for a pair less half of the worst against it; the worst where none speaks for it."""
    best, worst = np.max(said, axis=0), np.min(said, axis=0)
    return np.where(best > 0, best + np.minimum(worst, 0) / 2, worst)


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
