"""Judges metrics on standard input: the parser of Prometheus' Python library reads them, and then come the rules that
`promtool check metrics` knows (https://prometheus.io/docs/practices/naming/). Prints what is wrong, a line each, and
then fails; otherwise it prints the names of the families.
"""

import re
import sys

from prometheus_client.parser import text_string_to_metric_families

NOT_BASE = {
    "ms", "s", "us", "ns", "sec", "kb", "mb", "gb", "tb", "kib", "mib", "gib",
    "milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "weeks",
    "kilobytes", "megabytes", "gigabytes", "bits", "fahrenheit", "percent",
}
TYPES = {"counter", "gauge", "histogram", "summary"}


def faults(family, name):
    """What is wrong with one family; `name` is as it is written."""
    if not family.documentation.strip():
        yield "no help text"
    if family.type not in TYPES:
        yield f"type {family.type}"
    if (family.type == "counter") != name.endswith("_total"):
        yield "_total is for counters, and for all of them"
    if family.type in ("counter", "gauge") and re.search("_(count|sum|bucket)$", name):
        yield "_count, _sum and _bucket are of histograms and summaries"
    words = set(name.split("_"))
    if words & TYPES:
        yield "its type is in its name"
    if words & NOT_BASE:
        yield f"no base unit: {words & NOT_BASE}"
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        yield "not in snake case"
    if not name.startswith("pywats_"):
        yield "no prefix"
    seen = set()
    for sample in family.samples:
        labels = tuple(sorted(sample.labels.items()))
        if labels in seen:
            yield f"twice: {labels}"
        seen.add(labels)
        if {"le", "quantile", "job", "instance"} & set(sample.labels):
            yield "a label that is reserved"
        if any(not re.fullmatch("[a-z][a-z0-9_]*", label) for label in sample.labels):
            yield "a label not in snake case"


def main():
    text = sys.stdin.read()
    written = re.findall("^# TYPE ([^ ]+) ", text, re.MULTILINE)
    families = list(text_string_to_metric_families(text))
    wrong = []
    if len(set(written)) != len(written) or len(families) != len(written):
        wrong.append(f"{len(written)} types, {len(families)} families")
    for family, name in zip(families, written):
        wrong.extend(f"{name}: {fault}" for fault in faults(family, name))
    print("\n".join(wrong or written))
    return 1 if wrong or not written else 0


if __name__ == "__main__":
    sys.exit(main())
