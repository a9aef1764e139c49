"""Opens a listening socket and starts a server with it, as systemd's socket activation does (sd_listen_fds(3), sd_notify(3)).

    socket_parent.py [--sockets N] [--env NAME=VALUE]… -- PROGRAM ARGUMENT…

SIGHUP stops the server, waits for its end, and starts another on the same socket. SIGUSR1 starts the other at once, while the first still
drains. SIGUSR2 is passed on. SIGTERM stops everything; the exit status is the last server's. What the servers say to NOTIFY_SOCKET is printed
as `notified PID ASSIGNMENTS`, their ends as `ended PID STATUS`. `--env` sets variables of the server over what this program would.
"""
import os
import signal
import socket
import sys
import tempfile
import threading


def listening(count):
    sockets = []
    port = 0
    for _ in range(count):
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if count > 1:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", port))
        one.listen(4096)
        port = one.getsockname()[1]
        sockets.append(one)
    return sockets


def start(program, sockets, notify, overrides):
    child = os.fork()
    if child:
        print("started", child, flush=True)
        return child
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number, one in enumerate(sockets):
            os.dup2(one.fileno(), 100 + number)
        for number in range(len(sockets)):
            os.dup2(100 + number, 3 + number, inheritable=True)
        environment = dict(
            os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)),
            LISTEN_FDNAMES=":".join(["millrace.socket"] * len(sockets)), NOTIFY_SOCKET=notify)
        environment.update(overrides)
        os.execve(program[0], program, {name: value for name, value in environment.items() if value != "unset"})
    finally:
        os._exit(127)


def listen_for_notifications(path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    manager.bind(path)

    def run():
        while True:
            data, ancillary, _, _ = manager.recvmsg(4096, 64)
            sender = int.from_bytes(ancillary[0][2][:4], sys.byteorder) if ancillary else 0
            print("notified", sender, data.decode().replace("\n", " "), flush=True)

    threading.Thread(target=run, daemon=True).start()


def end(child):
    os.kill(child, signal.SIGTERM)
    return reap(child)


def reap(child):
    _, status = os.waitpid(child, 0)
    status = os.waitstatus_to_exitcode(status)
    print("ended", child, status, flush=True)
    return status


def main(arguments):
    count, overrides = 1, {}
    while arguments[0] != "--":
        if arguments[0] == "--sockets":
            count = int(arguments[1])
        elif arguments[0] == "--env":
            name, value = arguments[1].split("=", 1)
            overrides[name] = value
        arguments = arguments[2:]
    program = arguments[1:]
    watched = {signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_SETMASK, watched)
    with tempfile.TemporaryDirectory(prefix="millrace-parent-") as folder:
        notify = folder + "/notify"
        listen_for_notifications(notify)
        sockets = listening(count)
        child = start(program, sockets, notify, overrides)
        while True:
            got = signal.sigwait(watched)
            if got == signal.SIGHUP:
                end(child)
                child = start(program, sockets, notify, overrides)
            elif got == signal.SIGUSR1:
                os.kill(child, signal.SIGTERM)
                old, child = child, start(program, sockets, notify, overrides)
                reap(old)
            elif got == signal.SIGUSR2:
                os.kill(child, got)
            elif got == signal.SIGTERM:
                return end(child)
            else:
                # The server ended by itself, unless this tells of one that was waited for.
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)


sys.exit(main(sys.argv[1:]))
