"""Passages and known-item queries out of two public manuals: Debian's packages python3.11-doc and debian-reference-en.

A section of a manual is an item. It is cut into passages at the ends of its blocks. Queries are made without people: an entry of the index
looks for the section that it points to, a section's title for the section; that is too easy unless the title is withheld from its passages.
"""
import json
import pathlib
import random
import re

import lxml.html

LONGEST = 1200
BLOCKS = {"p", "dt", "dd", "li", "pre", "td", "th", "tr", "dl", "ul", "ol", "table", "div", "blockquote", "caption", "figure"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}


class Section:
    def __init__(self, page, identifier, title, path):
        self.page, self.identifier, self.title, self.path = page, identifier, title, path
        self.blocks, self.anchors = [], set()

    @property
    def id(self):
        return f"{self.page}#{self.identifier}"


def cleaned(text):
    return re.sub(r"[ \t\r\n\xa0]+", " ", text.replace("¶", "")).strip()


class Reader:
    """Walks a page: what stands in a section and not in one below it is the section's."""

    def __init__(self, page, is_section, title_of):
        self.page, self.is_section, self.title_of = page, is_section, title_of
        self.sections = []

    def read(self, root, title):
        self.page_title = title
        top = Section(self.page, "", title, [])
        self.walk(root, top, [])
        return self.sections

    def walk(self, element, section, path):
        text = []

        def flush():
            block = cleaned("".join(text))
            text.clear()
            if block:
                section.blocks.append(block)

        def visit(node, verbatim):
            if not isinstance(node.tag, str):
                return
            if node.get("id"):
                section.anchors.add(node.get("id"))
            if node.get("name"):
                section.anchors.add(node.get("name"))
            if self.is_section(node):
                flush()
                title = cleaned(self.title_of(node))
                below = Section(self.page, node.get("id") or next((a.get("id") for a in node.iter("a") if a.get("id")), title), title, path)
                below.anchors.add(below.identifier)
                self.sections.append(below)
                self.walk(node, below, path + [title])
                return
            if node.tag in ("script", "style", "nav") or node.get("class") in ("toc", "titlepage", "toctree-wrapper compound", "navheader", "navfooter"):
                for inside in node.iter():
                    if inside.get("id") and isinstance(inside.tag, str):
                        section.anchors.add(inside.get("id"))
                return
            if node.tag in HEADINGS or node.get("class") == "headerlink":
                for inside in node.iter():
                    if isinstance(inside.tag, str) and inside.get("id"):
                        section.anchors.add(inside.get("id"))
                return
            is_block = node.tag in BLOCKS
            if is_block:
                flush()
            if node.text:
                text.append(node.text)
            for child in node:
                visit(child, verbatim)
                if child.tail:
                    text.append(child.tail)
            if is_block:
                flush()

        if element.text:
            text.append(element.text)
        for child in element:
            visit(child, False)
            if child.tail:
                text.append(child.tail)
        flush()


def python_sections(folder):
    sections = {}
    for path in sorted(folder.rglob("*.html")):
        page = str(path.relative_to(folder))
        if re.match(r"(genindex|py-modindex|search|contents|index|download|whatsnew/changelog|_static)", page):
            continue
        root = lxml.html.fromstring(path.read_bytes())
        for body in root.iterfind(".//div[@role='main']"):
            def title(node):
                return next((h.text_content() for h in node if h.tag in HEADINGS), "")
            first = body.find(".//h1")
            reader = Reader(page, lambda node: node.tag == "section", title)
            for section in reader.read(body, cleaned(first.text_content()) if first is not None else page):
                sections[section.id] = section
                section.page_title = reader.page_title
    return sections


def debian_sections(folder):
    sections = {}
    for path in sorted(folder.glob("*.en.html")):
        root = lxml.html.fromstring(path.read_bytes())

        def title(node):
            page = node.find("./div[@class='titlepage']")
            heading = next((h for h in page.iter() if h.tag in HEADINGS), None) if page is not None else None
            return re.sub(r"^(Chapter |Appendix )?[\dA-Z]+(\.\d+)*\.\s*", "", cleaned(heading.text_content())) if heading is not None else ""
        reader = Reader(path.name, lambda node: node.tag == "div" and node.get("class") in ("section", "chapter", "appendix", "preface"), title)
        found = reader.read(root.find("body"), "Debian Reference")
        for section in found:
            # What identifies a section is its heading's anchor.
            sections[section.id] = section
            section.page_title = found[0].title
    return sections


