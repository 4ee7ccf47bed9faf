"""Puts pip into the virtual environment whose Python runs this: Debian's Python comes without the wheel that its own
`ensurepip` would unpack. From PyPI, or from the mirror that PIP_INDEX_URL names; only this one file is taken.
"""

import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

WHEEL = "pip-25.3-py3-none-any.whl"
SHA256 = "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read()
    except OSError as error:
        sys.exit(f"{url} cannot be read: {error}")


index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
link = re.search(rf'href="([^"]*/{re.escape(WHEEL)})(#[^"]*)?"', get(index).decode())
if not link:
    sys.exit(f"{index} does not have {WHEEL}")
wheel = get(urllib.parse.urljoin(index, link[1]))
if hashlib.sha256(wheel).hexdigest() != SHA256:
    sys.exit(f"{link[1]} is not the file that lsdeploy knows: its SHA-256 differs")
with tempfile.TemporaryDirectory() as directory:
    path = pathlib.Path(directory, WHEEL)
    path.write_bytes(wheel)
    # A wheel is an archive that Python imports from: this pip installs itself.
    install = [sys.executable, f"{path}/pip", "install", "--quiet", "--no-index", "--no-deps", str(path)]
    sys.exit(subprocess.run(install).returncode)
