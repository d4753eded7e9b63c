"""What other processes tell this gateway: positions, nudges, notices, revoked devices."""

from __future__ import annotations

import contextlib
import logging
import random
from asyncio import sleep
from typing import TYPE_CHECKING, Any

import msgspec
import redis

from fieldcrm.kit import bus
from fieldcrm.people import notices
from fieldcrm.tracking import live_index
from fieldcrm.tracking.live_index import LivePoint

if TYPE_CHECKING:
    from workers.gateway.server import Gateway

_log = logging.getLogger("gateway")
_ANSWER = "!"
"""Before the id of a gateway that only answers: who answered that would never come to an end."""


class Channels:
    """One subscription for the whole process."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def listen(self) -> None:
        """Follow the channels; after a break everything is read anew, for something was missed."""
        while True:
            connection = bus.async_connection()
            try:
                await self._follow(connection)
            except (redis.RedisError, OSError) as error:
                _log.warning("channels lost, again soon: %r", error)
            except Exception:
                _log.exception("channels")
            finally:
                with contextlib.suppress(Exception):
                    await connection.aclose()
            await sleep(random.uniform(0.1, 0.6))

    async def _follow(self, connection: Any) -> None:
        channels = connection.pubsub()
        await channels.psubscribe("phone:*", "desk:*")
        await channels.subscribe(notices.DEVICES_CHANNEL, live_index.PHONES_CHANNEL,
                                 live_index.GATEWAYS_CHANNEL)  # fmt: skip
        await _follow_cells(channels, live_index.OTHERS)
        await self._load_live(connection)
        await _greet(connection)
        peers: set[str] = set()
        begun: set[str] = set()
        async for message in channels.listen():
            channel, data = message["channel"].decode(), message["data"]
            if message["type"].endswith("subscribe"):
                _note_beginning(channel, begun)
            elif channel == live_index.GATEWAYS_CHANNEL:
                await self._meet(data.decode(), peers, channels, connection)
            elif not live_index.is_own(data):
                self._hear(channel, data)

    async def _meet(self, greeting: str, peers: set[str], channels: Any, connection: Any) -> None:
        """Listen to another gateway from now on.

        Who greets has just begun to listen and knows nobody, however well he is known here: after
        a break of his subscription he comes as a stranger. So a greeting is always answered.
        """
        peer = greeting.removeprefix(_ANSWER)
        if peer == live_index.GATEWAY_ID.hex():
            return
        if peer not in peers:
            peers.add(peer)
            await _follow_cells(channels, peer)
            await self._load_live(connection)
        if peer == greeting:
            await _greet(connection, _ANSWER)

    async def _load_live(self, connection: Any) -> None:
        for data in (await connection.hgetall(live_index.PHONES)).values():
            status = live_index.decode_status(data)
            if status is not None:
                self.gateway.hub.take_status(status)
        points = [live_index.decode_point(d) for d in (await connection.hvals(live_index.LIVE))]
        self.gateway.hub.take_points(p for p in points if p is not None)

    def _hear(self, channel: str, data: bytes) -> None:
        try:
            kind, _, key = channel.partition(":")
            if kind == "cell":
                self._hear_points(live_index.published_points(data))
            elif channel == live_index.PHONES_CHANNEL:
                for status in live_index.published_statuses(data):
                    self.gateway.hub.take_status(status)
            elif kind == "phone":
                for phone in list(self.gateway.phones.get(key, ())):
                    phone.socket.send_text(data)
            elif kind == "desk":
                self._hear_desk(key, data)
            elif channel == notices.DEVICES_CHANNEL:
                self._hear_devices(msgspec.json.decode(data))
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
            _log.warning("a message on %s makes no sense: %r", channel, error)

    def _hear_points(self, points: list[LivePoint]) -> None:
        for point in points:
            self.gateway.committer.take_remote(point)
        self.gateway.hub.take_points(points)

    def _hear_desk(self, team_id: str, data: bytes) -> None:
        self.gateway.hub.notice(team_id, data)
        notice = msgspec.json.decode(data)
        if notice.get("t") == "changed" and notice.get("entity") in ("shift", "visit", "profile"):
            self.gateway.hub.crew.ask(notice.get("rep_ids", ()))

    def _hear_devices(self, notice: dict[str, Any]) -> None:
        if notice["t"] == "revoked":
            self.gateway.revoke(notice["device_id"])
        elif notice["t"] in ("signed_out", "changed"):  # who may stay, and what he may see now
            self.gateway.sign_out(notice["user_id"])
        elif notice["t"] == "forgotten":
            self.gateway.committer.reps.pop(notice["rep_id"], None)
            self.gateway.hub.forget(notice["rep_id"])


async def _follow_cells(channels: Any, publisher: str) -> None:
    """Listen to all cells of one who publishes; sharded channels, which this client has no word for."""
    for channel in live_index.cell_channels(publisher):
        await channels.execute_command("SSUBSCRIBE", channel)


def _note_beginning(channel: str, begun: set[str]) -> None:
    """A subscription that begins again was broken, and the client made only a part of it anew."""
    if channel in begun:
        raise redis.ConnectionError("the subscription broke")
    begun.add(channel)


async def _greet(connection: Any, how: str = "") -> None:
    await connection.publish(live_index.GATEWAYS_CHANNEL, how + live_index.GATEWAY_ID.hex())
