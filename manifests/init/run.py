"""Runs the scripts of `lsdeploy up --init` once the emulator is ready, in the order of their names.

It stays beside the emulator: one that starts anew has lost what they made, so they run again. The first script that fails
ends the program, with that script's name and exit status as the last line.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

SCRIPTS = pathlib.Path(os.environ["LSDEPLOY_INIT_SCRIPTS"])
READY = os.environ["LSDEPLOY_INIT_READY"]
DONE = pathlib.Path(os.environ["LSDEPLOY_INIT_DONE"])
STACK_SECONDS = 300


def is_ready():
    url = urllib.parse.urlsplit(READY)
    try:
        if url.scheme == "tcp":
            socket.create_connection((url.hostname, url.port), timeout=5).close()
            return True
        with urllib.request.urlopen(READY, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_until(ready, looks):
    """Returns once so many looks in a row have given that answer."""
    seen = 0
    while seen < looks:
        seen = seen + 1 if is_ready() == ready else 0
        if seen < looks:
            time.sleep(1)


def fail(name, why):
    print(f"{name} {why}", flush=True)
    sys.exit(1)


def run_program(name, command):
    status = subprocess.run(command, cwd=DONE.parent, stderr=subprocess.STDOUT).returncode
    if status != 0:
        fail(name, f"failed with exit status {status}")


def apply_stack(name, text):
    try:
        import boto3
        import botocore.exceptions
    except ImportError as error:
        fail(name, f"cannot be applied: this image's Python has no {error.name}")
    check_syntax(name, text)
    # Never AWS itself: an older boto3 does not read the variable.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_CLOUDFORMATION") or os.environ["AWS_ENDPOINT_URL"]
    client = boto3.client("cloudformation", endpoint_url=endpoint)
    stem = pathlib.PurePath(name).stem
    stack = "init-" + "".join(c if c.isalnum() else "-" for c in stem)
    request = {"StackName": stack, "TemplateBody": text, "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]}
    try:
        try:
            client.create_stack(**request)
        except client.exceptions.AlreadyExistsException:
            client.update_stack(**request)
        status = wait_for_stack(client, stack)
    except botocore.exceptions.ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        fail(name, f"was refused: {short(error)}")
    except Exception as error:  # an emulator that fails inside answers with a page, which botocore cannot read
        fail(name, f"was not understood: the emulator failed over it ({type(error).__name__})")
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        for event in client.describe_stack_events(StackName=stack)["StackEvents"]:
            if "FAILED" in event["ResourceStatus"]:
                print(f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}", flush=True)
        fail(name, f"ended as {status}")


def check_syntax(name, text):
    """Emulators say nothing of use about what is no YAML (JSON is YAML too)."""
    try:
        import yaml
    except ImportError:
        return
    try:
        root = yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        fail(name, f"is no CloudFormation template{place}: {getattr(error, 'problem', None) or short(error)}")
    if not isinstance(root, yaml.MappingNode) or "Resources" not in [key.value for key, _ in root.value]:
        fail(name, "is no CloudFormation template: it has no Resources")


def short(error):
    """The last line of what was said: a traceback ends with the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def wait_for_stack(client, stack):
    ends = time.monotonic() + STACK_SECONDS
    while True:
        status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS") or time.monotonic() > ends:
            return status
        time.sleep(0.5)


def run(path):
    name = path.name
    print(f"running {name}", flush=True)
    if path.suffix == ".sh":
        run_program(name, [shutil.which("bash") or "sh", str(path)])
    elif path.suffix == ".py":
        run_program(name, [sys.executable, str(path)])
    else:
        apply_stack(name, path.read_text())


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        wait_until(True, 1)
        # The volume's own links begin with a dot.
        for path in sorted(p for p in SCRIPTS.iterdir() if not p.name.startswith(".")):
            run(path)
        DONE.touch()
        print("all scripts are done", flush=True)
        if os.environ.get("LSDEPLOY_INIT_ONCE"):
            return
        wait_until(False, 3)
        DONE.unlink()
        print("the emulator went away: the scripts run again", flush=True)


main()
