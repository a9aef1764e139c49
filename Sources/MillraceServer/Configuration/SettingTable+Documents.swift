import Millrace

/// The settings of what reads documents.
extension SettingTable {
    static let documents: [SettingDescriptor] = [
        .optionalText(
            "documents.program", "MILLRACE_DOCUMENTS_PROGRAM", \.documents.program,
            "the program that reads documents, if not millrace-extract beside the server or in PATH"),
        .text(
            "documents.pdfPrograms", "MILLRACE_DOCUMENTS_PDF_PROGRAMS", \.documents.pdfPrograms,
            "the folder of poppler's pdfinfo and pdftotext"),
        .text(
            "documents.spoolDirectory", "MILLRACE_DOCUMENTS_SPOOL_DIRECTORY", \.documents.spoolDirectory,
            "where a document's copy is kept while it is read"),
        .integer(
            "documents.concurrent", "MILLRACE_DOCUMENTS_CONCURRENT", 1...256, \.documents.concurrent, "documents that are read at once"),
        .integer(
            "documents.waiting", "MILLRACE_DOCUMENTS_WAITING", 0...100_000, \.documents.waiting, "documents that may wait to be read"),
        .integer(
            "documents.documentBytes", "MILLRACE_DOCUMENTS_DOCUMENT_BYTES", 0...1_099_511_627_776, \.documents.limits.documentBytes,
            "bytes of a document"),
        .integer(
            "documents.textCharacters", "MILLRACE_DOCUMENTS_TEXT_CHARACTERS", 0...10_000_000_000, \.documents.limits.textCharacters,
            "characters of a document's text"),
        .integer("documents.pages", "MILLRACE_DOCUMENTS_PAGES", 0...10_000_000, \.documents.limits.pages, "pages of a PDF"),
        .integer(
            "documents.parts", "MILLRACE_DOCUMENTS_PARTS", 0...10_000_000, \.documents.limits.parts,
            "parts of a packed document (docx, xlsx, pptx)"),
        .integer(
            "documents.unpackedBytes", "MILLRACE_DOCUMENTS_UNPACKED_BYTES", 0...1_099_511_627_776, \.documents.limits.unpackedBytes,
            "bytes that a packed document's parts unpack to"),
        .integer(
            "documents.compressionRatio", "MILLRACE_DOCUMENTS_COMPRESSION_RATIO", 1...1_000_000, \.documents.limits.compressionRatio,
            "how many times its packed length a part of more than 16 MiB unpacks to"),
        .integer(
            "documents.seconds", "MILLRACE_DOCUMENTS_SECONDS", 1...86_400, \.documents.limits.seconds,
            "how long the program may be waited for, a slow source or reader apart"),
        .integer(
            "documents.processorSeconds", "MILLRACE_DOCUMENTS_PROCESSOR_SECONDS", 1...86_400, \.documents.limits.processorSeconds,
            "processor time of each of a document's processes"),
        .integer(
            "documents.memoryBytes", "MILLRACE_DOCUMENTS_MEMORY_BYTES", 67_108_864...1_099_511_627_776, \.documents.limits.memoryBytes,
            "bytes of address space of each of a document's processes"),
    ]
}
