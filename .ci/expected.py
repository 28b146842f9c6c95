#!/usr/bin/env python3
"""What is expected of the apps in fixtures/apps: reads expected.toml, compares it with a run.

expected.py name CONFIG             the app's short name, for instance flask-guide-a
expected.py missing EXPECTED        what the app needs and is not there; exit code 3 when it can be installed here, 4 when not
expected.py packages EXPECTED...    the Debian packages that would fix it
expected.py arguments EXPECTED      further arguments for `conformance run`
expected.py selection EXPECTED      the cases to run, where it names some of its own
expected.py check EXPECTED          the command that holds the app to what it is meant to be, if there is one
expected.py compare RUN EXPECTED    exit code 1 and the differences, in both directions
expected.py table FILE RUNS CONFIG...   writes the tables of apps and of the guides in FILE; exit code 3 when they changed

expected.toml:

    needs = ["node >= 20", "npm"]                names of TOOLS below, with the oldest version that will do
    arguments = ["--driver", "webdriver"]        optional
    selection = ["lane:watch", "id-token/*"]     optional: other cases than those of every app
    check = ".venv/bin/python test_app.py"       optional: a test of the app's own, in its folder, after the build
    [[expected]]
    case = "id-token/sig-*"                      a case, a pattern, or a list of them
    verdict = "fail"                             or a list, where chance decides between them
    reason = "server.js: ..."                    why the app's code earns it

A case without an entry is expected to pass. Where several patterns fit, the longest decides. An entry that no case of
the run fits, or that says pass, is a difference too: it would hide the next one.
"""

import fnmatch
import functools
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

# A need → its Debian package, and a command that ends well where it is there and names its version.
TOOLS = {
    "python3": ("python3-venv", ["python3", "-c", "import ensurepip, platform; print(platform.python_version())"]),
    "node": ("nodejs", ["node", "--version"]),
    "npm": ("npm", ["npm", "--version"]),
    "go": ("golang-go", ["go", "version"]),
    "java": ("default-jdk-headless", ["javac", "-version"]),
    "mvn": ("maven", ["mvn", "--version"]),
    "chromedriver": ("chromium-driver", ["chromedriver", "--version"]),
    "apache2": ("apache2-bin", ["/usr/sbin/apache2", "-v"]),
    "mod_auth_openidc": (
        "libapache2-mod-auth-openidc",
        ["ls", "/usr/lib/apache2/modules/mod_auth_openidc.so"],
    ),
}


def name(config):
    print(short_name(Path(config)))


def short_name(config):
    """`fixtures/apps/flask-guide/a.conformance.toml` → `flask-guide-a`."""
    variant = config.name.removesuffix("conformance.toml").rstrip(".")
    return "-".join(filter(None, [config.parent.name, variant]))


def missing(expected):
    lacking = lacks(expected)
    print("; ".join(text for text, _ in lacking))
    if lacking:
        sys.exit(3 if all(package for _, package in lacking) else 4)


def packages(*expected):
    wanted = {package for file in expected for _, package in lacks(file) if package}
    print(*sorted(wanted))


def lacks(expected):
    """What the app needs and is not there: (in words, the package that would fix it or None)."""
    found = []
    for need in load(expected).get("needs", []):
        tool, _, least = (part.strip() for part in need.partition(">="))
        if tool not in TOOLS:
            sys.exit(f"  {expected}: `{tool}` is none of the tools that needs may name: {', '.join(TOOLS)}")
        package, command = TOOLS[tool]
        present = version_of(tuple(command), str(Path(expected).resolve().parent))
        if present is not None and numbers(present) >= numbers(least):
            continue
        text = f"{need} is not installed" if present is None else f"{need} is wanted, {present} is installed"
        candidate = debian_version(package)
        if candidate is None:
            found.append((f"{text}, and no apt-get here offers {package}", None))
        elif numbers(candidate) < numbers(least):
            found.append((f"{text}, and {package} of apt-get is only {candidate}", None))
        else:
            found.append((f"{text} (apt-get install {package})", package))
    return found


@functools.cache
def version_of(command, folder):
    """What a tool says of its version; None when it is not there, or cannot do what the app needs of it."""
    # In the app's folder, because `go` there is the toolchain that go.mod asks for.
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\d+(\.\d+)*", answer.stdout + answer.stderr)
    return (version.group() if version else "0") if answer.returncode == 0 else None


@functools.cache
def debian_version(package):
    if not shutil.which("apt-cache"):
        return None
    policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True).stdout
    candidate = re.search(r"Candidate: (?:\d+:)?(?:1\.(?=\d\d-))?(\d+(\.\d+)*)", policy)
    return candidate.group(1) if candidate else None


