package import MillraceCore

/// The steps that bring a database's tables up to date. `PRAGMA user_version` counts those that were taken.
package struct SQLiteMigrations: Sendable {
    /// The SQL of each step, oldest first. A released step is never changed: a new one is added.
    package let steps: [String]

    package init(_ steps: [String]) { self.steps = steps }

    /// Takes the missing steps, each in its own transaction.
    /// - Throws: ``ErrorCode/storageUnavailable`` when the database is newer than this program, and what SQLite throws.
    package func apply(to session: SQLiteSession, path: String) throws(MillraceError) {
        let version = try session.first("PRAGMA user_version") { $0.int(0) } ?? 0
        guard version <= steps.count else {
            throw MillraceError(
                .storageUnavailable,
                "the database \(path) was written by a newer Millrace (its version is \(version), this program knows \(steps.count)): "
                    + "start that version, or use another data directory")
        }
        for (index, step) in steps.enumerated() where index >= version {
            try session.begin()
            do throws(MillraceError) {
                try session.connection.execute(step)
                try session.connection.execute("PRAGMA user_version = \(index + 1)")
                try session.commit()
            } catch {
                session.rollback()
                throw error
            }
        }
    }
}
