import CSQLite
import Glibc
import MillraceCore

/// The C interface of SQLite's full-text module on one connection (sqlite.org/fts5.html, "Extending FTS5").
struct FullTextAPI {
    let pointer: UnsafeMutablePointer<fts5_api>  // Lives as long as the connection.

    /// The type of the pointer that the module fills in. SQLite keeps this pointer, not a copy: it must not be a `String`'s.
    private static let pointerType: StaticString = "fts5_api_ptr"

    /// - Throws: ``ErrorCode/storageUnavailable`` when this SQLite was built without the module.
    init(_ connection: borrowing SQLiteConnection) throws(MillraceError) {
        var api: UnsafeMutablePointer<fts5_api>?
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(connection.handle, "SELECT fts5(?1)", -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        if code == SQLITE_OK {
            withUnsafeMutablePointer(to: &api) { place in
                let type = UnsafeRawPointer(Self.pointerType.utf8Start).assumingMemoryBound(to: CChar.self)
                sqlite3_bind_pointer(statement, 1, place, type, nil)
                sqlite3_step(statement)
            }
        }
        guard let api else {
            throw MillraceError(.storageUnavailable, "this SQLite has no full-text search: install one that was built with FTS5")
        }
        pointer = api
    }
}

/// How text becomes words.
package enum FullTextTokens: Sendable, CaseIterable {
    /// Runs of letters and digits, in lower case, without diacritics.
    case words
    /// The same with their diacritics.
    case letters
    /// The same with Porter's endings taken off what is ASCII.
    case stems
}

/// One of SQLite's own tokenizers. One thread at a time.
final class FullTextTokenizer {
    private let functions: fts5_tokenizer
    private let handle: OpaquePointer

    init(_ tokens: FullTextTokens, _ api: FullTextAPI) throws(MillraceError) {
        let name = tokens == .stems ? "porter" : "unicode61"
        let words = (tokens == .stems ? ["unicode61"] : []) + ["remove_diacritics", tokens == .letters ? "0" : "2"]
        var functions = fts5_tokenizer()
        var userData: UnsafeMutableRawPointer?
        var code = api.pointer.pointee.xFindTokenizer?(api.pointer, name, &userData, &functions) ?? SQLITE_ERROR
        var made: OpaquePointer?
        if code == SQLITE_OK {
            var arguments = words.map { UnsafePointer<CChar>(strdup($0)) }
            defer { for argument in arguments { free(UnsafeMutablePointer(mutating: argument)) } }
            code = functions.xCreate?(userData, &arguments, Int32(arguments.count), &made) ?? SQLITE_ERROR
        }
        guard code == SQLITE_OK, let made else {
            throw SQLiteFailure(code: code, message: "there is no tokenizer '\(name)'", path: "").error
        }
        self.functions = functions
        handle = made
    }

    deinit { functions.xDelete?(handle) }

    /// What a call hands to the callback.
    private struct Visit {
        let visit: (Range<Int>, UnsafeRawBufferPointer) -> Void
    }

    /// Calls `visit` with each token's place in the UTF-8, and the token, valid during the call.
    func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, _ visit: (Range<Int>, UnsafeRawBufferPointer) -> Void
    ) throws(MillraceError) {
        guard let start = text.baseAddress, let count = Int32(exactly: text.count) else {
            if text.isEmpty { return }
            throw SQLiteFailure(code: SQLITE_TOOBIG, message: "a text is too long", path: "").error
        }
        let code = withoutActuallyEscaping(visit) { escaping in
            var context = Visit(visit: escaping)
            return withUnsafeMutablePointer(to: &context) { context in
                start.withMemoryRebound(to: CChar.self, capacity: text.count) { characters in
                    functions.xTokenize?(handle, context, FTS5_TOKENIZE_DOCUMENT, characters, count, Self.visit) ?? SQLITE_ERROR
                }
            }
        }
        guard code == SQLITE_OK else { throw SQLiteFailure(code: code, message: "a text cannot be split", path: "").error }
    }

    private static let visit: @convention(c) (UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?, Int32, Int32, Int32) -> Int32 = {
        context, _, token, length, start, end in
        guard let context else { return SQLITE_ERROR }
        let bytes = UnsafeRawBufferPointer(start: token, count: Int(length))
        context.assumingMemoryBound(to: Visit.self).pointee.visit(Int(start)..<Int(end), bytes)
        return SQLITE_OK
    }
}
