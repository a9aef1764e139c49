@testable import MillraceHTTP

private enum Form {
    struct Outcome: Equatable {
        var events: [MultipartParser.Event] = []
        var failed = false
        var isComplete = false
    }

    /// The events with neighbouring pieces of content joined: how they are cut is free.
    static func read(_ pieces: [[UInt8]], boundary: String) -> Outcome? {
        guard var parser = MultipartParser(boundary: boundary) else { return nil }
        var outcome = Outcome()
        for piece in pieces {
            do throws(MultipartParser.Failure) {
                for event in try parser.receive(piece) {
                    if case .data(let more) = event, case .data(let before)? = outcome.events.last {
                        outcome.events[outcome.events.count - 1] = .data(before + more)
                    } else {
                        outcome.events.append(event)
                    }
                }
            } catch {
                // What a call completed before its failure is lost with it, so the events may not be compared.
                return Outcome(failed: true)
            }
        }
        outcome.isComplete = parser.isComplete
        return outcome
    }
}

extension FuzzTarget {
    /// A form: whole and in pieces alike, and the content of a part comes out as it went in.
    static let multipart = FuzzTarget("multipart") { (bytes) throws(Disagreement) in
        let lines = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        // The first line may be a boundary of the input's own.
        let own = lines.count == 2 ? String(decoding: lines[0], as: UTF8.self) : ""
        for (boundary, body) in [("X", bytes), (own, Array(lines.last ?? []))] {
            guard let whole = Form.read([body], boundary: boundary) else { continue }
            for pieces in Pieces.cuts(of: body) {
                try expectEqual(Form.read(pieces, boundary: boundary), whole, "a form in \(pieces.count) pieces")
            }
        }
        let head = "--b0undary\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n"
        guard !String(decoding: bytes, as: UTF8.self).contains("--b0undary") else { return }
        let written = Array(head.utf8) + bytes + Array("\r\n--b0undary--\r\n".utf8)
        let part = MultipartParser.Event.part(.init(name: "f"))
        let expected = Form.Outcome(events: [part] + (bytes.isEmpty ? [] : [.data(bytes)]) + [.partEnd, .end], isComplete: true)
        try expectEqual(Form.read([written], boundary: "b0undary"), expected, "a part's content")
        try expectEqual(Form.read(Pieces.cuts(of: written).last ?? [], boundary: "b0undary"), expected, "a part's content, in pieces")
    }
}
