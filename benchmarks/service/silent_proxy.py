"""A proxy in front of a database server that can fall silent: it acknowledges all it is sent, and says nothing."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

PIECE = 65_536


class SilentProxy:
    """Passes on what comes to a port of 127.0.0.1, from a thread, until it is told to be silent; then it still reads,
    and takes new connections, but passes nothing on. Cut, it closes all connections and passes on those that follow."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._speaking = True
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "SilentProxy":
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._pass_on, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._do(self._close_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def fall_silent(self) -> None:
        """Say nothing from now on."""
        self._speaking = False

    def cut(self) -> None:
        """Close all connections, and pass on those that follow."""
        self._speaking = True
        self._do(self._close_all())

    def _do(self, act: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(10)

    async def _close_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self._speaking:
                while await reader.read(PIECE):
                    pass
                return
            server_reader, server_writer = await asyncio.open_connection(*self._target)
            self._open.add(server_writer)
            await asyncio.gather(self._copy(reader, server_writer), self._copy(server_reader, writer))
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                if self._speaking:
                    writer.write(piece)
                    await writer.drain()
        writer.close()
        self._open.discard(writer)
