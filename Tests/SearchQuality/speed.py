"""How fast peers index and search the same passages, each on one thread: bm25s, and SQLite's FTS5 with its own bm25()."""
import json
import logging
import sqlite3
import tempfile
import time

import bm25s
import Stemmer

logging.getLogger("bm25s").setLevel(logging.WARNING)


def material(data):
    with open(data / "passages.jsonl", encoding="utf-8") as lines:
        passages = ["\n".join(part for part in [p["title"], *p["section"], p["text"]] if part) for p in map(json.loads, lines)]
    with open(data / "queries.jsonl", encoding="utf-8") as lines:
        return passages, [json.loads(line)["text"] for line in lines]


class Watch:
    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu


def with_bm25s(passages, queries, repeat):
    stemmer = Stemmer.Stemmer("porter")
    cut = lambda texts: bm25s.tokenize(texts, stopwords="english", stemmer=stemmer, show_progress=False)
    with Watch() as indexing:
        index = bm25s.BM25(k1=1.2, b=0.75)
        index.index(cut(passages), show_progress=False)
    with Watch() as searching:
        for _ in range(repeat):
            for query in queries:
                index.retrieve(cut([query]), k=10, show_progress=False, n_threads=0)
    with Watch() as batch:
        for _ in range(repeat):
            index.retrieve(cut(queries), k=10, show_progress=False, n_threads=0)
    return indexing, searching, batch


def with_fts5(passages, queries, repeat, stop_words):
    with tempfile.NamedTemporaryFile(dir="/var/tmp") as file:
        database = sqlite3.connect(file.name, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize = 'porter unicode61')")
        with Watch() as indexing:
            for start in range(0, len(passages), 500):
                database.execute("BEGIN")
                database.executemany("INSERT INTO t VALUES (?)", [(text,) for text in passages[start:start + 500]])
                database.execute("COMMIT")
        def expression(query):
            words = ["".join(letter if letter.isalnum() else " " for letter in word) for word in query.split()]
            terms = [word for word in " ".join(words).lower().split() if word not in stop_words]
            return " OR ".join(f'"{term}"' for term in dict.fromkeys(terms))
        expressions = [text for text in map(expression, queries) if text]
        with Watch() as searching:
            for _ in range(repeat):
                for text in expressions:
                    database.execute("SELECT rowid, text FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT 10", (text,)).fetchall()
        database.close()
    return indexing, searching


STOP_WORDS = set("a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will "
                 "with".split())


def table(data, own, repeat=3):
    """Rows with ratios to ours; `own` is what `millrace-bench search` wrote."""
    passages, queries = material(data)
    asked = len(queries) * repeat
    bm25 = with_bm25s(passages, queries, repeat)
    fts5 = with_fts5(passages, queries, repeat, STOP_WORDS)
    rows = [
        ("Millrace", own["indexing_seconds"], own["indexing_cpu_seconds"], own["searching_seconds"], own["searching_cpu_seconds"], own["searches"]),
        ("bm25s, one query a call", bm25[0].wall, bm25[0].cpu, bm25[1].wall, bm25[1].cpu, asked),
        ("bm25s, all in one call", bm25[0].wall, bm25[0].cpu, bm25[2].wall, bm25[2].cpu, asked),
        ("FTS5's `bm25()`", fts5[0].wall, fts5[0].cpu, fts5[1].wall, fts5[1].cpu, asked),
    ]
    base = own["searching_cpu_seconds"] / own["searches"]
    lines = []
    for name, indexing, indexing_cpu, searching, searching_cpu, count in rows:
        lines.append(
            f"| {name} | {len(passages) / indexing:,.0f} | {indexing_cpu / own['indexing_cpu_seconds']:.2f} | {count / searching:,.0f} | "
            f"{searching_cpu / count * 1e6:,.0f} | {searching_cpu / count / base:.2f} |")
    return lines
