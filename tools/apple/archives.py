"""PyObjC's source archives (MIT), which describe Apple's frameworks: fetched through pip, pinned by hash."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import facts

# pip asks an archive's build backend for its metadata before it saves the archive, and PyObjC's own refuses
# anywhere but on a Mac. This stands in for it: nothing in an archive is run.
BACKEND = """
import email, os
def prepare_metadata_for_build_wheel(directory, config_settings=None):
    with open("PKG-INFO", encoding="utf-8") as file:
        text = file.read()
    about = email.message_from_string(text)
    folder = about["Name"].replace("-", "_") + "-" + about["Version"] + ".dist-info"
    os.mkdir(os.path.join(directory, folder))
    with open(os.path.join(directory, folder, "METADATA"), "w", encoding="utf-8") as file:
        file.write(text)
    return folder
"""


def path(folder: Path, project: str) -> Path:
    return folder / f"pyobjc_framework_{project.lower()}-{facts.PYOBJC}.tar.gz"


def _download(folder: Path, wanted: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as tmp:
        backend = Path(tmp, "setuptools")
        backend.mkdir()
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(BACKEND)
        requirements = Path(tmp, "wanted.txt")
        requirements.write_text(
            "".join(
                f"pyobjc-framework-{p}=={facts.PYOBJC} --hash=sha256:{digest}\n"
                for p, digest in wanted.items()
            )
        )
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", ":all:", "--no-build-isolation", "--require-hashes"]
        command += ["-r", str(requirements), "-d", tmp]
        paths = os.pathsep.join(filter(None, [tmp, os.environ.get("PYTHONPATH")]))
        got = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
        if got.returncode:
            advice = f"pip could not fetch PyObjC's archives; put them into {folder} by hand"
            raise RuntimeError(f"{got.stdout}{got.stderr}{advice}")
        for project in wanted:
            path(Path(tmp), project).replace(path(folder, project))


def fetch(folder: Path) -> None:
    """Brings what is missing into the folder, and refuses what is not what it should be."""
    missing = {p: digest for p, digest in facts.ARCHIVES.items() if not path(folder, p).is_file()}
    if missing:
        print(f"fetching {len(missing)} of PyObjC's archives with pip", file=sys.stderr)
        _download(folder, missing)
    for project, digest in facts.ARCHIVES.items():
        if hashlib.sha256(path(folder, project).read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"{path(folder, project)} is not the archive it should be; remove it")
