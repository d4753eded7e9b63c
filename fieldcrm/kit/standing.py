"""Words for how background work stands; what else a kind of work may end as, its domain says."""

from __future__ import annotations

from enum import StrEnum

QUEUED, RUNNING, FAILED, CANCELLED = "queued", "running", "failed", "cancelled"
UNDER_WAY = (QUEUED, RUNNING)


class FileStatus(StrEnum):
    """How a file that is made for somebody stands."""

    queued = QUEUED
    running = RUNNING
    ready = "ready"
    failed = FAILED
    cancelled = CANCELLED
    expired = "expired"
