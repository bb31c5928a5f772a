# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The one list of what nobody else may see."""

import pytest

from pyfdtx import Fdt, pure
from pyfdtx.codec.secret import is_secret, is_secret_name
from pyfdtx.errors import FdtError
from pyfdtx.kexec.check import names


@pytest.mark.parametrize(
    "name",
    [
        *("kaslr-seed", "rng-seed", "vendor,rng-seed", "rng-seed[2]", "rng-seed[10]"),
        *("/chosen:kaslr-seed", "/a[b]:kaslr-seed", "/a]:rng-seed[2]"),
        *(names.KASLR, names.RNG),
    ],
)
def test_seeds_are_secret_wherever_they_stand(name):
    assert is_secret_name(name)
    assert is_secret(name, b"\0\1")
    assert not is_secret(name, bytes(8))
    assert not is_secret(name, b"")


@pytest.mark.parametrize(
    "name", ["seed", "bootargs", "seeds", "kaslr-seed-size", "reg", "", "[2]", "]"]
)
def test_other_properties_are_not(name):
    assert not is_secret_name(name)
    assert not is_secret(name, b"\1")


@pytest.mark.parametrize("node", ["chosen", "a[b]"])
def test_no_message_shows_a_seed(node):
    seed = b"SEEDSEEDSEEDSEED" * 2
    fdt = Fdt(pure.flatten(("", [], [(node, [("rng-seed", seed)], [])]), []))
    found = fdt[f"/{node}"]
    for ask in (
        lambda: found.get_u32("rng-seed"),
        lambda: found.get_string("rng-seed"),
        lambda: found.set_u32("rng-seed", 1 << 40),
        lambda: found.set_string("rng-seed", seed.decode() + "\0x"),
    ):
        with pytest.raises(FdtError) as e:
            ask()
        assert "SEED" not in str(e.value)
        assert "1099511627776" not in str(e.value)
