import MillraceCore
import Testing

@testable import MillraceCLI

@Suite struct TerminalRendererTests {
    private func render(_ events: [(String, String)], isJSON: Bool = false, isTerminal: Bool = false) -> (
        out: String, err: String, TerminalRenderer
    ) {
        var renderer = TerminalRenderer(isJSON: isJSON, outputIsTerminal: isTerminal, errorIsTerminal: isTerminal)
        var pieces: [TerminalRenderer.Piece] = []
        for (event, data) in events { pieces += renderer.received(SSEMessage(event: event, id: "r:1", data: data)) }
        pieces += renderer.ended()
        func text(_ stream: Terminal.Stream) -> String { pieces.filter { $0.stream == stream }.map(\.text).joined() }
        return (text(.output), text(.error), renderer)
    }

    @Test func content_goesToOutputAndNotesToErrors() {
        let (out, err, renderer) = render([
            ("response_start", #"{"response_id":"r_1","chat_id":"c_1"}"#), ("status", #"{"status":"s","message":"Thinking"}"#),
            ("document", #"{"title":"a.txt"}"#), ("content", #"{"content":"Hello ","content_block_index":0}"#),
            ("content", #"{"content":"world","content_block_index":0}"#), ("content", #"{"content":"Next","content_block_index":1}"#),
            ("citation", #"{"reference_number":1,"document_title":"a.txt","page":2,"text":"so"}"#), ("metadata", "{}"),
            ("keep", "not json"),
            ("response_end", #"{"status":"completed"}"#),
        ])
        #expect(out == "Hello world\n\nNext\n")
        #expect(err == "Thinking\ndocument: a.txt\n[1] a.txt, page 2: \u{201C}so\u{201D}\n")
        #expect(renderer.responseID == "r_1" && renderer.chatID == "c_1" && renderer.endStatus == "completed")
    }

    @Test func terminal_getsDimNotesOnTheirOwnLines() {
        let (out, err, _) = render(
            [("content", #"{"content":"a"}"#), ("status", #"{"message":"m"}"#), ("content", #"{"content":"b"}"#)], isTerminal: true)
        #expect(out == "a\nb\n")
        #expect(err == "\u{1B}[2mm\u{1B}[0m\n")
    }

    @Test func whatIsTakenBack_isSaidPlainly() {
        let events = [
            ("content", #"{"content":"a"}"#),
            ("status", #"{"status":"retracted","message":"Taken back.","retraction":{"first_sequence":2,"last_sequence":2}}"#),
            ("content", #"{"content":"","retracted":true}"#),
        ]
        #expect(render(events, isTerminal: true).err == "Taken back.\n")
        #expect(render(events).out == "a\n")
    }

    @Test func controlCharacters_neverReachATerminal() {
        let events = [("content", #"{"content":"a\u001b[2Jb\u009bc\td\n"}"#), ("status", #"{"message":"x\u0007y"}"#)]
        #expect(render(events, isTerminal: true).out == "a[2Jbc\td\n")
        #expect(render(events, isTerminal: true).err == "\u{1B}[2mxy\u{1B}[0m\n")
        #expect(render(events).out == "a\u{1B}[2Jb\u{9B}c\td\n")
    }

    @Test(arguments: [
        ("error", "ended: error\n"), ("cancelled", "cancelled\n"), ("blocked", "blocked by a guardrail\n"), ("completed", ""),
    ])
    func end_isTold(status: String, text: String) {
        let (out, err, renderer) = render([("content", #"{"content":"a"}"#), ("response_end", #"{"status":"\#(status)"}"#)])
        #expect(out == "a\n")
        #expect(err == text)
        #expect(renderer.endStatus == status)
    }

    @Test func error_isShownUndimmed() {
        #expect(render([("error", #"{"error_type":"model_error","message":"no"}"#)], isTerminal: true).err == "error: no (model_error)\n")
    }

    @Test func json_isOneObjectALine() {
        let (out, err, _) = render([("content", #"{"content":"a\nb"}"#), ("response_end", #"{"status":"completed"}"#)], isJSON: true)
        #expect(
            out == #"{"data":{"content":"a\nb"},"event":"content","id":"r:1"}"# + "\n"
                + #"{"data":{"status":"completed"},"event":"response_end","id":"r:1"}"# + "\n")
        #expect(err == "")
    }
}
