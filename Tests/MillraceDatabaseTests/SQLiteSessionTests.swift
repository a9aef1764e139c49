import FoundationEssentials
import MillraceCore
import MillraceDatabase
import Testing

@Suite struct SQLiteSessionTests {
    /// A database in a file of its own, removed at the end.
    static func withSession(_ body: (SQLiteSession, String) throws -> Void) throws {
        let path = "/tmp/\(Identifier.make(prefix: "millrace")).db"
        defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        try body(SQLiteSession(.open(path: path, access: .readWrite, synchronous: .off)), path)
    }

    @Test func values_bound_readBackTheSame() throws {
        try Self.withSession { session, _ in
            try session.connection.execute("CREATE TABLE t (a, b, c, d, e, f)")
            let bytes: [UInt8] = [0, 1, 255]
            try bytes.withUnsafeBytes {
                _ = try session.execute(
                    "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", Int.min, "é\0x", "", String?.none, Timestamp(microseconds: -7),
                    SQLiteStaticBlob($0))
            }
            let read = try session.first("SELECT * FROM t") { row in
                #expect(row.int(0) == .min)
                #expect(row.text(1) == "é\0x")
                #expect(row.text(2) == "")
                #expect(row.isNull(3) && row.text(3) == nil)
                #expect(row.timestamp(4) == Timestamp(microseconds: -7))
                #expect(row.withBytes(5) { $0.map { [UInt8]($0) } } == bytes)
                return true
            }
            #expect(read == true)
            #expect(try session.first("SELECT 1 WHERE 0") { $0.int(0) } == nil)
            #expect(try session.rows("VALUES (3), (1), (2)") { $0.int(0) } == [3, 1, 2])
        }
    }

    @Test func moreStatementsThanAreKept_work_alsoInsideOneAnother() throws {
        try Self.withSession { session, _ in
            try session.withStatement("VALUES (1), (2), (3)") { (outer: borrowing SQLiteStatement) throws(MillraceError) in
                var read = 0
                while try outer.step() {
                    for number in 0..<600 { read += try session.first("SELECT \(number) - \(number) + 1") { $0.int(0) } ?? 0 }
                }
                #expect(read == 1800)
            }
        }
    }

    @Test func failedStatement_canBeUsedAgain() throws {
        try Self.withSession { session, _ in
            try session.connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
            let insert = "INSERT INTO t VALUES (?)"
            try session.execute(insert, 1)
            #expect { try session.execute(insert, 1) } throws: { ($0 as? MillraceError)?.code == .conflict }
            try session.execute(insert, 2)
            #expect(try session.rows("SELECT a FROM t") { $0.int(0) } == [1, 2])
        }
    }

    @Test func migrations_takeOnlyTheMissingSteps_andKeepAFailedOneOut() throws {
        try Self.withSession { session, path in
            let first = "CREATE TABLE a (x)"
            try SQLiteMigrations([first]).apply(to: session, path: path)
            try SQLiteMigrations([first, "CREATE TABLE b (x)"]).apply(to: session, path: path)
            #expect(throws: MillraceError.self) {
                try SQLiteMigrations([first, first, "CREATE TABLE c (x); CREATE TABLE a (x)"]).apply(to: session, path: path)
            }
            let isInTransaction = session.connection.isInTransaction
            #expect(!isInTransaction)
            #expect(try session.rows("SELECT name FROM sqlite_master ORDER BY name") { $0.text(0) } == ["a", "b"])
            #expect(try session.first("PRAGMA user_version") { $0.int(0) } == 2)
            #expect { try SQLiteMigrations([first]).apply(to: session, path: path) } throws: {
                ($0 as? MillraceError)?.code == .storageUnavailable
            }
        }
    }

    @Test func connection_isSetUp() throws {
        try Self.withSession { session, path in
            #expect(try session.first("PRAGMA journal_mode") { $0.text(0) } == "wal")
            #expect(try session.first("PRAGMA foreign_keys") { $0.int(0) } == 1)
            for (synchronous, value) in [(SQLiteConnection.Synchronous.full, 2), (.normal, 1), (.off, 0)] {
                let other = try SQLiteSession(.open(path: path, access: .readWrite, synchronous: synchronous))
                #expect(try other.first("PRAGMA synchronous") { $0.int(0) } == value)
            }
            let reader = try SQLiteSession(.open(path: path, access: .readOnly))
            #expect { try reader.connection.execute("CREATE TABLE t (a)") } throws: {
                ($0 as? MillraceError)?.code == .storageUnavailable
            }
        }
    }

    @Test(arguments: [
        (Int32(13), ErrorCode.storageFull, true), (5, .storageUnavailable, true), (6, .storageUnavailable, true),
        (517, .storageUnavailable, true), (778, .storageUnavailable, true), (8, .storageUnavailable, false),
        (14, .storageUnavailable, true),
        (11, .storageUnavailable, false), (26, .storageUnavailable, false), (2067, .conflict, false), (787, .notFound, false),
        (1299, .internal, false), (18, .limitExceeded, false), (1, .internal, false),
    ])
    func failure_isMapped(result: Int32, code: ErrorCode, isRetryable: Bool) {
        let error = SQLiteFailure(code: result, message: "words", path: "/data/a.db").error
        #expect(error.code == code)
        #expect(error.isRetryable == isRetryable)
        #expect(error.cause == "SQLite error \(result), words, in /data/a.db")
    }
}
