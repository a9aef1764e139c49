#!/usr/bin/env python3
"""Runs one command for which name resolution hangs, without touching the machine:

    hanging_dns.py [--lookup NAME] -- COMMAND ARGUMENT…

The command runs in a mount namespace of its own (`unshare --mount`; without root with a user namespace as well). There, /etc/resolv.conf
names one server, a UDP socket on a loopback address that answers nothing, and /etc/nsswitch.conf asks files, then DNS; /etc/hosts knows
localhost. This program becomes the command (exec), so that its process ID, signals and exit status are the command's own. A helper
process keeps the socket, says each question as a line `DNS QUESTION: NAME` on standard error, and ends with the command.

Before the command starts, `getent hosts model.example` is tried inside: unless it is still waiting after 2 seconds, nothing is run.
Exit status before that: 69 (EX_UNAVAILABLE) where the machine does not permit this, with the reason on standard error as
`NOT PERMITTED: …`; 70 (EX_SOFTWARE) where a name does not hang; 64 (EX_USAGE).
"""
import os
import pathlib
import random
import select
import shutil
import socket
import subprocess
import sys
import tempfile

USAGE, NOT_PERMITTED, DOES_NOT_HANG = 64, 69, 70
FILES = {
    "resolv.conf": "nameserver {address}\noptions timeout:30 attempts:2\n",
    "nsswitch.conf": "hosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
PROOF_SECONDS = 2
ENTER = """
set -e
mount --make-rprivate /
for name in resolv.conf nsswitch.conf hosts; do mount --bind "$1/$name" "$(readlink -f "/etc/$name")"; done
shift
exec "$@"
"""
"""Run by `sh` in the new namespace with the folder of the files and the command."""


def give_up(status, reason):
    print(reason, file=sys.stderr, flush=True)
    sys.exit(status)


def silent_server():
    """A DNS server on port 53 of an address of its own, so that several can live side by side."""
    for _ in range(20):
        address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            server.bind((address, 53))
        except PermissionError:
            give_up(NOT_PERMITTED, "NOT PERMITTED: UDP port 53 needs root, or net.ipv4.ip_unprivileged_port_start=53")
        except OSError:
            server.close()
            continue
        return address, server
    return give_up(NOT_PERMITTED, "NOT PERMITTED: no loopback address has UDP port 53 free")


def name_in(question):
    """The name that a DNS message asks for (RFC 1035, section 4.1.2)."""
    labels, at = [], 12
    while at < len(question) and question[at]:
        labels.append(question[at + 1: at + 1 + question[at]].decode("ascii", "replace"))
        at += question[at] + 1
    return ".".join(labels)


def start_helper(server, folder):
    """Starts the process that keeps the socket until the command has ended: until nobody holds the other end of a pipe any more."""
    alive, held = os.pipe()
    os.set_inheritable(held, True)
    child = os.fork()
    if child != 0:
        os.waitpid(child, 0)
        return
    if os.fork() != 0:
        os._exit(0)  # The command shall have no child that it does not know.
    os.close(held)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    try:
        while True:
            ready, _, _ = select.select([server, alive], [], [])
            if server not in ready:
                break
            print(f"DNS QUESTION: {name_in(server.recv(4096))}", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


def entrance(folder):
    """The words to put before a command."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    return [*unshare, "sh", "-c", ENTER, "sh", str(folder)]


def prove(enter, name):
    """Ends the program unless a lookup inside waits."""
    try:
        inside = subprocess.run([*enter, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        give_up(NOT_PERMITTED, f"NOT PERMITTED: {error.filename} is not installed")
    if inside.returncode != 0:
        give_up(NOT_PERMITTED, f"NOT PERMITTED: a mount namespace of its own: {inside.stderr.strip()}")
    try:
        done = subprocess.run([*enter, "getent", "hosts", name], capture_output=True, text=True, timeout=PROOF_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return
    give_up(DOES_NOT_HANG, f"DOES NOT HANG: getent hosts {name} ended with {done.returncode} at once: {done.stdout}{done.stderr}")


def main():
    words = sys.argv[1:]
    name = "model.example"
    if words[:1] == ["--lookup"]:
        name, words = words[1], words[2:]
    if words[:1] != ["--"] or len(words) < 2:
        give_up(USAGE, __doc__)
    address, server = silent_server()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="millrace-dns-"))
    try:
        folder.chmod(0o755)
        for file, text in FILES.items():
            (folder / file).write_text(text.format(address=address))
        prove(entrance(folder), name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    while select.select([server], [], [], 0)[0]:
        server.recv(4096)  # The proof's own questions.
    start_helper(server, folder)
    os.execvp("unshare", [*entrance(folder), *words[1:]])


if __name__ == "__main__":
    main()
