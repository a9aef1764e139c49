#!/usr/bin/env python3
"""What other people's readers find in documents: the words of each, as lines of JSON.

reference.py words FILE...   {"file", "words"} or {"file", "error"} for each docx, xlsx, pptx, pdf or html
reference.py make FOLDER     writes workbooks, encrypted and hostile documents to drive the extractor with
"""
import datetime
import io
import json
import pathlib
import re
import subprocess
import sys
import zipfile


def docx_words(path):
    import docx
    from docx.table import Table

    def blocks(container):
        for block in container.iter_inner_content():
            if isinstance(block, Table):
                for row in block.rows:
                    seen = []
                    for cell in row.cells:
                        # A merged cell is listed for each of its columns.
                        if cell._tc not in seen:
                            seen.append(cell._tc)
                            yield from blocks(cell)
            else:
                yield block.text

    return list(blocks(docx.Document(path)))


def xlsx_words(path):
    import openpyxl

    book = openpyxl.load_workbook(path, data_only=True)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    yield cell.value
                elif isinstance(cell.value, bool):
                    yield str(cell.value).upper()
                elif isinstance(cell.value, int) and cell.number_format == "General":
                    yield str(cell.value)
                elif isinstance(cell.value, (datetime.datetime, datetime.date)):
                    yield str(cell.value)[:10]


def pptx_words(path):
    import pptx

    def shapes(container):
        for shape in container:
            if shape.shape_type == 6:  # a group
                yield from shapes(shape.shapes)
            elif shape.has_text_frame:
                if shape.is_placeholder and shape.placeholder_format.type in (13, 15, 16):
                    continue
                yield from (paragraph.text for paragraph in shape.text_frame.paragraphs)
            elif getattr(shape, "has_table", False) and shape.has_table:
                yield from (cell.text for row in shape.table.rows for cell in row.cells)

    for slide in pptx.Presentation(path).slides:
        yield from shapes(slide.shapes)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            yield slide.notes_slide.notes_text_frame.text


def pdf_words(path):
    done = subprocess.run(["pdftotext", "-enc", "UTF-8", path, "-"], capture_output=True, timeout=60)
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace")[:200])
    return [done.stdout.decode("utf-8", "replace")]


def html_words(path):
    import bs4

    page = bs4.BeautifulSoup(pathlib.Path(path).read_bytes(), "html.parser")
    for element in page(["script", "style", "head", "template", "svg", "title"]):
        element.extract()
    return [page.get_text(" ")]


READERS = {".docx": docx_words, ".xlsx": xlsx_words, ".pptx": pptx_words, ".pdf": pdf_words, ".html": html_words}


def words(paths):
    for path in paths:
        try:
            texts = READERS[pathlib.Path(path).suffix](path)
            # Control characters are no part of a word.
            found = [word for text in texts for word in re.sub("[\\x00-\\x08\\x0e-\\x1f\\x7f]", " ", text).split()]
            print(json.dumps({"file": path, "words": found}))
        except Exception as error:  # whatever a reader says of a damaged document
            print(json.dumps({"file": path, "error": f"{type(error).__name__}: {error}"[:200]}))


def make(folder):
    import openpyxl
    import pypdf

    folder = pathlib.Path(folder)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Costs"
    sheet.append(["name", "amount", "day", "share", "is paid"])
    for index in range(300):
        sheet.append([f"item {index}", index * 7, datetime.date(2024, 1, 1) + datetime.timedelta(index), index / 300, index % 2 == 0])
    other = book.create_sheet("Notes & more")
    other["C7"] = "far from the first cell\nwith a second line"
    other["A9"] = 12
    other["B9"] = "tab\there"
    book.create_sheet("Empty")
    book.save(folder / "costs.xlsx")

    # 500 pages, each with a sentence of its own.
    write_pdf(folder / "pages.pdf", [f"Page {page} says that the number of this page is {page}." for page in range(1, 501)])
    write_pdf(folder / "report.pdf", ["\n".join(
        [f"Page {page} of the report begins here."]
        + [f"The mill at place {page * 40 + line} ground {page + line} bags of barley in that year." for line in range(40)])
        for page in range(1, 501)])
    writer = pypdf.PdfWriter()
    writer.append(pypdf.PdfReader(folder / "pages.pdf"), pages=(0, 2))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(folder / "encrypted.pdf")

    # A part that unpacks to a thousand times its length, and one with two thousand million laughs.
    document = b'<?xml version="1.0"?><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>'
    write_docx(folder / "bomb.docx", lambda part: [part.write(b'<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>')] + [part.write(b"a" * (1 << 20)) for _ in range(64)])
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))
    write_docx(folder / "laughs.docx", lambda part: part.write(
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">' + laughs + b"]>" + document.split(b"?>")[1] % b"&l9;"))
    write_docx(folder / "deep.docx", lambda part: part.write(
        b'<w:document xmlns:w="w"><w:body>' + b"<w:p>" * 100_000))
    write_docx(folder / "tables.docx", lambda part: part.write(
        b'<w:document xmlns:w="w"><w:body>' + b"<w:tbl><w:tr><w:tc>" * 80 + b"</w:tc></w:tr></w:tbl>" * 80 + b"</w:body></w:document>"))
    write_pdf(folder / "lease.pdf", ["This lease begins in May.", "The rent is due on the third of each month.", "Cats are welcome."])
    write_docx(folder / "lease.docx", lambda part: part.write(
        document % b"The rent is due on the third of each month.</w:t></w:r></w:p><w:p><w:r><w:t>Cats are welcome."))
    write_docx(folder / "fine.docx", lambda part: part.write(document % b"All is well."))
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as outer:
        outer.write(folder / "bomb.docx", "inner.zip")
    (folder / "nested.zip").write_bytes(nested.getvalue())
    with zipfile.ZipFile(folder / "many.zip", "w") as many:
        for index in range(10_500):
            many.writestr(f"{index}", b"")

    # A page that draws itself without end, an object that is its own length, a tree of pages that is its own branch.
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A 4 0 R >> >> /Length 35 >> stream\n" + \
        b"/A Do " * 5 + b"/A Do\nendstream"
    write_objects(folder / "recursive.pdf", [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << /XObject << /A 4 0 R >> >> >>", form,
        b"<< /Length 5 0 R >> stream\n/A Do\nendstream"])
    write_objects(folder / "tree.pdf", [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 >>"])


def write_docx(path, body):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", b'<Types><Override PartName="/word/document.xml" ContentType='
                         b'"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>')
        package.writestr("_rels/.rels", b'<Relationships><Relationship Id="r" Type="x/officeDocument" Target="word/document.xml"/>'
                         b"</Relationships>")
        with package.open("word/document.xml", "w") as part:
            body(part)


def write_pdf(path, sentences):
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for sentence in sentences:
        lines = b" Tj 0 -15 Td ".join(b"(%s)" % line.encode() for line in sentence.split("\n"))
        content = b"BT /F 12 Tf 72 700 Td %s Tj ET" % lines
        objects.append(b"<< /Length %d >> stream\n%s\nendstream" % (len(content), content))
        objects.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << /Font << /F 3 0 R >> >> >>"
                       % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    write_objects(path, objects)


def write_objects(path, objects):
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(out)


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    words(sys.argv[2:])
