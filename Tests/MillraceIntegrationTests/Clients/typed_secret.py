"""Types a line into a command on a terminal of its own: `LINE COMMAND…`; a LINE of `^C` is Ctrl-C.

Prints what the terminal showed, and then `status N`.
"""
import os
import pty
import select
import signal
import sys

line, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    # Whoever started us may have been a thread without signals.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(command[0], command)
shown = b""
typed = False
while True:
    ready, _, _ = select.select([terminal], [], [], 60)
    if not ready:
        sys.exit("the command neither asks nor ends")
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        piece = b""
    if not piece:
        break
    shown += piece
    if not typed and b"not shown" in shown:
        typed = True
        os.write(terminal, b"\x03" if line == "^C" else line.encode() + b"\n")
_, status = os.waitpid(child, 0)
print(shown.decode(), flush=True)
print("status", os.waitstatus_to_exitcode(status), flush=True)
