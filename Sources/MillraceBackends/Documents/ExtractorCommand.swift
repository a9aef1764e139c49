import Glibc
import Millrace

/// How `millrace-extract` is called.
enum ExtractorCommand {
    /// The descriptor of the document's copy in the new process.
    static let spool: Int32 = 3

    /// The arguments, without the program's name. Of the description only what tells the type goes along: other users see a process's arguments.
    static func arguments(
        _ description: DocumentDescription, _ limits: DocumentLimits, _ options: ProcessDocumentExtractor.Options
    ) -> [String] {
        var arguments = ["--spool", "\(spool)", "--parent", "\(getpid())", "--pdf-programs", options.pdfPrograms]
        if let type = description.mimeType.map(cleaned), !type.isEmpty { arguments += ["--mime-type", type] }
        if let ending = ending(of: description.title) { arguments += ["--ending", ending] }
        let numbers: [(String, Int)] = [
            ("--document-bytes", limits.documentBytes), ("--characters", limits.textCharacters), ("--pages", limits.pages),
            ("--parts", limits.parts), ("--unpacked-bytes", limits.unpackedBytes), ("--ratio", limits.compressionRatio),
            ("--memory-bytes", limits.memoryBytes), ("--processor-seconds", limits.processorSeconds),
        ]
        for (name, value) in numbers { arguments += [name, "\(max(value, 0))"] }
        return arguments
    }

    /// The ending of a name, without the dot, if it looks like one.
    static func ending(of title: String?) -> String? {
        guard let title, let dot = title.lastIndex(of: "."), dot > title.startIndex else { return nil }
        let ending = title[title.index(after: dot)...]
        guard (1...10).contains(ending.utf8.count), ending.utf8.allSatisfy(isPlain) else { return nil }
        return String(ending)
    }

    private static func cleaned(_ type: String) -> String {
        String(decoding: type.utf8.prefix { isPlain($0) || "/+.-_".utf8.contains($0) }.prefix(100), as: UTF8.self)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
