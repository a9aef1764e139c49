import Millrace
import MillraceCore

/// What both stores check before they change a prompt.
enum PromptBounds {
    static let mostNames = 1000
    static let mostVersions = 1000

    /// - Parameter stored: what is there; `nil` for nothing.
    static func check(
        _ condition: PromptCondition, _ stored: (newestVersion: Int, revision: Int, createdAt: Timestamp)?, _ kind: PromptKind,
        _ name: String
    ) throws(MillraceError) {
        let newest = stored?.newestVersion ?? 0
        if let expected = condition.newestVersion, expected != newest {
            let found = newest == 0 ? "there is none" : "its newest version is \(newest)"
            throw MillraceError(
                .conflict, "the \(kind.rawValue) '\(name)' is not at version \(expected): \(found). Read it again, and repeat the change",
                details: ["newest_version": .integer(newest)])
        }
        if condition.exists, stored == nil {
            throw MillraceError(
                .conflict, "the \(kind.rawValue) '\(name)' is not stored, and the change expects that it is", details: ["newest_version": 0]
            )
        }
        let hasChanged = condition.revision.map { $0 != stored?.revision } ?? false
        let isAnother = condition.createdAt.map { $0 != stored?.createdAt } ?? false
        if hasChanged || isAnother {
            throw MillraceError(
                .conflict, "the \(kind.rawValue) '\(name)' has changed meanwhile: read it again, and repeat the change",
                details: ["newest_version": .integer(newest)])
        }
    }

    static func check(versions: Int, _ kind: PromptKind, _ name: String) throws(MillraceError) {
        guard versions >= mostVersions else { return }
        throw MillraceError(
            .invalidInput, "the \(kind.rawValue) '\(name)' has \(versions) versions, the most there can be: delete it, or take another name"
        )
    }

    static func check(names: Int, _ kind: PromptKind) throws(MillraceError) {
        guard names >= mostNames else { return }
        throw MillraceError(.invalidInput, "there are \(names) \(kind.rawValue)s, the most there can be: delete one")
    }

    static func noVersion(_ number: Int, _ kind: PromptKind, _ name: String) -> MillraceError {
        MillraceError(.notFound, "the \(kind.rawValue) '\(name)' has no version \(number)", details: ["field": "version"])
    }
}
