#!/usr/bin/env python3
"""What is expected of the apps in fixtures/apps: reads expected.toml, compares it with a run.

expected.py name CONFIG             the app's short name, for instance flask-guide-a
expected.py missing EXPECTED        the programs and files that the app needs and that are not there
expected.py arguments EXPECTED      further arguments for `conformance run`
expected.py compare RUN EXPECTED    exit code 1 and the differences, in both directions

expected.toml:

    needs = ["node", "npm"]                      programs, or absolute paths
    arguments = ["--driver", "webdriver"]        optional
    [[expected]]
    case = "id-token/sig-*"                      a case, a pattern, or a list of them
    verdict = "fail"                             or a list, where chance decides between them
    reason = "server.js: ..."                    why the app's code earns it

A case without an entry is expected to pass. Where several patterns fit, the longest decides. An entry that no case of
the run fits, or that says pass, is a difference too: it would hide the next one.
"""

import fnmatch
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path


def name(config):
    """`fixtures/apps/flask-guide/a.conformance.toml` → `flask-guide-a`."""
    config = Path(config)
    variant = config.name.removesuffix("conformance.toml").rstrip(".")
    print("-".join(filter(None, [config.parent.name, variant])))


def missing(expected):
    needs = load(expected).get("needs", [])
    print(*[need for need in needs if not (os.path.exists(need) if "/" in need else shutil.which(need))])


def arguments(expected):
    print(*load(expected).get("arguments", []))


def compare(run, expected):
    file = next(Path(run).rglob("run.json"), None) or sys.exit(f"  no run.json in {run}")
    cases = json.loads(file.read_text())["cases"]
    patterns = entries(load(expected))
    used, differences = set(), 0
    for case in cases:
        fitting = [pattern for pattern in patterns if fnmatch.fnmatchcase(case["id"], pattern)]
        pattern = max(fitting, key=len, default=None)
        verdicts, reason = patterns.get(pattern, (["pass"], "no entry"))
        used.add(pattern)
        if case["verdict"] not in verdicts:
            differences += 1
            print(f"  {case['id']}: {case['verdict']}, expected {' or '.join(verdicts)} ({reason})")
            print(f"      {saw(case)}")
    for pattern in patterns.keys() - used:
        differences += 1
        print(f"  {pattern}: expected {' or '.join(patterns[pattern][0])}, but no case of the run fits it")
    if not cases:
        sys.exit("  the run has no cases")
    sys.exit(1 if differences else 0)


def entries(document):
    """Pattern → (verdicts, reason)."""
    found = {}
    for entry in document.get("expected", []):
        verdicts, reason = as_list(entry["verdict"]), entry["reason"].strip()
        if not reason or verdicts == ["pass"]:
            sys.exit(f"  {entry['case']}: an entry has a reason, and a verdict other than pass")
        for pattern in as_list(entry["case"]):
            if pattern in found:
                sys.exit(f"  {pattern} stands twice")
            found[pattern] = (verdicts, reason)
    return found


def saw(case):
    """The first broken check or reason of a case, in one line."""
    if case.get("reason"):
        return case["reason"]
    for variant in case.get("variants", []):
        if variant.get("verdict") in ("pass", "skipped"):
            continue
        for attempt in variant.get("attempts", []):
            for check in attempt.get("checks", []):
                if check.get("outcome") == "broken":
                    return f"{variant['name']}: {check.get('id')}: {check.get('saw')}"
        return f"{variant['name']}: {variant.get('reason') or variant.get('verdict')}"
    return ""


def as_list(value):
    return value if isinstance(value, list) else [value]


def load(file):
    try:
        return tomllib.loads(Path(file).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        sys.exit(f"  {file}: {error}")


if __name__ == "__main__":
    commands = {"name": name, "missing": missing, "arguments": arguments, "compare": compare}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
