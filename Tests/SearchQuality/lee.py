"""Lee, Pincombe and Welsh, "An empirical evaluation of models of text document similarity" (2005): 50 short news and how alike people find
each pair of them, out of gensim's package. How well cosines of vectors agree with people, and how well each of them finds those that people
find like it."""
import json
import logging
import math
import pathlib
import subprocess

import gensim
import numpy
from gensim import corpora, models
from gensim.utils import simple_preprocess
from scipy import stats

logging.getLogger("gensim").setLevel(logging.WARNING)
DATA = pathlib.Path(gensim.__file__).parent / "test" / "test_data"


def cosines(vectors):
    vectors = numpy.asarray(vectors, dtype=float)
    lengths = numpy.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / numpy.where(lengths == 0, 1, lengths)
    return vectors @ vectors.T


def local(bench, texts, work):
    source, target = pathlib.Path(work) / "lee.jsonl", pathlib.Path(work) / "lee.vectors.jsonl"
    source.write_text("".join(json.dumps({"id": str(number), "text": text}) + "\n" for number, text in enumerate(texts)))
    subprocess.run([bench, "embed", str(source), str(target)], check=True)
    return [json.loads(line)["vector"] for line in target.read_text().splitlines()]


def write(folder):
    """The news as passages and as queries, each looking for the others."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = (DATA / "lee.cor").read_text(encoding="latin-1").splitlines()
    for name, prefix, suffix in (("passages", "s", ".0"), ("queries", "q", "")):
        rows = [{"id": f"{prefix}{number}{suffix}", "title": "", "section": [], "text": text} for number, text in enumerate(texts)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def gains(run):
    """For each of the news the nDCG of the first ten others that it found; how alike people find two is the gain."""
    people = numpy.loadtxt(DATA / "similarities0-1.txt")
    people = numpy.maximum(people, people.T)
    discount = lambda found: sum(gain / math.log2(place + 2) for place, gain in enumerate(found[:10]))
    rows = []
    for number, likeness in enumerate(people):
        found = [int(item[1:]) for item in run[f"q{number}"] if item != f"s{number}"]
        best = sorted((gain for other, gain in enumerate(likeness) if other != number), reverse=True)
        rows.append(discount([likeness[other] for other in found]) / discount(best))
    return numpy.array(rows)


def table(bench, embed_others, work):
    texts = (DATA / "lee.cor").read_text(encoding="latin-1").splitlines()
    people = numpy.loadtxt(DATA / "similarities0-1.txt")
    background = [simple_preprocess(line) for line in (DATA / "lee_background.cor").read_text(encoding="latin-1").splitlines()]
    dictionary = corpora.Dictionary(background)
    weights = models.TfidfModel(dictionary=dictionary)
    bags = [weights[dictionary.doc2bow(simple_preprocess(text))] for text in texts]
    topics = models.LsiModel([weights[dictionary.doc2bow(words)] for words in background], id2word=dictionary, num_topics=200, random_seed=1)
    dense = lambda vectors, length: gensim.matutils.corpus2dense(vectors, length).T
    systems = {
        "`local`": local(bench, texts, work),
        "wordllama, 256 numbers": embed_others(texts),
        "gensim, TF-IDF over 300 other news": dense(bags, len(dictionary)),
        "gensim, LSI over 300 other news": dense([topics[bag] for bag in bags], 200),
    }
    pairs = numpy.triu_indices(len(texts), 1)
    lines = []
    for name, vectors in systems.items():
        found = cosines(vectors)[pairs]
        lines.append(f"| {name} | {stats.pearsonr(found, people[pairs])[0]:.3f} | {stats.spearmanr(found, people[pairs])[0]:.3f} |")
    return lines
