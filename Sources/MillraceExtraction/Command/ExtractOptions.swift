import MillraceCore

/// What the command is told. All of it comes from who starts it, but for ``mimeType`` and ``ending``, which a client has said.
struct ExtractOptions: Equatable {
    var mimeType = ""
    /// Of the document's name, without the dot.
    var ending = ""
    var documentBytes = 256 << 20
    var characters = 200_000_000
    var pages = 10_000
    var parts = 10_000
    var unpackedBytes = 1 << 30
    var ratio = 250
    var memoryBytes = 1 << 30
    var processorSeconds = 60
    /// The descriptor of an empty file for the document's copy; -1: one in `/tmp` that has no name.
    var spool: Int32 = -1
    /// The process that started this one; 0: any.
    var parent: Int32 = 0
    /// The folder of poppler's programs.
    var pdfPrograms = "/usr/bin"

    static let help = """
        millrace-extract reads a document from standard input and writes its text, with positions, as lines of JSON.

            millrace-extract [--NAME VALUE]… < DOCUMENT

          --mime-type TYPE, --ending ENDING   what the document is said to be
          --document-bytes N, --characters N, --pages N, --parts N, --unpacked-bytes N, --ratio N
                                              limits of the document
          --memory-bytes N, --processor-seconds N
                                              limits of the process
          --spool N                           the descriptor of an empty file for the document's copy
          --parent N                          the process that must have started this one
          --pdf-programs FOLDER               where pdfinfo and pdftotext are (/usr/bin)

        """

    init() {}

    /// - Parameter arguments: without the program's name.
    /// - Throws: ``ErrorCode/invalidInput`` that names the argument.
    init(_ arguments: [String]) throws(MillraceError) {
        var place = 0
        while place < arguments.count {
            let name = arguments[place]
            guard place + 1 < arguments.count else { throw MillraceError(.invalidInput, "'\(name)' needs a value; see --help") }
            try set(name, arguments[place + 1])
            place += 2
        }
    }

    private mutating func set(_ name: String, _ value: String) throws(MillraceError) {
        switch name {
        case "--mime-type": mimeType = value
        case "--ending": ending = value
        case "--pdf-programs": pdfPrograms = value
        case "--document-bytes": documentBytes = try Self.number(name, value)
        case "--characters": characters = try Self.number(name, value)
        case "--pages": pages = try Self.number(name, value)
        case "--parts": parts = try Self.number(name, value)
        case "--unpacked-bytes": unpackedBytes = try Self.number(name, value)
        case "--ratio": ratio = try Self.number(name, value)
        case "--memory-bytes": memoryBytes = try Self.number(name, value)
        case "--processor-seconds": processorSeconds = try Self.number(name, value)
        case "--spool": spool = Int32(clamping: try Self.number(name, value))
        case "--parent": parent = Int32(clamping: try Self.number(name, value))
        default: throw MillraceError(.invalidInput, "there is no option '\(name)'; see --help")
        }
    }

    private static func number(_ name: String, _ value: String) throws(MillraceError) -> Int {
        guard let number = Int(value), number >= 0 else { throw MillraceError(.invalidInput, "'\(name)' needs a number, not '\(value)'") }
        return number
    }

    /// What the document is said to be. A name says more than `text/plain` does.
    var declared: DocumentKind? {
        let byType = DocumentKind(declared: mimeType)
        guard byType == nil || byType == .text else { return byType }
        return DocumentKind(declared: ending) ?? byType
    }
}
