# SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
"""The rules by which tests/mutants breaks code, each on a line that shows it."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "mutants"))
import rules_c
import rules_python


def changes(rules, text):
    """{(rule, the line as it is then)}, and that each is one place of the text."""
    found = set()
    for mutant in rules.mutants("folder/x", text):
        changed = mutant.apply(text)
        assert changed != text
        assert changed.startswith(text[: mutant.start])
        found.add((mutant.rule, mutant.code.partition("  =>  ")[2]))
        assert mutant.line == text.count("\n", 0, mutant.start) + 1
        assert mutant.path == "folder/x"
    return found


PYTHON = [
    ("return a < b", "comparison swapped", "return a <= b"),
    ("return a not in b", "comparison swapped", "return a in b"),
    ("return a is b", "comparison swapped", "return a is not b"),
    ("return a - b", "+ and - swapped", "return a + b"),
    ("a += 1", "+ and - swapped", "a -= 1"),
    ("return 7", "constant", "return (7 + 1)"),
    ("return 7", "constant", "return (7 - 1)"),
    ("return False", "constant", "return True"),
    ("return a and b", "operand dropped", "return ((b))"),
    ("return a and b", "operand dropped", "return ((a))"),
    ("return not a", "not dropped", "return bool(a)"),
    ("return a if b else c", "condition always", "return a if True else c"),
    ("return a if b else c", "condition never", "return a if False else c"),
    ("if a: return b", "condition always", "if True: return b"),
    ("if a: return b", "early return removed", "if a: pass"),
    ("while a: f(a)", "condition never", "while False: f(a)"),
    ("f(a)", "statement deleted", "pass"),
    ("a = b", "statement deleted", "pass"),
    ("raise a", "statement deleted", "pass"),
    ("for i in a: break", "statement deleted", "for i in a: pass"),
    ("return [i for i in a if i]", "condition always", "return [i for i in a if True]"),
]


@pytest.mark.parametrize(("line", "rule", "new"), PYTHON)
def test_python_is_broken_by_each_rule(line, rule, new):
    text = f'def f(a, b, c):\n    """Words < 7."""\n    {line}\n    return c\n'
    found = changes(rules_python, text)
    assert (rule, new) in found
    # never the words, nor what a function ends with
    assert not any("Words" in code or code == "return c" for _, code in found)
    for mutant in rules_python.mutants("x", text):
        compile(mutant.apply(text), "x", "exec")
        assert mutant.where == "f"


def test_what_means_the_same_to_python_is_told():
    text = "def f(a):\n    return a + 1\n"
    assert rules_python.same_code(text, text.replace("a + 1", "(a + 1)  # one"))
    assert not rules_python.same_code(text, text.replace("+", "-"))
    assert not rules_python.same_code(text, text.replace("1", "True"))


C = [
    ("if (a < b)\n\t\tf(a);", "comparison swapped", "if (a <= b)"),
    ("if (a)\n\t\treturn 1;", "early return removed", ";"),
    ("if (a)\n\t\treturn 1;", "condition always", "if ((a) || 1)"),
    ("if (a)\n\t\treturn 1;", "condition never", "if ((a) && 0)"),
    ("while (a)\n\t\tf(a);", "condition never", "while ((a) && 0)"),
    ("a = b + 4;", "+ and - swapped", "a = b - 4;"),
    ("a = b + 4;", "constant", "a = b + 5;"),
    ("a = b + 4;", "constant", "a = b + 3;"),
    ("a = b + 0x10u;", "constant", "a = b + 17u;"),
    ("a = b + 4;", "statement deleted", ";"),
    ("a++;", "+ and - swapped", "a--;"),
    ("f(a,\n\t  b);", "statement deleted", ";"),
    ("if (a || f(b, c))\n\t\tf(a);", "operand dropped", "if (f(b, c))"),
    ("if (a || f(b, c))\n\t\tf(a);", "operand dropped", "if (a)"),
    ("c = a == 1 && b;", "operand dropped", "c = a == 1;"),
    ("c = a == 1 && b;", "operand dropped", "c = b;"),
    ("return a && b;", "operand dropped", "return b;"),
]


@pytest.mark.parametrize(("line", "rule", "new"), C)
def test_c_is_broken_by_each_rule(line, rule, new):
    text = (
        "#if FDT < 3\n#endif\n/* a < 7 */\nstatic int name(int a, int b,\n"
        f'\t\tint c)\n{{\n\tint d;\n\tconst char *s = "a < 7";\n\n\t{line}\n'
        "\treturn c;\n}\n"
    )
    found = changes(rules_c, text)
    assert (rule, new) in found
    assert not any("7" in code and "*" in code for _, code in found)
    assert not any(code.startswith(("#", "int d")) for _, code in found)
    assert {m.where for m in rules_c.mutants("x", text)} == {"name"}


def test_a_name_of_a_mutant_holds_when_the_code_moves():
    text = "def f(a):\n    return a < 7\n"
    keys = [
        [m.key for m in rules_python.mutants(path, more + text)]
        for path, more in (("a/x.py", ""), ("b/c/x.py", "# more\n\n"))
    ]
    assert keys[0] == keys[1]
    assert "x.py f(): return a < 7  =>  return a <= 7" in keys[0]
    assert len(set(keys[0])) == len(keys[0])
