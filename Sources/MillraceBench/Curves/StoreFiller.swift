import MillraceCore
import MillraceDatabase

/// Fills a store with as many runs as are asked for, in seconds: each is a copy of one that a server made, with identifiers of its own.
///
/// All columns but identifiers and places are copied as they are, so that nothing here has to know the whole schema.
struct StoreFiller {
    /// The database file, whose server has ended.
    let path: String

    /// Runs of a chat.
    static let runsPerChat = 10

    /// Adds runs to what is there, whose first run, with all that belongs to it, is the pattern.
    func add(runs: Int) throws(MillraceError) {
        let connection = try SQLiteConnection.open(path: path, access: .readWrite, synchronous: .off)
        // Nothing of it must survive a crash, and references are right by construction.
        try connection.execute("PRAGMA foreign_keys = OFF; PRAGMA cache_size = -1000000; PRAGMA wal_autocheckpoint = 100000")
        let places = try Places(connection, path: path)
        try connection.execute("BEGIN")
        try connection.execute(places.chats(of: runs))
        try connection.execute(places.messages(of: runs))
        try connection.execute(places.runs(runs))
        try connection.execute(places.events(of: runs))
        try connection.execute("COMMIT")
        try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        // Otherwise the first checkpoint of whoever is measured writes all of it.
        try Files.sync(path)
    }

    /// Where the pattern stands, and where copies begin.
    private struct Places {
        let columns: [String: [String]]
        let run: Int
        let chat: Int
        let question: Int
        let answer: Int
        let next: [String: Int]
        /// Keeps the identifiers of one filling from those of another.
        let salt: Int

        init(_ connection: borrowing SQLiteConnection, path: String) throws(MillraceError) {
            func number(_ sql: String) throws(MillraceError) -> Int {
                let statement = try SQLiteStatement(sql, on: connection)
                guard try statement.step() else { throw MillraceError(.notFound, "\(path) holds no run to copy") }
                return statement.int(0)
            }
            var columns: [String: [String]] = [:]
            var next: [String: Int] = [:]
            for table in ["chats", "messages", "runs", "run_events"] {
                let statement = try SQLiteStatement("SELECT name FROM pragma_table_info('\(table)')", on: connection)
                while try statement.step() { columns[table, default: []].append(statement.text(0) ?? "") }
                next[table] = try number("SELECT max(id) FROM \(table)")
            }
            self.columns = columns
            self.next = next
            run = try number("SELECT min(id) FROM runs")
            chat = try number("SELECT chat FROM runs WHERE id = \(run)")
            question = try number(
                "SELECT m.id FROM messages m JOIN runs r ON m.message_id = r.user_message_id AND m.owner = r.owner WHERE r.id = \(run)")
            answer = try number(
                "SELECT m.id FROM messages m JOIN runs r ON m.message_id = r.response_id AND m.owner = r.owner WHERE r.id = \(run)")
            salt = next["runs"] ?? 0
        }

        private func base(_ table: String) -> Int { next[table] ?? 0 }

        /// In the order in which they are made, as identifiers are in life, and before all that a server makes now.
        private func identifier(_ prefix: String, _ number: String) -> String {
            "printf('\(prefix)_0%010x%08x', \(number), (\(number) * 2654435761) & 4294967295)"
        }

        private func chatNumber(_ i: String) -> String { "((\(i) - 1) / \(StoreFiller.runsPerChat))" }
        private func salted(_ i: String) -> String { "(\(i) + \(salt))" }

        /// Copies of one row, `count` times, with expressions of `i`, from 1, for some of its columns.
        private func copies(
            _ table: String, of pattern: String, _ count: Int, _ values: [String: String]
        ) -> String {
            let names = columns[table] ?? []
            let selected = names.map { values[$0] ?? "t.\($0)" }.joined(separator: ", ")
            return """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                INSERT INTO \(table) (\(names.joined(separator: ", "))) SELECT \(selected) FROM n CROSS JOIN \(table) t WHERE \(pattern);
                """
        }

        func chats(of runs: Int) -> String {
            let count = (runs + StoreFiller.runsPerChat - 1) / StoreFiller.runsPerChat
            return copies(
                "chats", of: "t.id = \(chat)", count,
                [
                    "id": "\(base("chats")) + i", "chat_id": identifier("c", salted("i")),
                    "newest_message_id": identifier("r", salted("min(i * \(StoreFiller.runsPerChat), \(runs))")),
                ])
        }

        func messages(of runs: Int) -> String {
            let place = "\(base("chats")) + 1 + \(chatNumber("i"))"
            let isFirst = "(i - 1) % \(StoreFiller.runsPerChat) = 0"
            return copies(
                "messages", of: "t.id = \(question)", runs,
                [
                    "id": "\(base("messages")) + 2 * i - 1", "message_id": identifier("m", salted("i")), "chat": place,
                    "parent_id": "CASE WHEN \(isFirst) THEN NULL ELSE \(identifier("r", salted("(i - 1)"))) END",
                ])
                + copies(
                    "messages", of: "t.id = \(answer)", runs,
                    [
                        "id": "\(base("messages")) + 2 * i", "message_id": identifier("r", salted("i")), "chat": place,
                        "parent_id": identifier("m", salted("i")),
                    ])
        }

        func runs(_ runs: Int) -> String {
            copies(
                "runs", of: "t.id = \(run)", runs,
                [
                    "id": "\(base("runs")) + i", "response_id": identifier("r", salted("i")),
                    "chat": "\(base("chats")) + 1 + \(chatNumber("i"))", "user_message_id": identifier("m", salted("i")),
                ])
        }

        /// Rows keep their order within a run; SQLite chooses their numbers.
        func events(of runs: Int) -> String {
            copies("run_events", of: "t.run = \(run)", runs, ["id": "NULL", "run": "\(base("runs")) + i"])
        }
    }
}
