"""Many connections from one process, driven by lines on standard input; each command is answered with one line of JSON.

    crowd.py PORT COUNT SOURCE PATIENCE

SOURCE is the address that connections come from, such as 127.0.0.2; PATIENCE is for how many seconds outcomes are waited for. Commands:

    connect   opens COUNT connections, sends a request on each, and waits for what becomes of each
    ask       sends a request on each connection that is open, and waits for the answers
    close     closes all
"""

import errno
import json
import resource
import select
import socket
import sys
import time

PORT, COUNT, SOURCE, PATIENCE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
# How many connections may be under way at once, so that the backlog is not what is tested.
UNDER_WAY = 200


class Connection:
    """One connection and what came over it since the last request."""

    __slots__ = ("socket", "received", "outcome", "asked")

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen with the destination known
        self.socket.bind((SOURCE, 0))
        self.received = b""
        self.outcome = None
        self.asked = False

    def read(self):
        """Takes a piece of what has come and sets the outcome once it is known; false when nothing is there."""
        try:
            piece = self.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError as error:
            # A reset behind the whole answer, since the request came after it.
            self.outcome = "503" if self.received.startswith(b"HTTP/1.1 503 ") else errno.errorcode[error.errno]
            return True
        self.received += piece
        if not piece:
            # A refused connection counts only with its whole answer.
            whole = self.received.startswith(b"HTTP/1.1 503 ") and self.received.endswith(b"}")
            self.outcome = "503" if whole else "closed"
        elif self.received.startswith(b"HTTP/1.1 200 ") and self.received.endswith(b"}"):
            self.outcome = "200"
        return True


def drive(connections, begin):
    """Begins with each connection in turn and waits for all outcomes. Returns how often each came, and the longest wait for one."""
    poll = select.epoll()
    waiting = {}
    longest = 0.0
    queue = list(reversed(connections))
    deadline = time.monotonic() + PATIENCE
    outcomes = {}
    while queue or waiting:
        while queue and len(waiting) < UNDER_WAY:
            connection = queue.pop()
            connection.received, connection.outcome, connection.asked = b"", None, False
            begin(connection)
            poll.register(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
            waiting[connection.socket.fileno()] = (connection, time.monotonic())
        if time.monotonic() > deadline:
            outcomes["nothing"] = len(waiting) + len(queue)
            break
        for descriptor, events in poll.poll(1):
            connection, began = waiting[descriptor]
            if events & select.EPOLLOUT and not connection.asked:
                connection.asked = True
                try:
                    connection.socket.send(REQUEST)
                except OSError:
                    pass  # Refused already: the answer is still there to be read.
            # Events come once: all that is there is read, the end as well.
            while connection.outcome is None and connection.read():
                pass
            if connection.outcome is not None:
                del waiting[descriptor]
                poll.unregister(descriptor)
                longest = max(longest, time.monotonic() - began)
                outcomes[connection.outcome] = outcomes.get(connection.outcome, 0) + 1
    poll.close()
    return {"outcomes": outcomes, "longest_ms": round(longest * 1000)}


def start(connection):
    status = connection.socket.connect_ex(("127.0.0.1", PORT))
    if status not in (0, errno.EINPROGRESS):
        connection.outcome = errno.errorcode[status]


def ask(connection):
    """The request goes out as soon as the connection is seen to take it."""


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept = []
    for line in sys.stdin:
        match line.strip():
            case "connect":
                connections = [Connection() for _ in range(COUNT)]
                report = drive(connections, start)
                kept = [connection for connection in connections if connection.outcome == "200"]
                for connection in connections:
                    if connection.outcome != "200":
                        connection.socket.close()
            case "ask":
                report = drive(kept, ask)
            case "close":
                for connection in kept:
                    connection.socket.close()
                report = {"outcomes": {}, "longest_ms": 0}
                kept = []
        print(json.dumps(report), flush=True)


main()
