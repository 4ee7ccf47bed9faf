#!/usr/bin/env python3
"""What `lsdeploy smoke` does, with boto3 in a thread pool: the peer of tests/bench/smoke.

    smoke_boto3.py URL

Prints {service: [operation, ...]}: what was called, under the names that lsdeploy records. Services whose check failed
are named on standard error with the reason, and the exit status is 1.
"""

import json
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from smoke_checks import CHECKS

WORKERS = 8
REGION = "us-east-1"
# As in src/smoke/run.rs: first and longest pause between two polls, and how long they go on.
POLL = (0.1, 1)
PATIENCE = 30
RUN_ID = f"{time.time_ns() % 16**8:08x}"


class Failed(Exception):
    """A call went through, and what came back is wrong."""


class Clients:
    """One client per service for all threads, as boto3 advises: making one costs more than using it."""

    def __init__(self, url):
        self.url = url
        self.made = {}
        self.lock = threading.Lock()
        self.session = boto3.Session("test", "test", region_name=REGION)
        self.config = Config(
            retries={"total_max_attempts": 1}, max_pool_connections=WORKERS, s3={"addressing_style": "path"}
        )

    def __call__(self, service):
        with self.lock:
            if service not in self.made:
                self.made[service] = self.make(service)
            return self.made[service]

    def make(self, service, **keys):
        config = self.config
        if service == "s3control":
            # boto3 puts the account in front of the host, a name that leads nowhere; a proxy gets the request still.
            config = config.merge(Config(proxies={"http": self.url}))
        return self.session.client(service, endpoint_url=self.url, config=config, **keys)


class Run:
    """What `Run` is in src/smoke/run.rs."""

    def __init__(self, clients, service):
        self.clients = clients
        self.service = service
        self.name = self.name_ending(service)
        self.operations = []
        self.undos = []

    @staticmethod
    def name_ending(end):
        return f"lsdeploy-{RUN_ID}-{end}"

    def client(self, service=None):
        return self.clients(service or self.service)

    def step(self, call, /, **arguments):
        return self.named(call.__name__, call, **arguments)

    def named(self, name, call, /, **arguments):
        try:
            return call(**arguments)
        finally:
            self.operations.append(name)

    def refused(self, name, code, call, /, **arguments):
        try:
            self.named(name, call, **arguments)
        except ClientError as error:
            self.expect("code of the refusal", code, error.response["Error"]["Code"])
        else:
            raise Failed(f"{name} was accepted")

    def until(self, pick, call, /, **arguments):
        pause, longest = POLL
        ends = time.monotonic() + PATIENCE
        try:
            while (found := pick(call(**arguments))) is None:
                if time.monotonic() + pause > ends:
                    raise Failed(f"{call.__name__} did not show what was looked for")
                time.sleep(pause)
                pause = min(pause * 2, longest)
            return found
        finally:
            self.operations.append(call.__name__)

    def undo(self, call, /, **arguments):
        self.undos.append((call.__name__, call, arguments))

    def fetch(self, name, url):
        def get():
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.read().decode()

        return self.named(name, get)

    @staticmethod
    def expect(what, sent, got):
        if sent != got:
            raise Failed(f"{what}: expected {sent!r}, got {got!r}")

    def clean_up(self):
        """Takes back what the steps made, all of it; gives what went wrong."""
        problems = []
        while self.undos:
            name, call, arguments = self.undos.pop()
            problems += attempt(lambda: self.named(name, call, **arguments))
        return problems


def attempt(work):
    """What went wrong: whatever it is, it is this check's failure and ends no other."""
    try:
        work()
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def check(clients, steps):
    run = Run(clients, steps.__name__.rstrip("_").replace("_", "-"))
    problems = attempt(lambda: steps(run)) + run.clean_up()
    return run.service, run.operations, problems


def main():
    clients = Clients(sys.argv[1].rstrip("/"))
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(lambda steps: check(clients, steps), CHECKS))
    print(json.dumps({service: operations for service, operations, _ in results}, sort_keys=True))
    failed = [(service, problems) for service, _, problems in results if problems]
    for service, problems in failed:
        print(f"{service}: {'; '.join(problems)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
