"""Check requests in a process of its own: `python -m lodeplan.service.checking.process`.

Standard input is a socket. Each message on it is a pickled `Task`, each answer a pickled `Done`. When the other side
closes it, because it gave up a check or died, this process ends.
"""

from __future__ import annotations

import os
import pickle
import select
import socket
import threading
from importlib import import_module

SIZE_BYTES = 8
"""Length of the number before each message that says how long it is."""
_PIECE_BYTES = 1_000_000


def main() -> None:
    """Do tasks until there are no more."""
    connection = socket.socket(fileno=os.dup(0))
    # Before the imports, which take a while: whoever asks may be gone meanwhile.
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    import_module("lodeplan.service.checking.checks")
    from lodeplan.service.checking.limits import limit_memory
    from lodeplan.service.checking.tasks import do

    limit_memory()
    connection.sendall(bytes(SIZE_BYTES))
    while message := _read(connection):
        done = do(pickle.loads(message))
        answer = pickle.dumps(done)
        connection.sendall(len(answer).to_bytes(SIZE_BYTES, "big") + answer)
        if done.is_last:
            return
        del message, done, answer


def _read(connection: socket.socket) -> bytes:
    """Read the next message; empty if there is none any more."""
    return _exactly(connection, int.from_bytes(_exactly(connection, SIZE_BYTES), "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        piece = connection.recv(min(count - len(found), _PIECE_BYTES))
        if not piece:
            return b""
        found += piece
    return bytes(found)


def _end_with(connection: socket.socket) -> None:
    """End this process, whatever it does, when the other side has closed the connection."""
    closed = select.poll()
    closed.register(connection, 0)
    closed.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
