"""Learns the word vectors of the embedder `local` from free English texts, and writes the file that is compiled in (Docs/search.md).

    word-vectors.py TEXTS STOPWORDS VECTORS

TEXTS: a folder with the content of Debian packages, each in a folder of its name. STOPWORDS: the Swift file that has them. Vectors are those of Levy, Goldberg and Dagan, "Improving
Distributional Similarity with Lessons Learned from Word Embeddings" (TACL 2015): positive pointwise mutual information of words that stand
near each other, smoothed, and its strongest directions. The first is left out: it says how common a word is, not what it means (Arora, Liang,
Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", ICLR 2017).
"""
import collections
import gzip
import html
import math
import pathlib
import re
import struct
import sys

import numpy
import scipy.sparse
import Stemmer

WORDS, NUMBERS, STEPS = 20_000, 256, 16
NEAR, SMOOTHING = 6, 0.75
# Passages of this many words count for how rare a word is; nothing counts as rarer than this share of them.
PASSAGE, RAREST = 150, 3e-4

# What is read of each package, and of it at most so many characters, so that none drowns the others.
SOURCES = {
    "anarchism": ("**/*.html", 12e6),
    "apache2-doc": ("usr/share/doc/apache2-doc/manual/en/**/*.html", 4e6),
    "debian-policy": ("**/*.html", 1e6),
    "dict-foldoc": ("**/*.dict.dz", 6e6),
    "dict-gcide": ("**/*.dict.dz", 40e6),
    "dict-jargon": ("**/*.dict.dz", 2e6),
    "dict-wn": ("**/*.dict.dz", 31e6),
    "fortunes": ("usr/share/games/fortunes/*", 3e6),
    "gnome-user-docs": ("usr/share/help/C/**/*.page", 1e6),
    "libreoffice-help-en-us": ("**/*.html", 4e6),
    "linux-doc-6.1": ("**/*.rst*", 5e6),
    "manpages": ("**/*.gz", 4e6),
    "miscfiles": ("usr/share/**/*", 2e6),
    "postgresql-doc-15": ("**/*.html", 5e6),
}
MARKUP = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)
WORD = re.compile(r"[^\W_]+")


def texts(folder, pattern, most):
    """The texts of a package in an order that is always the same; those of a dictionary are its entries."""
    paths = sorted(path for path in folder.glob(pattern) if path.is_file() and path.suffix not in (".dat", ".u8"))
    # Spread over the package, where there is more than is read.
    paths.sort(key=lambda path: hash_of(str(path.relative_to(folder)).encode()))
    for path in paths:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")
        if path.suffix in (".html", ".page"):
            text = html.unescape(MARKUP.sub(" ", text))
        text = text[:int(most)]
        most -= len(text)
        yield from re.split(r"\n\s*\n|\n(?=\S)", text) if ".dict" in path.name else [text]
        if most <= 0:
            return