def passages(section):
    """The text of a section, cut at the ends of blocks; what is longer than a passage at spaces."""
    parts, now = [], ""
    for block in section.blocks:
        while len(block) > LONGEST:
            cut = block.rfind(" ", 0, LONGEST)
            cut = cut if cut > 0 else LONGEST
            if now:
                parts.append(now)
                now = ""
            parts.append(block[:cut])
            block = block[cut:].strip()
        if now and len(now) + 1 + len(block) > LONGEST:
            parts.append(now)
            now = ""
        now = f"{now}\n{block}" if now else block
    if now:
        parts.append(now)
    return parts


def index_entries(folder, sections):
    """Entries of the general index with the sections that they point to."""
    places = {}
    for section in sections.values():
        for anchor in section.anchors:
            places.setdefault(f"{section.page}#{anchor}", section.id)
    entries = {}
    root = lxml.html.fromstring((folder / "genindex-all.html").read_bytes())
    for item in root.xpath("//table[contains(@class, 'indextable')]//li"):
        own = cleaned((item.text or "") + "".join(link.text_content() for link in item.findall("a")[:1]))
        parent = item.getparent().getparent()
        if parent is not None and parent.tag == "li":
            above = cleaned((parent.text or "") + "".join(link.text_content() for link in parent.findall("a")[:1]))
            # A name that several things have stands once: `write() (asyncio.StreamWriter method)` and below it `(in module os)`.
            own = f"{re.sub(r' [(][^()]*[)]$', '', above) if own.startswith('(') else above} {own}"
        targets = {places.get(link.get("href")) for link in item.findall("a")} - {None}
        if targets and re.search("[A-Za-z]", own):
            entries.setdefault(own, set()).update(targets)
    return entries


def titles(sections):
    """Titles that one section alone has, of two words or more, and the section has text."""
    found = {}
    for section in sections.values():
        if len(re.findall("[A-Za-z]{2,}", section.title)) >= 2 and section.blocks:
            found.setdefault(section.title.lower(), []).append(section)
    return {group[0].title: {group[0].id} for group in found.values() if len(group) == 1}


def write(folder, name, sections, queries, with_titles, count, seed=2026):
    """Writes passages.jsonl, queries.jsonl and relevant.json; what a query looks for are sections, a passage's id begins with its section's."""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    numbers = {}
    with open(target / "passages.jsonl", "w", encoding="utf-8") as out:
        for place, section in enumerate(sections.values()):
            numbers[section.id] = f"s{place}"
            path = section.path + ([section.title] if with_titles else [])
            for number, text in enumerate(passages(section)):
                out.write(json.dumps({"id": f"s{place}.{number}", "text": text, "title": section.page_title if with_titles or section.path else "",
                                      "section": path}, ensure_ascii=False) + "\n")
    able = sorted((text, targets) for text, targets in queries.items() if any(sections[target].blocks for target in targets))
    chosen = random.Random(seed).sample(able, min(count, len(able)))
    relevant = {}
    with open(target / "queries.jsonl", "w", encoding="utf-8") as out:
        for number, (text, targets) in enumerate(chosen):
            out.write(json.dumps({"id": f"q{number}", "text": text}, ensure_ascii=False) + "\n")
            relevant[f"q{number}"] = sorted(numbers[target] for target in targets)
    (target / "relevant.json").write_text(json.dumps(relevant))


def make(python_folder, debian_folder, folder, count):
    python_folder, debian_folder, folder = map(pathlib.Path, (python_folder, debian_folder, folder))
    python, debian = python_sections(python_folder), debian_sections(debian_folder)
    write(folder, "python-index", python, index_entries(python_folder, python), True, count)
    write(folder, "python-withheld", python, titles(python), False, count)
    write(folder, "debian-titles", debian, titles(debian), True, count)
    write(folder, "debian-withheld", debian, titles(debian), False, count)
