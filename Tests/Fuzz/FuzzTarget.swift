/// What a fuzzer found: two readings of the same bytes differ, or a promise does not hold. A trap needs no words of its own.
struct Disagreement: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// One entry for fuzzers: bytes go in, and nothing may trap, hang or disagree.
///
/// An entry is a pure function of its bytes, so that an input that found something finds it again, here and in the ordinary tests.
struct FuzzTarget: Sendable {
    /// Its name on the command line and that of its corpus, such as `http-request`.
    let name: String
    let check: @Sendable ([UInt8]) throws(Disagreement) -> Void

    init(_ name: String, _ check: @escaping @Sendable ([UInt8]) throws(Disagreement) -> Void) {
        self.name = name
        self.check = check
    }

    /// All entries. A new one gets a line here, a corpus of its own and a row in `Docs/fuzzing.md`.
    static let all: [FuzzTarget] = [
        httpRequest, httpChunked, httpTarget, httpResponse, headerValues, multipart, sse, json, eventStream, awsXML, awsText, yaml,
        settings,
        lastEventID, generateBody, chatCompletions, messages, converse, customAPI, tokens, text, storedFiles, templates,
        citations, documentText, documentHTML, documentXML, documentZip,
    ]

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Fails where two readings of the same bytes differ.
func expectEqual<Value: Equatable>(_ left: Value, _ right: Value, _ what: @autoclosure () -> String) throws(Disagreement) {
    if left != right { throw Disagreement("\(what()): \(left) is not \(right)") }
}

func expect(_ holds: Bool, _ what: @autoclosure () -> String) throws(Disagreement) {
    if !holds { throw Disagreement(what()) }
}
