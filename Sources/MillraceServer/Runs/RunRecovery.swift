import Millrace
import MillraceCore

/// How a run is closed that a crash or a failed store cut off. Pure.
enum RunRecovery {
    /// The append that closes the run: an `error` that names the lost range, and `response_end: error`. Both stand above the reservation, so
    /// that no reader ever sees a number twice. `nil` for a run that is to be resumed instead.
    static func closing(_ unfinished: UnfinishedRun, reason: String, at time: Timestamp) -> RunAppend? {
        let record = unfinished.record
        guard record.recovery == .close else { return nil }
        let first = max(record.reservedSequence, record.lastSequence) + 1
        var encoder = EventEncoder(responseID: record.responseID)
        var frames = ByteBuffer()
        let failure = RunFailure(
            code: .runInterrupted, message: "\(reason); events that were sent and not stored are lost",
            details: ["lost": ["first_sequence": .integer(record.lastSequence + 1), "last_sequence": .integer(first - 1)]],
            chatID: record.chatID, httpStatus: 500)
        encoder.append(Event(.error, .failure(failure)), sequence: first, time: time, block: nil, to: &frames)
        let end = ResponseEnd(status: .error, usage: .unknown, chatID: record.chatID)
        encoder.append(Event(.responseEnd, .responseEnd(end)), sequence: first + 1, time: time, block: nil, to: &frames)
        let batch = EventBatch(firstSequence: first, lastSequence: first + 1, frames: frames)
        let message = Message(
            id: record.responseID, chatID: record.chatID, parentID: record.userMessageID, role: .assistant, parts: [], createdAt: time,
            modelID: record.modelID, usage: .unknown, status: .error)
        return RunAppend(
            handle: unfinished.handle, batch: batch, reservedSequence: first + 1,
            completion: RunCompletion(status: .error, endedAt: time, usage: .unknown, message: message))
    }
}

extension ErrorCode {
    /// The process or the store failed while the run was running.
    static let runInterrupted = ErrorCode(rawValue: "run_interrupted")
}