def numbers(version):
    return [int(part) for part in version.split(".") if part.isdigit()]


def arguments(expected):
    print(*load(expected).get("arguments", []))


def selection(expected):
    print(*load(expected).get("selection", []))


def check(expected):
    print(load(expected).get("check", ""))


def compare(run, expected):
    file = next(Path(run).rglob("run.json"), None) or sys.exit(f"  no run.json in {run}: nothing was judged")
    document = json.loads(file.read_text())
    for notice in document["notices"]:
        print(f"  notice: {notice}")
    if document["run"]["aborted"]:
        sys.exit(f"  {document['run']['aborted']}")
    cases = document["cases"]
    patterns = entries(load(expected))
    used, differences = set(), 0
    for case in cases:
        pattern, verdicts, reason = expectation(patterns, case["id"])
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


# The words of a verdict, in the order of the table.
VERDICTS = ["pass", "warn", "fail", "skipped", "inconclusive", "error"]

GUIDES = "flask-guide"


def table(file, runs, *configs):
    """Fills what stands between `<!-- NAME: ... -->` and `<!-- end NAME -->` in a Markdown file from runs."""
    file, cases = Path(file), {}
    for config in map(Path, configs):
        app = short_name(config)
        run = Path(runs, app, "run.json")
        if not run.exists():
            sys.exit(f"{run} is not there: run .ci/apps {config} first")
        cases[app] = {case["id"]: case["verdict"] for case in json.loads(run.read_text())["cases"]}
    expected = {
        short_name(Path(config)): entries(load(expected_file(config))) for config in configs
    }
    before = file.read_text()
    after = fill(before, "apps", lambda _: apps_table(configs, cases, expected))
    after = fill(after, "guides", lambda rows: guides_table(rows, cases, expected))
    if after != before:
        file.write_text(after)
        print(f"{file}: the tables of the apps are new")
        sys.exit(3)


def apps_table(configs, cases, expected):
    used = [word for word in VERDICTS if word in {word for app in cases.values() for word in app.values()}]
    rows = [["App", "", *used, "by chance"]]
    for config in map(Path, configs):
        app = short_name(config)
        heading = config.with_name("README.md").read_text().splitlines()[0].removeprefix("# ")
        by_chance = {case for case in cases[app] if len(expectation(expected[app], case)[1]) > 1}
        counts = [sum(v == word and case not in by_chance for case, v in cases[app].items()) for word in used]
        rows.append([f"[{app}]({config.parent.name})", heading, *counts, len(by_chance)])
    return markdown(rows)


def guides_table(rows, cases, expected):
    """The cases are those that stand in the table already; the verdicts and the reasons are written."""
    shapes = {app.removeprefix(f"{GUIDES}-"): app for app in cases if app.startswith(f"{GUIDES}-")}
    lines = [["Case", *shapes, "The line that earns it"]]
    for case in re.findall(r"^\| `([^`]+)`", rows, re.MULTILINE):
        verdicts, reasons = [], {}
        for shape, app in shapes.items():
            verdict = cases[app].get(case) or sys.exit(f"{case}: no such case in the run of {app}")
            verdicts.append(verdict if verdict == "pass" else f"**{verdict}**")
            if verdict != "pass":
                reasons.setdefault(expectation(expected[app], case)[2], []).append(shape)
        told = [
            reason if len(reasons) == 1 else f"{', '.join(who)}: {reason}" for reason, who in reasons.items()
        ]
        lines.append([f"`{case}`", *verdicts, "<br>".join(told)])
    return markdown(lines)


def markdown(rows):
    head, *body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, rule, *body])


def fill(text, name, content):
    block = re.compile(rf"(<!-- {name}: [^>]*-->\n)(.*?)(<!-- end {name} -->)", re.DOTALL)
    if not block.search(text):
        sys.exit(f"the block `<!-- {name}: … -->` … `<!-- end {name} -->` is not there")
    return block.sub(lambda found: found[1] + content(found[2]) + found[3], text)


def expected_file(config):
    return re.sub(r"conformance\.toml$", "expected.toml", str(config))


def expectation(patterns, case):
    """(pattern, verdicts, reason) of a case."""
    fitting = [pattern for pattern in patterns if fnmatch.fnmatchcase(case, pattern)]
    pattern = max(fitting, key=len, default=None)
    return pattern, *patterns.get(pattern, (["pass"], "no entry"))


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
    commands = [name, missing, packages, arguments, selection, check, compare, table]
    command = {command.__name__: command for command in commands}.get(sys.argv[1] if len(sys.argv) > 2 else None)
    if command is None:
        sys.exit(__doc__)
    command(*sys.argv[2:])
