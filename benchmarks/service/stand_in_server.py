"""A fork server whose forks are stand-ins."""

import socket
import sys

import stand_in

from lodeplan.service.workers import fork_server

if __name__ == "__main__":
    fork_server.serve(socket.socket(fileno=int(sys.argv[1])), stand_in.begin)
