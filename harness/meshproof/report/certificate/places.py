"""Names of files without the folders of the machine on which they were read: a certificate is handed on."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any


def above(files: Iterable[str]) -> str:
    """The folder that holds all files with whole paths and the folder that they share; empty where there is none."""
    folders = {str(PurePosixPath(one).parent) for one in files if one.startswith("/")}
    if not folders:
        return ""
    top = str(PurePosixPath(os.path.commonpath(folders)).parent)
    return "" if top == "/" else f"{top}/"


def without(value: Any, folder: str) -> Any:
    """Plain data in which no text names that folder."""
    if not folder:
        return value
    if isinstance(value, str):
        return value.replace(folder, "")
    if isinstance(value, list):
        return [without(one, folder) for one in value]
    if isinstance(value, dict):
        return {without(name, folder): without(one, folder) for name, one in value.items()}
    return value
