"""What is compared of records, what a comparison comes to, and how pairs are decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from fieldcrm.kit.errors import Conflict, Invalid, NotFound

Ints = np.ndarray[Any, np.dtype[np.int64]]
Levels = np.ndarray[Any, np.dtype[np.int8]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Role(StrEnum):
    """What a column holds, and so how two of its values are compared."""

    text = "text"
    """Names, streets, places: words in any order."""
    address = "address"
    """Words with a house number among them."""
    phone = "phone"
    """One or several numbers; the country's code may be there or not."""
    digits = "digits"
    """Dates, postcodes, numbers of documents."""
    position = "position"
    """`lat lng` in degrees."""


@dataclass(frozen=True)
class Column:
    """One column of all records; an empty text is no value."""

    name: str
    role: Role
    values: list[str]
    about: str = ""
    """Columns about one thing, as an address and a position, are one piece of evidence."""
    is_coarse: bool = False
    """Given by finer columns about the same thing, as a town by an address: neighbours share it."""


@dataclass(frozen=True)
class LevelNames:
    """The levels of a role, the best agreement first; level 0 is always "one has no value"."""

    names: tuple[str, ...]
    usual: tuple[float, ...]
    """How often each level (from 1) is found between records of one client: where EM begins, and
    what it leans on while there are few pairs. Set by what typing and moving do to such a field,
    the same for all data."""
    at_large: tuple[float, ...]
    """How often each level is found between any two clients of a town; leaned on likewise."""


LEVELS: dict[Role, LevelNames] = {
    Role.text: LevelNames(
        ("missing", "same", "near", "contained", "partly", "different"),
        (0.55, 0.2, 0.12, 0.08, 0.05), (0.002, 0.002, 0.002, 0.02, 0.974),
    ),
    Role.address: LevelNames(
        ("missing", "same", "same_number", "near_number", "no_number", "other_number", "same_number_only", "different"),
        (0.7, 0.08, 0.05, 0.05, 0.06, 0.02, 0.04), (0.001, 0.001, 0.002, 0.002, 0.01, 0.01, 0.974),
    ),
    Role.phone: LevelNames(("missing", "same", "near", "different"), (0.75, 0.07, 0.18), (0.001, 0.0005, 0.9985)),
    Role.digits: LevelNames(("missing", "same", "near", "different"), (0.8, 0.12, 0.08), (0.01, 0.02, 0.97)),
    Role.position: LevelNames(
        ("missing", "here", "close", "around", "far"), (0.6, 0.2, 0.15, 0.05), (0.001, 0.003, 0.01, 0.986)
    ),
}  # fmt: skip


@dataclass
class Weights:
    """What each level of each column says, in bits, and how often two records are one client."""

    bits: list[list[float]]
    """Per column and level; level 0 says nothing."""
    prior_bits: float
    """log2 of the odds that any two records are one client."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of records by their row, the smaller first, with the level of each column."""

    left: Ints
    right: Ints
    levels: list[Levels] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.left)


Tell = Callable[[float], None]
"""Hears how far a long work is, 0 to 1; may raise `jobs.Cancelled`."""


def quiet(_share: float) -> None:
    """Nobody watches."""


class Status(StrEnum):
    """What was said of a pair."""

    open = "open"
    later = "later"
    different = "different"
    merged = "merged"


class SweepStatus(StrEnum):
    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


SORTS = ("probability", "name", "found_at")
"""By what the queue is ordered; `-` in front turns one round."""


@dataclass(frozen=True)
class Reason:
    """One field's word for or against a pair's being one client."""

    field: str
    level: str
    bits: float


@dataclass(frozen=True)
class FieldPair:
    """A field of both cards."""

    field: str
    left: Any
    right: Any
    is_different: bool


@dataclass(frozen=True)
class PairFilters:
    """What narrows the queue; empty is no limit."""

    search: str = ""
    status: str = "open"
    kind: str = ""


@dataclass(frozen=True)
class Hint:
    """A client there is already that a new one may be."""

    client: Any
    """The `Client` row."""
    probability: float
    reasons: list[Reason]


class NoSuchPair(NotFound):
    """No such pair, or one of its clients is out of this person's scope."""

    code = "duplicate_not_found"


class PairDecided(Conflict):
    """Somebody else has decided this pair meanwhile."""

    code = "duplicate_decided"


class SweepUnderWay(Conflict):
    """The base is being looked through already."""

    code = "sweep_under_way"


class NoSuchSweep(NotFound):
    """No such sweep."""

    code = "sweep_not_found"


class BadThreshold(Invalid):
    """A rule may merge from a probability of 0.95 and below 1."""

    code = "bad_threshold"


class NotMergeable(Invalid):
    """A person is no place, and nobody is merged with himself or twice."""

    code = "not_mergeable"


class NoSuchMerge(NotFound):
    """No such merge, or one of its clients is out of this person's scope."""

    code = "merge_not_found"


class MergeBuiltOn(Conflict):
    """A later merge has to be undone before this one."""

    code = "merge_built_on"


class MergeUndone(Conflict):
    """This merge was undone already."""

    code = "merge_undone"
