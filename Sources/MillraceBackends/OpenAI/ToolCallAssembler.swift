import Millrace
import MillraceCore

/// Puts tool calls together from the pieces that a streamed answer gives of them.
///
/// OpenAI sends the id and the name once and the arguments in pieces, each with the call's `index`. In the wild the index is missing, the
/// id or the name comes with every piece, calls come whole, and arguments are an object instead of its text.
struct ToolCallAssembler: Sendable {
    /// How much text the arguments of one answer may have, in bytes.
    static let byteLimit = 4 << 20
    /// How many calls one answer may have.
    static let callLimit = 1024

    private struct Call {
        var index: Int?
        var id: String?
        var name: String
        var arguments: String
    }

    private var calls: [Call] = []
    private var bytes = 0

    var isEmpty: Bool { calls.isEmpty }

    /// Takes one element of `delta.tool_calls`, or the delta's old `function_call`.
    /// - Throws: ``ErrorCode/modelError`` for more than the limits.
    mutating func receive(index: Int?, id: String?, name: String?, arguments: JSONValue?) throws(MillraceError) {
        let id = id.flatMap { $0.isEmpty ? nil : $0 }
        let name = name ?? ""
        let place = place(index: index, id: id, name: name)
        if place == calls.count {
            guard calls.count < Self.callLimit else {
                throw MillraceError(.modelError, "the model called more than \(Self.callLimit) tools in one answer")
            }
            calls.append(Call(index: index, id: id, name: name, arguments: ""))
        } else {
            if calls[place].id == nil { calls[place].id = id }
            // A name that is repeated is the same name; one in pieces is not known to exist.
            if calls[place].name.isEmpty { calls[place].name = name }
        }
        switch arguments {
        case .string(let piece):
            bytes += piece.utf8.count
            guard bytes <= Self.byteLimit else {
                throw MillraceError(.modelError, "the arguments of the model's tool calls are longer than \(Self.byteLimit) bytes")
            }
            calls[place].arguments += piece
        case .object?, .array?: calls[place].arguments = arguments?.text ?? ""
        default: break
        }
    }

    /// Which call a piece belongs to; the number of calls for a new one.
    private func place(index: Int?, id: String?, name: String) -> Int {
        if let index {
            guard let place = calls.lastIndex(where: { $0.index == index }) else { return calls.count }
            // Some servers give every whole call the index 0: another id with a name begins another call.
            if let id, let known = calls[place].id, known != id, !name.isEmpty { return calls.count }
            return place
        }
        if let id { return calls.firstIndex { $0.id == id } ?? calls.count }
        // Without index and id, a name begins a call and anything else continues the last.
        return name.isEmpty && !calls.isEmpty ? calls.count - 1 : calls.count
    }

    /// The calls, in the order of their indexes, with their arguments parsed; no arguments are an empty object.
    /// - Parameters:
    ///   - wasCut: whether the answer ended at its token limit, which explains arguments that are no JSON.
    ///   - makeID: gives a call its id where the server gave none.
    /// - Throws: ``ErrorCode/modelError`` that names the tool whose arguments are no JSON, and for a call without a name.
    func finish(wasCut: Bool, makeID: () -> String) throws(MillraceError) -> [ToolCall] {
        var finished: [ToolCall] = []
        let ordered = calls.enumerated().sorted { left, right in
            (left.element.index ?? left.offset, left.offset) < (right.element.index ?? right.offset, right.offset)
        }
        for (_, call) in ordered {
            guard !call.name.isEmpty else {
                throw MillraceError(.modelError, "the model called a tool without naming it", isRetryable: true)
            }
            let text = call.arguments
            var arguments = JSONValue.object([:])
            if text.utf8.contains(where: { $0 > 0x20 }) {
                do throws(MillraceError) { arguments = try JSONValue(parsing: text) } catch {
                    let reason = wasCut ? "the answer reached its token limit before they were complete" : "they are not valid JSON"
                    var failure = MillraceError(
                        .modelError, "the model called the tool '\(call.name)' with arguments that cannot be used: \(reason)",
                        details: ["tool_name": .string(call.name)], isRetryable: !wasCut)
                    failure.cause = error.message
                    throw failure
                }
            }
            // Some templates write `null` where a tool takes no arguments.
            if arguments.isNull { arguments = [:] }
            finished.append(ToolCall(id: call.id ?? makeID(), name: call.name, arguments: arguments))
        }
        return finished
    }
}
