import MillraceCore
import Testing

@testable import MillraceServer

@Suite struct YAMLReaderTests {
    private func read(_ text: String) throws -> YAMLNode? { try YAMLReader.read(Array(text.utf8)) }

    @Test(arguments: [
        (
            "a: 1\nb: -2.5\nc: true\nd: ~\ne: \"1\"\nf: yes\ng: 0x10\nh:",
            #"{"a":1,"b":-2.5,"c":true,"d":null,"e":"1","f":"yes","g":"0x10","h":null}"#
        ),
        ("- a\n- [1, {b: 2}]", #"["a",[1,{"b":2}]]"#), ("a: |\n  x\n  y\n", #"{"a":"x\ny\n"}"#), ("a: !!str 5", #"{"a":"5"}"#),
        ("a: &x {b: 1}\nc: *x", #"{"a":{"b":1},"c":{"b":1}}"#),
        ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3", #"{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}"#),
        ("d:\n  <<: [{a: 1}, {a: 2, b: 3}]", #"{"d":{"a":1,"b":3}}"#), ("# c\n%YAML 1.1\n---\na: 1\n...\n", #"{"a":1}"#),
        ("a: \u{FC}", "{\"a\":\"\u{FC}\"}"),
        ("a: 1e3", #"{"a":1000.0}"#), ("a: 'it''s'", #"{"a":"it's"}"#),
    ])
    func document_becomesJSON(text: String, json: String) throws {
        #expect(try read(text)?.json.text == json)
    }

    @Test(arguments: ["", "# only a comment", "\n\n"])
    func nothing_isNil(text: String) throws {
        #expect(try read(text) == nil)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3", 3, "already given in line 1"), ("a:\n\tb: 1", 2, "never tabs"), ("a: 1\n---\nb: 2", 2, "only one document"),
        ("a: *x", 1, "no anchor"), ("a: &x [*x]", 1, "no anchor"), ("[a]: 1", 1, "must be text"), ("\na: !!python/object 1", 2, "tag"),
        ("a: !mine 1", 1, "tag"), ("a: [1, 2", 2, "not valid YAML"), ("a: 1\n<<: 3", 2, "merges"), ("a: \u{1}", 1, "not valid YAML"),
        (String(repeating: "[", count: 33) + String(repeating: "]", count: 33), 1, "levels deep"),
        ("a:\n" + String(repeating: "- 1\n", count: 10_001), 9_999, "more than 10000 nodes"),
    ])
    func wrong_isRefusedWithItsLine(text: String, line: Int, message: String) {
        do {
            _ = try read(text)
            Issue.record("it was read")
        } catch let failure as YAMLReader.Failure {
            #expect(failure.line == line)
            #expect(failure.message.contains(message), "\(failure.message)")
        } catch { Issue.record(error) }
    }

    @Test func depthAtTheLimit_isRead() throws {
        _ = try read(String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
    }

    @Test func aliasesThatMultiply_areRefused() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for i in 1...5 { text += "a\(i): &a\(i) [" + Array(repeating: "*a\(i - 1)", count: 10).joined(separator: ", ") + "]\n" }
        #expect(throws: YAMLReader.Failure(line: 4, message: "more than 10000 nodes, what aliases stand for counted each time")) {
            try read(text)
        }
    }

    @Test func longText_isRefused() {
        #expect(throws: YAMLReader.Failure.self) { try read("# " + String(repeating: "x", count: 1 << 20)) }
    }

    @Test func invalidUTF8_isRefused() {
        #expect(throws: YAMLReader.Failure.self) { try YAMLReader.read([0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
    }
}
