"""Runs a Node program whose V8 helper threads are stopped for ever once it waits for a line of input.

    python3 stopped_helpers.py COMMAND [ARGUMENT …]

The program prints "waiting" and reads its standard input. Then the helpers are stopped, and it gets its line. Ends with
the program's exit code, or with 99 when the program is still there after a minute.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

SEIZE = 0x4206
INTERRUPT = 0x4207
# Also threads, which are no children.
WALL = 0x40000000
LIMIT_S = 60

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def trace(request: int, thread: int) -> None:
    if libc.ptrace(request, thread, None, None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def helpers_of(pid: int) -> list[int]:
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    return [thread for thread in threads if read(f"/proc/{pid}/task/{thread}/comm").strip() == "V8Worker"]


def sleeps(pid: int, thread: int) -> bool:
    return read(f"/proc/{pid}/task/{thread}/stat").rpartition(")")[2].split()[0] == "S"


def main(*command: str) -> int:
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in child.stdout:
        print(line, end="", flush=True)
        if line == "waiting\n":
            break
    helpers = helpers_of(child.pid)
    if not helpers:
        raise SystemExit("the program has no helper threads of V8")
    for helper in helpers:
        # A helper at work may be waited for by the main thread long before the end.
        while not sleeps(child.pid, helper):
            time.sleep(0.01)
        trace(SEIZE, helper)
        trace(INTERRUPT, helper)
        os.waitpid(helper, WALL)
    threading.Timer(LIMIT_S, lambda: (os.kill(child.pid, signal.SIGKILL), os._exit(99))).start()
    child.stdin.write("\n")
    child.stdin.close()
    rest = threading.Thread(target=lambda: print(child.stdout.read(), end="", flush=True))
    rest.start()
    # A tracer has to take note of the end of each thread, or the end of the process waits for that.
    while True:
        pid, status = os.waitpid(-1, WALL)
        if pid == child.pid and not os.WIFSTOPPED(status):
            rest.join()
            os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*sys.argv[1:])
