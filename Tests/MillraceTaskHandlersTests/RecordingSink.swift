import Millrace
import MillraceCore

/// Records what a handler emits and reports.
final class RecordingSink: RunSink {
    private let record = Locked<(events: [Event], usage: Usage?)>(([], nil))

    var events: [Event] { record.withLock { $0.events } }
    var usage: Usage? { record.withLock { $0.usage } }

    var context: RunContext { RunContext(sink: self, principal: .local, logger: .silent, blocking: nil) }

    func emit(_ event: Event) async throws {
        try Task.checkCancellation()
        record.withLock { $0.events.append(event) }
    }

    func report(_ usage: Usage) { record.withLock { $0.usage = ($0.usage ?? .unknown) + usage } }

    func sleep(nanoseconds: Int64) async throws { try Task.checkCancellation() }
}
