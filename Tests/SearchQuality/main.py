"""`.ci/search-quality`: makes passages and queries, has them searched by Millrace and by Lucene, and prints tables."""
import argparse
import json
import pathlib
import subprocess
import sys

import corpus
import judge
import lee
import lucene
import speed

SETS = {
    "python-index": "entries of the Python documentation's index",
    "python-withheld": "section titles of the Python documentation, withheld from the passages",
    "debian-titles": "section titles of the Debian Reference",
    "debian-withheld": "section titles of the Debian Reference, withheld from the passages",
}


FUSIONS = ("rrf", "normalized10", "normalized20", "normalized30", "normalized50")
# Retrieval's own weight of meaning.
DEFAULT = "normalized20"


def embedder():
    """Vectors of words, averaged: what a small embedder that knows meanings adds. Its files are in the package."""
    import wordllama
    model = wordllama.WordLlama.load(dim=256, cache_dir=pathlib.Path(wordllama.__file__).parent, disable_download=True)
    return lambda texts: model.embed(texts).tolist()


def add_vectors(data, embed):
    for name in ("passages", "queries"):
        path = data / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        texts = ["\n".join(part for part in [row.get("title"), *row.get("section", []), row["text"]] if part) for row in rows]
        for start in range(0, len(rows), 256):
            for row, vector in zip(rows[start:start + 256], embed(texts[start:start + 256])):
                row["vector"] = [round(value, 5) for value in vector]
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def listed():
    """The runs by meaning, and by words and meaning."""
    return [run for kind in ("local", "given") for run in [f"semantic-{kind}"] + [f"hybrid-{kind}-{fusion}" for fusion in FUSIONS]]


def search(bench, data, runs, embed):
    runs.mkdir(parents=True, exist_ok=True)
    add_vectors(data, embed)
    subprocess.run([bench, "search", "--passages", str(data / "passages.jsonl"), "--queries", str(data / "queries.jsonl"), "--runs", str(runs)],
                   check=True)


def news(bench, jar, work, embed):
    """Each of Lee's news looks for those that people find like it. Returns how much is not as it should be: words no worse than Lucene's, hybrid
    better than words."""
    data, runs = work / "data" / "lee", work / "runs" / "lee"
    lee.write(data)
    search(bench, data, runs, embed)
    found = {"Lucene": lucene.run(jar, data, work / "lucene", "lee")}
    for run in ("words", *listed()):
        found[run] = runs / f"{run}.run"
    judged = {name: lee.gains(judge.read_run(path)) for name, path in found.items()}
    print("\n50 news, each looking for those that people find like it\n\n| | nDCG@10 | p beside words |\n|---|---|---|")
    for name, values in judged.items():
        print(f"| {name} | {values.mean():.4f} | {judge.p_value(values, judged['words']):.4f} |")
    hybrid = judged[f"hybrid-local-{DEFAULT}"]
    worse = judged["words"].mean() < judged["Lucene"].mean() and judge.p_value(judged["words"], judged["Lucene"]) <= 0.05
    # This is what meaning is for.
    better = hybrid.mean() > judged["words"].mean() and judge.p_value(hybrid, judged["words"]) <= 0.05
    return int(worse) + int(not better)


def main():
    options = argparse.ArgumentParser()
    for flag in ("--python-doc", "--debian-reference", "--jar", "--bench", "--work"):
        options.add_argument(flag, required=True)
    options.add_argument("--queries", type=int, default=500)
    options.add_argument("--set", action="append", choices=SETS, help="only these queries")
    options = options.parse_args()
    work = pathlib.Path(options.work)
    embed = embedder()
    corpus.make(options.python_doc, options.debian_reference, work / "data", options.queries)
    failures = 0
    for name, words in SETS.items():
        if options.set and name not in options.set:
            continue
        data, runs = work / "data" / name, work / "runs" / name
        search(options.bench, data, runs, embed)
        relevant = json.loads((data / "relevant.json").read_text())
        found = {
            "Lucene": judge.read_run(lucene.run(options.jar, data, work / "lucene", name)),
            "Lucene, words cut as ours": judge.read_run(lucene.run(options.jar, data, work / "lucene", name + "-cut", lucene.same_words)),
        }
        for run in ("words", "keyword", *listed()):
            found[run] = judge.read_run(runs / f"{run}.run")
        with open(data / "passages.jsonl", encoding="utf-8") as lines:
            passages = sum(1 for _ in lines)
        print(f"\n{len(relevant)} {words}; {passages} passages\n\n| | MRR@10 | nDCG@10 | recall@10 | p beside Lucene |\n|---|---|---|---|---|")
        lines, judged = judge.table(found, relevant, "Lucene")
        print("\n".join(lines))
        for peer in ("Lucene", "Lucene, words cut as ours"):
            p = judge.p_value(judged["words"][:, 0], judged[peer][:, 0])
            worse = judged["words"][:, 0].mean() < judged[peer][:, 0].mean() and p <= 0.05
            print(f"\nwords beside {peer}: p = {p:.3f}" + (", WORSE" if worse else ""))
            failures += worse
        for kind in ("local", "given"):
            # As retrieval has it by default, not the one that happens to be best here.
            own = f"hybrid-{kind}-{DEFAULT}"
            for other in ("keyword", f"semantic-{kind}"):
                p = judge.p_value(judged[own][:, 0], judged[other][:, 0])
                worse = judged[own][:, 0].mean() < judged[other][:, 0].mean() and p <= 0.05
                print(f"{own} beside {other}: p = {p:.4f}" + (", WORSE" if worse else ""))
                failures += worse
        times = json.loads((runs / "times.json").read_text())
        print("\n| | passages indexed a second | CPU of it | queries a second | CPU µs a query | ratio |\n|---|---|---|---|---|---|")
        print("\n".join(speed.table(data, times)), flush=True)
    failures += news(options.bench, options.jar, work, embed)
    print("\nLee's similarities\n\n| | Pearson | Spearman |\n|---|---|---|")
    print("\n".join(lee.table(options.bench, embed, work)))
    sys.exit(1 if failures else 0)


main()
