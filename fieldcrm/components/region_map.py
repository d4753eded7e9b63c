"""What the maps' TypeScript shares (`region_map.ts`, `cell_map.tsx`), and the libraries they need."""

from __future__ import annotations

from fieldcrm.components.beside import browser_file

for _part in ("region_map.ts", "cell_map.tsx"):
    browser_file(__file__, _part)  # imported by the maps' own files

LIBRARIES = ("maplibre-gl@6.14.0", "pmtiles@4.3.0")
