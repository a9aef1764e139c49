import Millrace
import MillraceCore

/// Removes what the settings no longer keep: passes over the store in pieces, with rests in between.
struct RetentionSweeper: Sendable {
    /// What a pass has removed.
    struct Tally: Equatable, Sendable {
        var runs = 0
        var chats = 0
        var files = 0
        var pieces = 0
        var isEmpty: Bool { runs == 0 && chats == 0 && files == 0 }
    }

    let store: any RetentionStore
    let settings: RetentionSettings
    /// Removes what was made of a file: its bytes, and the passages for searching.
    let removeContent: @Sendable (ExpiredContent) async throws -> Void
    let time: TimeSource

    /// Between two passes, in nanoseconds.
    static let interval: Int64 = 60_000_000_000
    /// A rest is so many times as long as the piece before it took: a store with much to do is left alone the more.
    private static let restFactor: Int64 = 4
    private static let shortestRest: Int64 = 10_000_000
    /// Files in a piece.
    private static let filesAtOnce = 32

    /// Whether there are files that nobody can read any more and of which something is left.
    func hasLeftovers() async throws -> Bool {
        try await !store.expireContents(RetentionCutoffs(now: time.wall()), limit: 1, principal: .system).isEmpty
    }

    /// One pass.
    /// - Parameter rest: lets so many nanoseconds pass, and throws when the server stops.
    func pass(rest: (Int64) async throws -> Void) async throws -> Tally {
        let cutoffs = settings.cutoffs(now: time.wall())
        var tally = Tally()
        var position = settings.removesAnything ? RetentionPosition() : nil
        while let from = position {
            let began = time.monotonic()
            let progress = try await store.expire(cutoffs, from: from, principal: .system)
            tally.runs += progress.runs
            tally.chats += progress.chats
            tally.pieces += 1
            position = progress.next
            if position != nil { try await rest(Self.rest(after: time.monotonic() - began)) }
        }
        // Also without a cutoff: files that their owners have deleted may have left something behind.
        while true {
            let expired = try await store.expireContents(cutoffs, limit: Self.filesAtOnce, principal: .system)
            var failure: (any Error)?
            for content in expired {
                // In this order a crash leaves the record, and the next pass does it again. One file that cannot be removed does not keep the others.
                do {
                    try await removeContent(content)
                    try await store.removeExpiredContent(content.record.id, principal: .system)
                    tally.files += 1
                } catch {
                    failure = failure ?? error
                }
                try await rest(Self.shortestRest)
            }
            if let failure { throw failure }
            if expired.count < Self.filesAtOnce { return tally }
        }
    }

    static func rest(after duration: Int64) -> Int64 { max(shortestRest, duration * restFactor) }
}
