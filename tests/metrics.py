"""Pages of metrics, as Prometheus reads them."""

import re

_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def total(page: str, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels among theirs."""
    samples = (_SAMPLE.fullmatch(line) for line in page.splitlines())
    return sum(
        float(sample[3])
        for sample in samples
        if sample
        and sample[1] == name
        and labels.items() <= dict(_LABEL.findall(sample[2] or "")).items()
    )
