"""What can be wrong with what a phone sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fieldcrm.kit.errors import Conflict, Invalid, NotFound, TooLarge


@dataclass(frozen=True)
class When:
    """The moment of a mutation, after its phone's clock was judged."""

    at: datetime
    device_at: datetime
    offset_ms: int
    facts: dict[str, Any] = field(default_factory=dict)
    """What was odd: clamped, measured_offset_ms, clock_doubt_ms."""


class BadPush(Invalid):
    """The message itself can't be read; `params` says where."""

    code = "bad_push"


class MutationReused(Conflict):
    """This mutation id came before with other content or from another phone."""

    code = "mutation_reused"


class SequenceReused(Conflict):
    """This device already sent another mutation with this number."""

    code = "sequence_reused"


class UnknownKind(Invalid):
    """No such kind of mutation; an older server may say so to a newer phone."""

    code = "unknown_kind"


class BadPayload(Invalid):
    """A mutation's fields are wrong; `params` says which and why."""

    code = "bad_payload"


class BadId(Invalid):
    """An id that isn't a UUID."""

    code = "bad_id"


class AppTooOld(Invalid):
    """The phone app speaks a protocol that this server no longer takes: it must update."""

    code = "wire_too_old"


class BadExport(Invalid):
    """Not a file that a phone exported, or a cut one."""

    code = "bad_export"


class ForeignExport(Invalid):
    """Sealed for another install, or changed on its way."""

    code = "foreign_export"


class NoSuchCorrection(NotFound):
    """No correction with this id among the actor's clients."""

    code = "no_such_correction"


class CorrectionDecided(Conflict):
    """Somebody accepted or declined it already."""

    code = "correction_decided"


class CorrectionOvertaken(Conflict):
    """Somebody changed the same fields since the rep looked; `params` names them."""

    code = "correction_overtaken"


class WrongType(Invalid):
    """Neither a photo nor a sound that we keep, by its first bytes."""

    code = "wrong_file_type"


class WrongOffset(Conflict):
    """The piece doesn't continue what is here; `params['offset']` says where to go on."""

    code = "wrong_offset"


class FileTooLarge(TooLarge):
    """Longer than an attachment may be."""

    code = "file_too_large"


class TooManyParts(TooLarge):
    """This person has too many unfinished uploads."""

    code = "too_many_uploads"


class NoSuchFile(NotFound):
    """No such attachment, or it isn't this person's to see."""

    code = "no_such_file"
