"""Does a wheel hold what it must, and nothing else?  python .ci/check_wheel.py dist/*.whl"""

import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MB = 1_000_000

wheel = Path(sys.argv[1])
with zipfile.ZipFile(wheel) as archive:
    sizes = {info.filename: info.file_size for info in archive.infolist()}

expected = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "cnnwidgets").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
expected |= {f"cnnwidgets/tutorials/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
content = {name for name in sizes if ".dist-info/" not in name}

problems = [f"missing: {name}" for name in sorted(expected - content)]
problems += [f"does not belong there: {name}" for name in sorted(content - expected)]
for pattern in (
    r"networks/weights/.+\.safetensors",
    r"widgets/static/.+\.js",
    r"tutorials/.+\.ipynb",
    r"LICENSE",
):
    if not any(re.search(pattern, name) for name in sizes):
        problems.append(f"nothing like {pattern}")

print(f"{wheel.name}: {len(sizes)} files, {wheel.stat().st_size / MB:.1f} MB")
sys.exit("\n".join(problems) or None)
