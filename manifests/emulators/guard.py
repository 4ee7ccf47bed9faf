"""`python guard.py SETTINGS MODULE ARGUMENTS...` is `python -m MODULE ARGUMENTS...`, with three differences.

It ends, with everything it started, when whoever started it ends: the other side of standard input closes then.
Every name below `localhost` is this machine (RFC 6761), whatever the resolver of this machine says.
And names in modules get the values of SETTINGS (JSON: `{"module.NAME": "value"}`) when the module is imported.
"""

import importlib.abc
import importlib.machinery
import json
import os
import runpy
import signal
import socket
import sys
import threading


def end_with_parent(lifeline):
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def getaddrinfo(host, *rest, **options):
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and name.rstrip(".").lower().endswith(".localhost"):
        host = "127.0.0.1"
    return resolve(host, *rest, **options)


class Settings(importlib.abc.MetaPathFinder):
    def __init__(self, settings):
        self.settings = {}
        for name, value in settings.items():
            module, _, name = name.rpartition(".")
            self.settings.setdefault(module, {})[name] = value

    def find_spec(self, module, path, target=None):
        values = self.settings.get(module)
        spec = values and importlib.machinery.PathFinder.find_spec(module, path, target)
        if spec:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                vars(module).update(values)

            spec.loader.exec_module = exec_module
        return spec


# What the module starts must neither read the lifeline nor keep it open.
lifeline = os.dup(0)
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
threading.Thread(target=end_with_parent, args=(lifeline,), daemon=True).start()

resolve, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo

# As `python -m` would have it: this script's directory is no place to import from.
sys.path.pop(0)
sys.argv.pop(0)
sys.meta_path.insert(0, Settings(json.loads(sys.argv.pop(0))))
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
