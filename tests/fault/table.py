#!/usr/bin/env python3
"""The table in README.md has a line for each case, and a case for each line."""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as f:
        names = re.findall(r"^\| (\w+) \|(?: [^|]+ \|){4}$", f.read(), re.MULTILINE)
    lines = names[1:]  # the first is the header
    cases = {os.path.basename(path).removesuffix(".case") for path in glob.glob(os.path.join(HERE, "cases", "*.case"))}
    problems = [f"no line for cases/{name}.case" for name in sorted(cases - set(lines))]
    problems += [f"no case for the line {name}" for name in sorted(set(lines) - cases)]
    problems += [f"more than one line for {name}" for name in sorted({name for name in lines if lines.count(name) > 1})]
    print("\n".join(problems) or f"{len(lines)} lines, each with its case")
    return 1 if problems or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
