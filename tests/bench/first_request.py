#!/usr/bin/env python3
"""How long a program takes from its start to its first request: the median in milliseconds.

    first_request.py RUNS PROGRAM ARGUMENT...

`URL` among the arguments stands for a listener of this script, which looks when the first byte comes and answers nothing.
"""

import socket
import statistics
import subprocess
import sys
import time


def milliseconds(listener, command):
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            took = time.monotonic() - started
            program.kill()
    return took * 1000


def main():
    runs, command = int(sys.argv[1]), sys.argv[2:]
    taken = []
    for _ in range(runs):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(10)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            taken.append(milliseconds(listener, [url if part == "URL" else part for part in command]))
    print(f"{statistics.median(taken):.2f}")


if __name__ == "__main__":
    main()
