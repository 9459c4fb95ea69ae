"""Runs a command on a pseudo-terminal: what it shows goes to standard output, what comes in is typed.

    python3 pseudo_terminal.py COLUMNS ROWS COMMAND [ARGUMENT …]

Ends with the command's exit code; when it is ended itself, the terminal hangs up.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

CHUNK = 65536


def main(columns: str, rows: str, *command: str) -> int:
    size = struct.pack("HHHH", int(rows), int(columns), 0, 0)
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execvp(command[0], command)
    sources = [terminal, 0]
    while terminal in sources:
        for source in select.select(sources, [], [])[0]:
            try:
                data = os.read(source, CHUNK)
            except OSError:
                # Linux reports this when nobody has the terminal open any more.
                data = b""
            if not data:
                sources.remove(source)
            write(1 if source == terminal else terminal, data)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
