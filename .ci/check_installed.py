"""Does an installed wheel work without its repository and a network?  python -I .ci/check_installed.py"""

import base64
import contextlib
import io
import socket
import subprocess
import sys
import tempfile
from pathlib import Path


def refuse(self, address):
    raise OSError(f"the network was asked for: {address}")


socket.socket.connect = refuse

import numpy as np  # noqa: E402
from IPython.core.formatters import DisplayFormatter  # noqa: E402
from PIL import Image  # noqa: E402

import cnnwidgets as cw  # noqa: E402
from cnnwidgets import cli, handout  # noqa: E402

place = Path(cw.__file__)
assert place.is_relative_to(sys.prefix), f"{place} is not the installed wheel"

# A widget, rendered as a picture.
bundle, _ = DisplayFormatter().format(cw.explore("toynet"))
assert "application/vnd.jupyter.widget-view+json" in bundle, f"no live widget, only {sorted(bundle)}"
png = bundle["image/png"]
picture = np.asarray(
    Image.open(io.BytesIO(base64.b64decode(png) if isinstance(png, str) else png)).convert("RGB")
)
height, width, _ = picture.shape
assert min(height, width) >= 64 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 50, (
    "the picture is all but empty"
)
print(f"rendered cw.explore('toynet'): {width} x {height} pixels")

# The commands.
command = Path(sys.executable).with_name("cnnwidgets")
for arguments in (["--version"], ["lab", "--help"], ["networks"]):
    subprocess.run([command, *arguments], check=True, stdout=subprocess.DEVNULL)
with contextlib.redirect_stderr(io.StringIO()) as said:
    assert cli.main(["lab"]) == 1
assert 'pip install "cnnwidgets[lab]"' in said.getvalue(), said.getvalue()

# The tutorials, put into a folder.
with tempfile.TemporaryDirectory() as folder:
    written = handout.hand_out(Path(folder)).written
assert "02_activation_maps.ipynb" in written, written
print(f"handed out {len(written)} notebooks")
