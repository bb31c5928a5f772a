# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The jobs, one module each; frame.py says what a module has."""

from __future__ import annotations

from importlib import import_module
from typing import Any

NAMES = ("j1", "j2", "j3", "j4", "j6", "j7", "growth", "memory")


def load(name: str) -> Any:
    """A job's module, by its key."""
    return import_module(f"jobs.{name}")
