import Millrace
import MillraceCore

/// Logs that nobody closed.
extension RunHub {
    /// Closes the runs that no terminal event closed and that do not live: after a crash, or after the store failed.
    /// - Returns: how many were closed.
    func closeUnfinishedRuns(reason: String) async throws -> Int {
        var appends: [RunAppend] = []
        for unfinished in try await store.unfinishedRuns(principal: .system) {
            guard live(unfinished.record.responseID, principal: unfinished.handle.principal) == nil else { continue }
            let parts = try await storedParts(unfinished)
            appends.append(RunRecovery.closing(unfinished, parts: parts, reason: reason, at: .now()))
        }
        // Many in one commit; where one of them is refused, since its run has ended meanwhile, the others are closed one by one.
        var closed = 0
        for start in stride(from: 0, to: appends.count, by: 256) {
            let group = Array(appends[start..<min(start + 256, appends.count)])
            do {
                try await append(group)
                closed += group.count
            } catch let error as MillraceError where error.code == .conflict || error.code == .notFound {
                for single in group {
                    do {
                        try await append([single])
                        closed += 1
                    } catch let error as MillraceError where error.code == .conflict || error.code == .notFound {
                        continue
                    }
                }
            }
        }
        return closed
    }

    private func append(_ appends: [RunAppend]) async throws {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
            store.append(appends) { error in
                if let error { continuation.resume(throwing: error) } else { continuation.resume() }
            }
        }
    }

    private func storedParts(_ unfinished: UnfinishedRun) async throws -> [MessagePart] {
        var answer = StoredAnswer()
        var cursor = 0
        let retraction = RunRecovery.retraction(of: unfinished.record)
        while let stretch = try await store.events(
            of: unfinished.record.responseID, after: cursor, byteLimit: 1 << 20, principal: unfinished.handle.principal),
            !stretch.frames.isEmpty
        {
            answer.receive(stretch.applying(retraction.map { [$0] } ?? []).frames)
            cursor = stretch.lastSequence
        }
        return answer.parts
    }
}
