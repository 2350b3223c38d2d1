"""A fork server whose forks are fake children: `fake_fork_server.py FD`, or with the megabytes that it holds itself."""

import socket
import sys

import fake_child

from lodeplan.service.workers import fork_server

*ballast_mb, number = sys.argv[1:]
held = [bytearray(b"x" * 1_000_000) for _ in range(int(ballast_mb[0]) if ballast_mb else 0)]
fork_server.serve(socket.socket(fileno=int(number)), fake_child.begin)
