import CSQLite
package import MillraceCore

/// What BM25 needs to know of a table and a query.
package struct FullTextStatistics: Equatable, Sendable {
    /// How many rows the table has.
    package var rowCount: Int
    /// The mean length of each column, in tokens.
    package var averageLengths: [Double]
    /// How many rows have each phrase of the query, in the order in which the expression names them.
    package var rowsWithPhrase: [Int]

    package init(rowCount: Int = 0, averageLengths: [Double] = [], rowsWithPhrase: [Int] = []) {
        self.rowCount = rowCount
        self.averageLengths = averageLengths
        self.rowsWithPhrase = rowsWithPhrase
    }
}

/// A row that an expression matches.
package struct FullTextRow {
    /// Its number.
    package let row: Int64
    /// How often it has each phrase, in the order in which the expression names them.
    package let counts: [Int32]
    /// The length of each column, in tokens.
    package let lengths: [Int32]
    /// The same for every row of a scan.
    package let statistics: FullTextStatistics
}

/// Words and matches of SQLite's full-text module on one connection. One thread at a time.
///
/// FTS5's own `bm25()` has a negative inverse frequency for words that most rows have, takes a row's columns for one text, and cannot weigh
/// the parts of a query differently; so matches are handed out with their counts, and whoever searches scores them.
package final class FullText {
    /// The scan that runs.
    private final class State {
        var statistics: FullTextStatistics?
        var isWanted: ((Int64) -> Bool)?
        var visit: ((FullTextRow) -> Void)?
        var counts: [Int32] = []
        var lengths: [Int32] = []
    }

    private let tokenizers: (words: FullTextTokenizer, letters: FullTextTokenizer, stems: FullTextTokenizer)
    private let state: State  // The connection holds a second reference.

    init(_ connection: borrowing SQLiteConnection) throws(MillraceError) {
        let api = try FullTextAPI(connection)
        tokenizers = (try FullTextTokenizer(.words, api), try FullTextTokenizer(.letters, api), try FullTextTokenizer(.stems, api))
        state = State()
        let code =
            api.pointer.pointee.xCreateFunction?(
                api.pointer, "millrace_visit", Unmanaged.passRetained(state).toOpaque(), FullText.visit,
                { $0.map { Unmanaged<State>.fromOpaque($0).release() } }) ?? SQLITE_ERROR
        guard code == SQLITE_OK else { throw SQLiteFailure(code: code, database: connection.handle).error }
    }

    /// Calls `visit` with the place of each token in the UTF-8 of a text, and with the token, which is valid during the call.
    package func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, into tokens: FullTextTokens, _ visit: (Range<Int>, UnsafeRawBufferPointer) -> Void
    ) throws(MillraceError) {
        let tokenizer =
            switch tokens {
            case .words: tokenizers.words
            case .letters: tokenizers.letters
            case .stems: tokenizers.stems
            }
        try tokenizer.tokenize(text, visit)
    }

    /// Calls `visit` with each row that an expression matches, in the order of the rows.
    /// - Parameters:
    ///   - table: the name of a full-text table; it goes into SQL as it is.
    ///   - expression: in FTS5's own language.
    ///   - isWanted: whether a row is looked at.
    ///   - check: called now and then; what it throws ends the scan.
    package func scan(
        _ table: String, _ expression: String, on session: SQLiteSession, isWanted: (Int64) -> Bool,
        check: () throws(MillraceError) -> Void, _ visit: (FullTextRow) -> Void
    ) throws(MillraceError) {
        let sql = "SELECT millrace_visit(\(table)) FROM \(table) WHERE \(table) MATCH ?"
        var failure: MillraceError?
        withoutActuallyEscaping(isWanted) { isWanted in
            withoutActuallyEscaping(visit) { visit in
                state.isWanted = isWanted
                state.visit = visit
                do throws(MillraceError) {
                    try session.withStatement(sql) { (statement: borrowing SQLiteStatement) throws(MillraceError) in
                        try statement.bind(expression)
                        var count = 0
                        while try statement.step() {
                            count &+= 1
                            if count & 0xFFF == 0 { try check() }
                        }
                    }
                } catch {
                    failure = error
                }
                state.isWanted = nil
                state.visit = nil
                state.statistics = nil
            }
        }
        if let failure { throw failure }
    }

    // MARK: The auxiliary function

    private typealias Interface = UnsafePointer<Fts5ExtensionApi>

    private static let visit: fts5_extension_function = { interface, cursor, result, _, _ in
        guard let interface, let cursor, let data = interface.pointee.xUserData(cursor) else { return }
        let state = Unmanaged<State>.fromOpaque(data).takeUnretainedValue()
        let code = FullText.visit(state, interface, cursor)
        if code != SQLITE_OK { sqlite3_result_error_code(result, code) }
    }

    private static func visit(_ state: State, _ interface: Interface, _ cursor: OpaquePointer) -> Int32 {
        guard let isWanted = state.isWanted, let visit = state.visit else { return SQLITE_MISUSE }
        if state.statistics == nil {
            let code = gather(state, interface, cursor)
            if code != SQLITE_OK { return code }
        }
        guard let statistics = state.statistics else { return SQLITE_MISUSE }
        let row = interface.pointee.xRowid(cursor)
        guard isWanted(row) else { return SQLITE_OK }
        for index in state.counts.indices { state.counts[index] = 0 }
        var instances: Int32 = 0
        var code = interface.pointee.xInstCount(cursor, &instances)
        if code != SQLITE_OK { return code }
        for index in 0..<instances {
            var (phrase, column, offset): (Int32, Int32, Int32) = (0, 0, 0)
            code = interface.pointee.xInst(cursor, index, &phrase, &column, &offset)
            if code != SQLITE_OK { return code }
            state.counts[Int(phrase)] &+= 1
        }
        for column in state.lengths.indices {
            code = interface.pointee.xColumnSize(cursor, Int32(column), &state.lengths[column])
            if code != SQLITE_OK { return code }
        }
        visit(FullTextRow(row: row, counts: state.counts, lengths: state.lengths, statistics: statistics))
        return SQLITE_OK
    }

    private static func gather(_ state: State, _ interface: Interface, _ cursor: OpaquePointer) -> Int32 {
        var rows: sqlite3_int64 = 0
        var code = interface.pointee.xRowCount(cursor, &rows)
        if code != SQLITE_OK { return code }
        var statistics = FullTextStatistics()
        statistics.rowCount = Int(rows)
        for column in 0..<interface.pointee.xColumnCount(cursor) {
            var total: sqlite3_int64 = 0
            code = interface.pointee.xColumnTotalSize(cursor, column, &total)
            if code != SQLITE_OK { return code }
            statistics.averageLengths.append(Double(total) / Double(max(rows, 1)))
        }
        for phrase in 0..<interface.pointee.xPhraseCount(cursor) {
            var count = 0
            code = interface.pointee.xQueryPhrase(cursor, phrase, &count) { _, _, count in
                count?.assumingMemoryBound(to: Int.self).pointee += 1
                return SQLITE_OK
            }
            if code != SQLITE_OK { return code }
            statistics.rowsWithPhrase.append(count)
        }
        state.counts = Array(repeating: 0, count: statistics.rowsWithPhrase.count)
        state.lengths = Array(repeating: 0, count: statistics.averageLengths.count)
        state.statistics = statistics
        return SQLITE_OK
    }
}
