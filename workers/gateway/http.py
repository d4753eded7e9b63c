"""HTTP on a gateway's connection: the phones' protocols, /healthz and /metrics."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httptools

from fieldcrm.tracking.model import Unreadable
from fieldcrm.tracking.protocols.http import Post, Reply, pairs
from workers.gateway.connection import Connection

if TYPE_CHECKING:
    from workers.gateway.ingest import Caller
    from workers.gateway.server import Gateway

BODY_MOST = 4 << 20
BODIES_MOST = 128 << 20
"""Of all connections together: half a body each from thousands of them must not fill the memory."""
REQUEST_WITHIN_S = 60.0
"""From a request's first byte to its last; who drips a body byte by byte is dropped."""
HEAD_LEFT_MOST = 65_536
UNREAD_MOST = 65_536
"""Bytes of answers that a client may leave unread and still be answered more."""
PIPELINED_MOST = 32
"""Requests that wait for their answer while more are read."""
IN_ONE_GO_MOST = 512
"""Requests that come before the ones before them are answered; nobody's app sends so many."""
HEADERS_MOST = 64
AT_ONCE = 2048
"""Bytes that are parsed when they come; of more it is done piece by piece, lest everybody wait."""
HEAD_PIECE, BODY_PIECE = 512, 32_768
"""A dozen requests of nobody's app, or a copy."""
IDLE_S = 75.0
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 413: "Content Too Large", 429: "Too Many Requests",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class Bodies:
    """How many bytes of bodies this process holds."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


_bodies = Bodies()


class Request:
    """One request as parsed, whether its connection stays open after it, and who sent it."""

    __slots__ = ("caller", "keep_alive", "path", "post")

    def __init__(self, post: Post, path: str, keep_alive: bool) -> None:
        self.post, self.path, self.keep_alive = post, path, keep_alive
        self.caller: Caller | None = None
        """Once a phone was known by its head."""

    def with_body(self, body: bytes) -> Request:
        """The same request but for its body."""
        post = Post(self.post.method, self.post.query, self.post.headers, body)
        return Request(post, self.path, self.keep_alive)


class HttpSpeaker:
    """Parses requests and answers them in their order, one at a time."""

    __slots__ = (
        "_body", "_busy", "_came", "_came_alone", "_deadline", "_headers", "_heard_at", "_held", "_idle",
        "_in_one_go", "_is_in_head", "_is_in_lane", "_is_over", "_is_under_way", "_last", "_last_head",
        "_last_size", "_now", "_parser", "_requests", "_size", "_unparsed", "_url", "connection",
        "gateway",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self.gateway, self.connection = gateway, connection
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[Request] = deque()
        self._busy: Request | None = None
        self._is_over = False
        self._is_under_way = self._is_in_head = False
        """Whether a request has begun to come and is not whole yet, and whether its head is not."""
        self._came = 0
        """Bytes read since the reading in which it began."""
        self._unparsed = memoryview(b"")
        """Of what has come, if it was long; nothing more is read meanwhile."""
        self._in_one_go = 0
        """Requests since none was left to answer."""
        self._is_in_lane = False
        """Whether it is to go on with that, or with requests that wait, when it is its turn."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._held = 0
        """Bytes of all bodies of this connection that are not answered yet."""
        self._deadline: asyncio.TimerHandle | None = None
        self._came_alone = b""
        """What is being read, as long as it may be one request that came whole and by itself."""
        self._last_head, self._last_size = b"", -1
        self._last: Request | None = None
        """The last request that came so, its head, and how long it was in all: a phone sends the
        same head again and again."""
        self._now = asyncio.get_running_loop().time
        self._heard_at = self._now()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self._look_awake)

    def feed(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._is_over:
            return
        self._heard_at = self._now()
        if self._busy is None and not self._requests and not self._unparsed:
            self._in_one_go = 0
        if (
            len(data) == self._last_size and data.startswith(self._last_head)
            and self._last is not None and not self._is_under_way and not self._unparsed
        ):  # fmt: skip
            self._take_again(self._last, data[len(self._last_head) :])
        elif len(data) > AT_ONCE or self._unparsed:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self.connection.transport.pause_reading()
            self._plan()
        else:
            self._came_alone = b"" if self._is_under_way else data
            self._parse(data)

    def _parse(self, data: bytes | memoryview) -> None:
        if self._is_under_way:
            self._came += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._trouble())
        if self._is_under_way and not self._is_over:
            self._check_pace()

    def _check_pace(self) -> None:
        """A request that has begun ends in time; the parser itself bounds neither head nor trailer."""
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(REQUEST_WITHIN_S, self._too_slow)
        if self._came > (HEAD_LEFT_MOST if self._is_in_head else 2 * BODY_MOST):
            self._refuse(400)

    def _trouble(self) -> int:
        if self._size > BODY_MOST:
            return 413
        return 503 if _bodies.held > BODIES_MOST else 400

    def lost(self) -> None:
        """The client is gone."""
        self._is_over = True
        self._let_go(self._held)
        for timer in (self._idle, self._deadline):
            if timer is not None:
                timer.cancel()
        self._requests.clear()
        self._unparsed = memoryview(b"")
        self._body, self._headers = [], {}
        del self._parser  # it holds us as we hold it: bodies would wait for the garbage collector

    def _let_go(self, size: int) -> None:
        self._held -= size
        _bodies.held -= size

    def _look_awake(self) -> None:
        """Hang up when nothing has come for long; else look again when that may be so."""
        left = self._heard_at + IDLE_S - self._now()
        if left <= 0:
            self.connection.transport.abort()
        else:
            self._idle = asyncio.get_running_loop().call_later(left, self._look_awake)

    def _take_again(self, last: Request, body: bytes) -> None:
        """A request with the very head of the last one, from a phone that mostly is known by it."""
        self._size = 0
        try:
            self._hold(len(body))
        except Unreadable:
            self._refuse(self._trouble())
            return
        caller = last.caller
        if (
            self._busy is None and not self._requests and caller is not None
            and self.connection.unsent <= UNREAD_MOST
            and caller.is_known(self.gateway, self._heard_at)
        ):  # fmt: skip
            last.post.body = body  # nothing waits, so nobody holds the one before
            self._busy = last
            self.gateway.ingest.take(caller, last.post, self._heard_at, self.answer)
        else:
            self._wait_for_turn(last.with_body(body))

    def _wait_for_turn(self, request: Request) -> None:
        try:
            self._queue(request)
        except Unreadable:
            self._refuse(self._trouble())

    def _remember(self, request: Request) -> None:
        """Know a request's head again, if it came whole and by itself with a body of a told size."""
        data, body = self._came_alone, request.post.body
        head = data[: len(data) - len(body)]
        headers = request.post.headers
        is_plain = (
            request.keep_alive and body and headers.get("content-length") == str(len(body))
            and "transfer-encoding" not in headers and "expect" not in headers
            and data.find(b"\r\n\r\n") == len(head) - 4
        )  # fmt: skip
        self._last_head, self._last = (head, request) if is_plain else (b"", None)
        self._last_size = len(data) if is_plain else -1

    # httptools calls these while it parses

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body, self._size = b"", {}, [], 0
        self._is_under_way = self._is_in_head = True
        self._came = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self._headers) >= HEADERS_MOST:
            raise Unreadable("too many headers")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self._headers.get("expect", "").lower() == "100-continue":
            self.connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > BODY_MOST:
            raise Unreadable("too big")  # httptools wraps it in an error of its own
        self._hold(len(body))
        self._body.append(body)

    def _hold(self, size: int) -> None:
        self._held += size
        _bodies.held += size
        if _bodies.held > BODIES_MOST:
            raise Unreadable("too much at once")

    def on_message_complete(self) -> None:
        self._is_under_way = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        url = httptools.parse_url(self._url)
        query = pairs(url.query) if url.query else {}
        method = self._parser.get_method().decode("latin-1")
        post = Post(method, query, self._headers, b"".join(self._body))
        path = unquote((url.path or b"/").decode("latin-1"))
        request = Request(post, path, self._parser.should_keep_alive())
        self._remember(request)
        self._queue(request)

    def _queue(self, request: Request) -> None:
        self._in_one_go += 1
        if self._in_one_go > IN_ONE_GO_MOST:
            raise Unreadable("too many at once")
        self._requests.append(request)
        if self._busy is None and len(self._requests) == 1 and not self._unparsed:
            self._serve_next()
        else:
            self._plan()

    # what may wait: the next of several requests, the next piece of what has come

    def _plan(self) -> None:
        """Go on when it is this connection's turn; read more where there is little to go on with."""
        if self._is_over or self._is_in_lane:
            return
        if self._may_serve or self._may_parse:
            self._is_in_lane = True
            self.gateway.lane.add(self._go_on)
        elif len(self._requests) > PIPELINED_MOST:
            self.connection.transport.pause_reading()
        elif not self._unparsed and len(self._requests) <= PIPELINED_MOST // 2:
            self.connection.transport.resume_reading()

    @property
    def _may_serve(self) -> bool:
        return self._busy is None and bool(self._requests)

    @property
    def _may_parse(self) -> bool:
        return bool(self._unparsed) and len(self._requests) <= PIPELINED_MOST

    def _go_on(self) -> None:
        self._is_in_lane = False
        if self._is_over:
            return
        if self._may_serve:
            self._serve_next()
        elif self._may_parse:
            self._parse_piece()
        self._plan()

    def _parse_piece(self) -> None:
        is_body = self._is_under_way and not self._is_in_head
        size = BODY_PIECE if is_body else HEAD_PIECE
        piece, self._unparsed = self._unparsed[:size], self._unparsed[size:]
        self._came_alone = b""
        self._parse(piece)

    # answering

    def _serve_next(self) -> None:
        if self.connection.unsent > UNREAD_MOST:  # it asks on and on and reads nothing
            self._is_over = True
            self.gateway.count("http_unread")
            self.connection.transport.abort()
            return
        self._busy = request = self._requests.popleft()
        self.gateway.serve(request, self)
        if self._last is not None and self._last.post.headers is request.post.headers:
            self._last.caller = request.caller  # the head was the same

    def answer(self, reply: Reply, extra: bytes = b"") -> None:
        """Answer the request at hand and go on with the next."""
        request, self._busy = self._busy, None
        if request is None or self._is_over:
            return
        self._let_go(len(request.post.body))
        self.connection.write(_response(reply, request.keep_alive, extra))
        if not request.keep_alive:
            self._is_over = True
            self.connection.transport.close()
            return
        if self._requests or self._unparsed:
            self._plan()

    def _too_slow(self) -> None:
        self.gateway.count("http_slow")
        self.connection.transport.abort()

    def _refuse(self, status: int) -> None:
        """The stream of requests can't be followed any more."""
        self._is_over = True
        self.gateway.count({413: "http_too_big", 503: "http_busy"}.get(status, "http_unreadable"))
        self.connection.write(_response(Reply(status), False, b""))
        self.connection.transport.close()


def _response(reply: Reply, keep_alive: bool, extra: bytes) -> bytes:
    if reply is _plain.reply and keep_alive and not extra:
        return _plain.response
    response = _made_response(reply, keep_alive, extra)
    if keep_alive and not extra and len(reply.body) < _USUAL_BYTES:
        _plain.reply, _plain.response = reply, response
    return response


class _Plain:
    """The last short reply to a connection that stays open, as sent: the next is mostly the same."""

    __slots__ = ("reply", "response")

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.response = b""


_plain = _Plain()


def _made_response(reply: Reply, keep_alive: bool, extra: bytes) -> bytes:
    make = _usual_response if len(reply.body) < _USUAL_BYTES else _make_response
    return make(reply.status, reply.content_type, reply.body, keep_alive, extra)


def _make_response(
    status: int, content_type: str, body: bytes, keep_alive: bool, extra: bytes
) -> bytes:
    stays = b"keep-alive" if keep_alive else b"close"
    return (
        b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: %s\r\n%s\r\n%s"
        % (
            status, _REASONS.get(status, "Status").encode(), content_type.encode(), len(body), stays,
            extra, body,
        )
    )  # fmt: skip


_USUAL_BYTES = 64
_usual_response = lru_cache(maxsize=256)(_make_response)
