"""Measures of ranked lists, and whether two systems differ: a paired randomisation test over queries."""
import math

import numpy

DEPTH = 10
TRIALS = 20_000


def read_run(path):
    """For each query its items, the best first: passages count for their section, each section once."""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            query, _, passage, _, _, _ = line.split()
            items = found.setdefault(query, [])
            item = passage.split(".")[0]
            if item not in items:
                items.append(item)
    return found


def measures(run, relevant):
    """For each query reciprocal rank, discounted gain and recall, all of the first ten."""
    rows = []
    for query, targets in relevant.items():
        items = run.get(query, [])[:DEPTH]
        hits = [place for place, item in enumerate(items) if item in targets]
        gain = sum(1 / math.log2(place + 2) for place in hits)
        ideal = sum(1 / math.log2(place + 2) for place in range(min(len(targets), DEPTH)))
        rows.append((1 / (hits[0] + 1) if hits else 0.0, gain / ideal, len(hits) / len(targets)))
    return numpy.array(rows)


def p_value(first, second, seed=1):
    """Two-sided: how often chance signs make a difference of means as large (Smucker, Allan, Carterette, CIKM 2007)."""
    differences = first - second
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    random = numpy.random.default_rng(seed)
    seen, observed = 0, abs(differences.sum())
    for _ in range(TRIALS // 1000):
        signs = random.choice((-1.0, 1.0), size=(1000, len(differences)))
        seen += int((numpy.abs(signs @ differences) >= observed - 1e-9).sum())
    return (seen + 1) / (TRIALS + 1)


def table(runs, relevant, reference):
    """Lines of a table: each run beside the reference."""
    judged = {name: measures(run, relevant) for name, run in runs.items()}
    base = judged[reference]
    lines = []
    for name, values in judged.items():
        mean = values.mean(axis=0)
        if name == reference:
            beside = "–"
        else:
            better, worse = int((values[:, 0] > base[:, 0]).sum()), int((values[:, 0] < base[:, 0]).sum())
            beside = f"{p_value(values[:, 0], base[:, 0]):.3f} ({better} better, {worse} worse)"
        lines.append(f"| {name} | {mean[0]:.4f} | {mean[1]:.4f} | {mean[2]:.4f} | {beside} |")
    return lines, judged
