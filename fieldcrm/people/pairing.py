"""What a phone app needs to be set up, as a link or a text, and as a QR code."""

from __future__ import annotations

import base64
import io
import json
from urllib.parse import urlencode

from fieldcrm.people.model import DeviceKind

FIX_EVERY_S = 15
MOVED_M = 25
HEARTBEAT_S = 300


def setup_uri(kind: DeviceKind, gateway: str, web: str, device_id: str, token: str) -> str:
    """The link or text that sets an app up; `gateway` and `web` are origins.

    Sources: traccar.org/client-configuration (the address scanned is the server's with settings as
    its query), owntracks.org/booklet/features/remoteconfig, Overland's README, GPSLogger's custom
    URL guide.
    """
    ingest = f"{gateway}/ingest/{kind.value}"
    if kind is DeviceKind.osmand:
        return f"{ingest}?{_traccar(token)}"
    if kind is DeviceKind.owntracks:
        return f"owntracks:///config?{urlencode({'inline': _owntracks(ingest, device_id, token)})}"
    if kind is DeviceKind.overland:
        asked = {"url": ingest, "token": token, "device_id": device_id}
        return f"overland://setup?{urlencode(asked)}"
    if kind is DeviceKind.gpslogger:
        return f"{ingest}?id={token}&{_GPSLOGGER}"
    return f"{web}/rep/"


_GPSLOGGER = (
    "lat=%LAT&lon=%LON&acc=%ACC&spd=%SPD&dir=%DIR&alt=%ALT&prov=%PROV&timestamp=%TIMESTAMP"
    "&time=%TIME&batt=%BATT&ischarging=%ISCHARGING"
)


def _traccar(token: str) -> str:
    return urlencode(
        {
            "id": token, "accuracy": "high", "interval": FIX_EVERY_S, "distance": MOVED_M,
            "heartbeat": HEARTBEAT_S, "buffer": "true", "wakelock": "true",
        }
    )  # fmt: skip


def _owntracks(ingest: str, device_id: str, token: str) -> str:
    """An OwnTracks configuration in base64: HTTP mode (3), the token as the Basic password."""
    settings = {
        "_type": "configuration", "mode": 3, "url": ingest, "auth": True, "username": device_id,
        "password": token, "usePassword": True, "deviceId": device_id[:8], "tid": "fc",
        "monitoring": 2, "moveModeLocatorInterval": FIX_EVERY_S, "locatorInterval": FIX_EVERY_S,
        "locatorDisplacement": MOVED_M, "extendedData": True, "cmd": True,
        "remoteConfiguration": False,
    }  # fmt: skip
    text = json.dumps(settings, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def qr_svg(text: str) -> str:
    """A QR code as an SVG on its own white ground, so that it scans in the dark look too."""
    import segno

    code = segno.make(text, error="m", micro=False)
    out = io.BytesIO()
    code.save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, svgns=True,
        omitsize=True, nl=False,
    )  # fmt: skip
    return out.getvalue().decode()
