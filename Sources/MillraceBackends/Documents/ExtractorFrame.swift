import Millrace
import MillraceCore

/// A line of an extractor's output. Nothing in it is trusted: the process reads what strangers wrote.
enum ExtractorFrame: Equatable {
    case start(DocumentType)
    case piece(DocumentPiece)
    case end(title: String?, pages: Int?, words: Int, characters: Int, warnings: [String])
    case failure(MillraceError)

    static let notUnderstood = MillraceError(
        .extractionFailed, "the program that reads documents said something else than text: it may be of another version")

    /// What an extractor may say went wrong.
    private static let codes: [ErrorCode] = [
        .unsupportedDocument, .documentTooLarge, .documentDamaged, .documentEncrypted, .extractionTimeout, .extractionFailed,
    ]

    /// - Throws: ``ErrorCode/extractionFailed`` for a line that is none.
    init(_ line: [UInt8]) throws(MillraceError) {
        guard let value = try? JSONValue(parsing: line, mostValues: 200) else { throw Self.notUnderstood }
        switch value["frame"]?.string {
        case "start": self = .start(DocumentType(rawValue: try Self.text(value["type"], 40)))
        case "piece": self = .piece(try Self.piece(value))
        case "end":
            let warnings = (value["warnings"]?.array ?? []).prefix(50).compactMap { $0.string.map { String($0.prefix(500)) } }
            self = .end(
                title: value["title"]?.string.map { String($0.prefix(500)) }, pages: Self.count(value["pages"]),
                words: Self.count(value["words"]) ?? 0, characters: Self.count(value["characters"]) ?? 0, warnings: warnings)
        case "error":
            let code = ErrorCode(rawValue: try Self.text(value["code"], 60))
            guard Self.codes.contains(code) else {
                throw MillraceError(.extractionFailed, try Self.text(value["message"], 1000))
            }
            self = .failure(
                MillraceError(code, try Self.text(value["message"], 1000), cause: value["cause"]?.string.map { Cause(description: $0) }))
        default: throw Self.notUnderstood
        }
    }

    private struct Cause: Error, CustomStringConvertible {
        let description: String
    }

    private static func text(_ value: JSONValue?, _ limit: Int) throws(MillraceError) -> String {
        guard let text = value?.string else { throw notUnderstood }
        return String(text.prefix(limit))
    }

    private static func count(_ value: JSONValue?) -> Int? { value?.integer.flatMap { $0 >= 0 ? $0 : nil } }

    private static func piece(_ value: JSONValue) throws(MillraceError) -> DocumentPiece {
        guard let text = value["text"]?.string, let kind = value["kind"]?.string.flatMap(DocumentPiece.Kind.init) else {
            throw notUnderstood
        }
        var position = DocumentPosition(
            page: count(value["page"]), slide: count(value["slide"]), section: (value["section"]?.array ?? []).compactMap(\.string),
            sheet: value["sheet"]?.string)
        if let first = count(value["first"]), let last = count(value["last"]) {
            guard first <= last else { throw notUnderstood }
            if value["numbers"]?.string == "rows" { position.rows = first...last } else { position.lines = first...last }
        }
        return DocumentPiece(text: text, kind: kind, position: position)
    }
}
