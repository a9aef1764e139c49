import Millrace
import MillraceCore

/// How a run is closed that a crash or a failed store cut off. Pure.
enum RunRecovery {
    /// The append that closes the run: an `error` that names the lost range, and `response_end: error`. Both stand above the reservation, so
    /// that no reader ever sees a number twice. Nothing resumes runs yet, so those that ask for it are closed as well.
    static func closing(_ unfinished: UnfinishedRun, parts: [MessagePart], reason: String, at time: Timestamp) -> RunAppend {
        let record = unfinished.record
        let lost = max(record.reservedSequence, record.lastSequence) + 1
        var first = lost
        let stamp = EventStamp(time)
        let encoder = EventEncoder(responseID: record.responseID)
        var frames = ByteBuffer()
        let retraction = retraction(of: record)
        if let retraction {
            encoder.append(
                .retracted(RetractionNotice(retraction, reason: RetractionNotice.unjudged)), sequence: first, at: stamp, block: nil,
                to: &frames)
            first += 1
        }
        let failure = RunFailure(
            code: .runInterrupted, message: "\(reason); events that were sent and not stored are lost",
            details: ["lost": ["first_sequence": .integer(record.lastSequence + 1), "last_sequence": .integer(lost - 1)]],
            chatID: record.chatID, httpStatus: 500)
        encoder.append(Event(.error, .failure(failure)), sequence: first, at: stamp, block: nil, to: &frames)
        let end = ResponseEnd(status: .error, usage: .unknown, chatID: record.chatID)
        encoder.append(Event(.responseEnd, .responseEnd(end)), sequence: first + 1, at: stamp, block: nil, to: &frames)
        let batch = EventBatch(firstSequence: lost, lastSequence: first + 1, frames: frames)
        let message = Message(
            id: record.responseID, chatID: record.chatID, parentID: record.userMessageID, role: .assistant, parts: parts, createdAt: time,
            modelID: record.modelID, usage: .unknown, metadata: PromptReference.metadata(record.prompts), status: .error)
        var append = RunAppend(
            handle: unfinished.handle, batch: batch, reservedSequence: first + 1,
            completion: RunCompletion(status: .error, endedAt: time, usage: .unknown, message: message), isRecovery: true)
        append.retractions = retraction.map { [$0] } ?? []
        return append
    }

    /// What a cut-off run had shown and nobody had judged, of what is stored and of what is lost.
    static func retraction(of record: RunRecord) -> Retraction? {
        record.judgedSequence.map { judged in
            Retraction(contentBlockIndex: nil, firstSequence: judged + 1, lastSequence: max(record.reservedSequence, record.lastSequence))
        }
    }
}

/// Reads a stored log and keeps the answer's text, so that the chat shows what a cut-off run had said.
struct StoredAnswer {
    private var parser = SSEParser()
    private var blocks: [(index: Int, text: String)] = []
    private var discarded: Set<Int> = []

    /// Takes the next stretch of the log.
    mutating func receive(_ frames: [UInt8]) {
        for message in (try? parser.receive(frames)) ?? [] {
            switch message.event {
            case EventKind.content.rawValue: receiveContent(message.data)
            case EventKind.status.rawValue: receiveStatus(message.data)
            default: break
            }
        }
    }

    private mutating func receiveContent(_ data: String) {
        guard let data = try? JSONValue(parsing: data), let text = data["content"]?.string else { return }
        let index = data["content_block_index"]?.integer ?? 0
        if discarded.contains(index) { return }
        if text.isEmpty { return }
        // A block goes on behind others where a guard has sent it anew.
        if let known = blocks.lastIndex(where: { $0.index == index }) {
            blocks[known].text += text
        } else {
            blocks.append((index, text))
        }
    }

    /// An answer that was begun again: what it took back is no part of it.
    private mutating func receiveStatus(_ data: String) {
        guard let list = (try? JSONValue(parsing: data))?["discarded_blocks"]?.array else { return }
        discarded.formUnion(list.compactMap(\.integer))
        blocks.removeAll { discarded.contains($0.index) }
    }

    var parts: [MessagePart] { blocks.map { .text($0.text) } }
}

extension ErrorCode {
    /// The process or the store failed while the run was running.
    static let runInterrupted = ErrorCode(rawValue: "run_interrupted")
}
