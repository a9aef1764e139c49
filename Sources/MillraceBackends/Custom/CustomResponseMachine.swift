import Millrace
import MillraceCore

/// Turns the values of a custom API's answer into events, and knows whether the answer is whole. Pure.
struct CustomResponseMachine {
    private let adapter: any CustomModelAdapter
    private var usage = Usage.unknown
    private var stopReason: StopReason?
    /// The done marker was sent: nothing more is read.
    private(set) var isDone = false

    init(_ adapter: any CustomModelAdapter) { self.adapter = adapter }

    /// The next message, line or body.
    /// - Parameter isLast: whether nothing but the end of the body ended it: what is no JSON then was cut off (default: no).
    /// - Throws: ``ErrorCode/modelError`` for what is no JSON and for an error that the API reports; what the adapter throws.
    mutating func received(_ text: String, isLast: Bool = false) throws -> [ModelEvent] {
        let trimmed = text.utf8.drop { Self.isSpace($0) }.reversed().drop { Self.isSpace($0) }
        if isDone || trimmed.isEmpty { return [] }
        if let marker = adapter.doneMarker, trimmed.count == marker.utf8.count, trimmed.elementsEqual(marker.utf8.reversed()) {
            isDone = true
            return []
        }
        let payload: JSONValue
        do { payload = try JSONValue(parsing: text) } catch {
            if isLast { throw cutOff("in the middle of a line") }
            throw MillraceError(
                .modelError, "the model '\(adapter.id)' sent something that is not JSON: \(text.prefix(200))", cause: error)
        }
        if let message = adapter.errorMessage(in: payload) {
            throw MillraceError(.modelError, "the model '\(adapter.id)' failed: \(message.prefix(500))")
        }
        let events = try adapter.events(in: payload).compactMap { merged($0) }
        if let reason = try adapter.stopReason(in: payload) { stopReason = reason }
        return events
    }

    /// The body has ended, or the done marker was sent.
    /// - Throws: ``ErrorCode/modelError`` for an answer that is not whole.
    func finished() throws(MillraceError) -> ModelResponse {
        switch adapter.completion {
        case .doneMarker where !isDone: throw cutOff("without '\(adapter.doneMarker ?? "")'")
        case .stopReason where stopReason == nil: throw cutOff("without a stop reason")
        default: break
        }
        return ModelResponse(stopReason: stopReason ?? .endTurn, usage: usage, modelID: adapter.modelName)
    }

    private func cutOff(_ how: String) -> MillraceError {
        MillraceError(.modelError, "the answer of the model '\(adapter.id)' was cut off: it ended \(how)", isRetryable: true)
    }

    /// Usage adds to what is known already; a report that says nothing new is none.
    private mutating func merged(_ event: ModelEvent) -> ModelEvent? {
        guard case .usage(let report) = event else { return event }
        var known = usage
        if report.promptTokens != nil || report.completionTokens != nil { known.totalTokens = nil }
        known = Usage(
            promptTokens: report.promptTokens ?? known.promptTokens, completionTokens: report.completionTokens ?? known.completionTokens,
            totalTokens: report.totalTokens ?? known.totalTokens, estimatedCost: report.estimatedCost ?? known.estimatedCost,
            cachedPromptTokens: report.cachedPromptTokens ?? known.cachedPromptTokens, isEstimated: report.isEstimated)
        if known == usage { return nil }
        usage = known
        return .usage(known)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