def hash_of(data):
    """FNV-1a in 64 bits with the finisher of MurmurHash3, as LocalEmbedder has it."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = ((value ^ value >> 33) * factor) % 2**64
    return value ^ value >> 33


def read(folder, stop_words):
    """The words of all texts, one list a text, and how rare each is: the mean over the packages of the share of passages that have it."""
    stemmer = Stemmer.Stemmer("porter")
    lists, shares = [], collections.Counter()
    for name, (pattern, most) in SOURCES.items():
        passages, found = 0, collections.Counter()
        for text in texts(folder / name, pattern, most):
            words = WORD.findall(re.sub(r"['’]s\b", " ", text.lower()).replace("'", "").replace("’", ""))
            stems = [stem for stem in stemmer.stemWords([word for word in words if word not in stop_words]) if stem]
            for start in range(0, len(stems), PASSAGE // 2):
                found.update(set(stems[start:start + PASSAGE // 2]))
                passages += 1
            if len(stems) > 1:
                lists.append(stems)
        print(f"{name}: {passages} passages, {sum(found.values())} words", flush=True)
        assert passages > 50, f"{name} has hardly any text: has the package changed?"
        for word, count in found.items():
            shares[word] += count / passages / len(SOURCES)
    return lists, shares


def vectors(lists, words):
    """A row of length 1 for each word."""
    place = {word: number for number, word in enumerate(words)}
    size = len(words)
    together, parts, pending = scipy.sparse.csr_matrix((size, size), dtype=numpy.float32), [], 0

    def add():
        nonlocal together, parts, pending
        rows, columns, values = (numpy.concatenate(part) for part in zip(*parts))
        together = together + scipy.sparse.coo_matrix((values, (rows, columns)), shape=(size, size), dtype=numpy.float32).tocsr()
        parts, pending = [], 0

    for stems in lists:
        numbers = numpy.array([place.get(stem, -1) for stem in stems])
        for distance in range(1, min(NEAR, len(numbers) - 1) + 1):
            left, right = numbers[:-distance], numbers[distance:]
            known = (left >= 0) & (right >= 0) & (left != right)
            left, right = left[known], right[known]
            weight = numpy.full(len(left), 1 / distance, dtype=numpy.float32)
            parts += [(left, right, weight), (right, left, weight)]
        pending += len(numbers)
        if pending > 1_000_000:
            add()
    add()
    together = together.tocoo()
    total = together.data.sum(dtype=numpy.float64)
    rows = numpy.bincount(together.row, together.data, size) / total
    columns = numpy.bincount(together.col, together.data, size) ** SMOOTHING
    columns /= columns.sum()
    information = numpy.log(together.data / total / (rows[together.row] * columns[together.col]))
    above = information > 0
    matrix = scipy.sparse.coo_matrix(
        (information[above].astype(numpy.float32), (together.row[above], together.col[above])), shape=(size, size)).tocsr()
    # Halko, Martinsson and Tropp, "Finding Structure with Randomness" (SIAM Review 2011): a random subspace, turned towards the strongest.
    basis = numpy.random.default_rng(1).standard_normal((size, NUMBERS + 44)).astype(numpy.float32)
    for _ in range(5):
        basis, _ = numpy.linalg.qr(matrix @ basis)
    small = basis.T @ (matrix @ basis)
    strengths, turn = numpy.linalg.eigh((small + small.T) / 2)
    strongest = numpy.argsort(-numpy.abs(strengths))[1:NUMBERS + 1]
    found = basis @ turn[:, strongest]
    return found / numpy.maximum(numpy.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def main(folder, stop_words, target):
    stop_words = set(re.search('"""(.*?)"""', pathlib.Path(stop_words).read_text(), re.DOTALL)[1].split())
    lists, shares = read(pathlib.Path(folder), stop_words)
    counts = collections.Counter(stem for stems in lists for stem in stems)
    words = [word for word, _ in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])) if len(word.encode()) < 64][:WORDS]
    rows = vectors(lists, words)
    # Steps of equal width, the best for numbers that are distributed normally (Max, "Quantizing for Minimum Distortion", 1960).
    steps = numpy.clip(numpy.floor(rows / (0.3352 * rows.std())) + STEPS // 2, 0, STEPS - 1).astype(numpy.uint8)
    entries = sorted((hash_of(word.encode()), number) for number, word in enumerate(words))
    assert len({entry[0] for entry in entries}) == len(words)
    with open(target, "wb") as file:
        file.write(b"MRWV" + struct.pack("<III", 1, len(words), NUMBERS))
        file.write(b"".join(struct.pack("<Q", value) for value, _ in entries))
        file.write(bytes(round(16 * math.log(1 / max(shares[words[number]], RAREST))) for _, number in entries))
        for _, number in entries:
            file.write((steps[number, 0::2] | steps[number, 1::2] << 4).tobytes())
    print(f"{sum(counts.values())} words of text, {len(counts)} different, {len(words)} with vectors")


main(*sys.argv[1:])
