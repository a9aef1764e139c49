import FoundationEssentials
import MillraceCore
import Testing

@Suite struct JSONParserTests {
    static let valid: [(String, JSONValue)] = [
        ("null", nil), (" \t\r\n true ", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12),
        ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.5", 1.5),
        ("1e3", .double(1000)),
        ("-2.5E-1", -0.25), ("1E+2", .double(100)), (#""""#, ""), (#""a""#, "a"), (#""é💥""#, "é💥"),
        (#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDca5 z""#, "\"\\/\u{08}\u{0C}\n\r\té💥 z"), (#""\u0000""#, "\0"), ("[]", []), ("[ ]", []),
        ("{}", [:]),
        ("[1, [2,[ ]] ,\"x\"]", [1, [2, []], "x"]), (#"{"a":{"b":[null]}, "c" : 1}"#, ["a": ["b": [nil]], "c": 1]),
        (#"{"a":1,"a":2}"#, ["a": 2]),
    ]

    @Test(arguments: valid)
    func validText_isRead_andReadBack(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
        #expect(try JSONValue(parsing: value.text) == value)
        // No beginning of a document is one, but for numbers and spaces behind it.
        let bytes = Array(text.utf8)
        if bytes[0] != 0x20, !(value.double != nil) {
            for count in 0..<bytes.count { #expect(throws: MillraceError.self) { try JSONValue(parsing: Array(bytes[..<count])) } }
        }
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1e999", "NaN", "[1,]", "[,]", "[1 2]", "[1", "]",
        "{",
        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}", "{\"a\" 1}", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"",
        "\"\\uD800\"",
        "\"\\uDC00\"", "\"\\uD800\\n\"", "\"\\uD800\\u0041\"", "\"a\nb\"", "\"\u{01}\"", "\"\\n\u{01}\"", "1 2", "[] []", "'a'", "// x\n1",
        "\u{FEFF}1",
    ])
    func invalidText_isRefused(text: String) {
        #expect { try JSONValue(parsing: text) } throws: { ($0 as? MillraceError)?.code == .invalidJSON }
    }

    @Test(
        arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xFF, 0x22]] as [[UInt8]])
    func stringThatIsNotUTF8_isRefused(bytes: [UInt8]) {
        #expect { try JSONValue(parsing: bytes) } throws: { ($0 as? MillraceError)?.code == .invalidJSON }
    }

    @Test func nesting_hasABound() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        _ = try JSONValue(parsing: nested(512))
        #expect(throws: MillraceError.self) { try JSONValue(parsing: nested(513)) }
        #expect(throws: MillraceError.self) { try JSONValue(parsing: String(repeating: "[{\"a\":", count: 100_000)) }
    }

    @Test func error_saysWhere() {
        #expect { try JSONValue(parsing: "{\"a\": 1 \"b\"}") } throws: { ($0 as? MillraceError)?.message.contains("byte 8") == true }
    }

    /// The two names begin alike as Unicode reads them, and `<` of strings puts neither first.
    @Test func members_areWrittenInTheOrderOfTheirNamesBytes() throws {
        let text = "{\"e\u{301}\":2,\"\u{E9}@\":1}"
        for _ in 0..<20 {
            let members: [String: JSONValue] = ["\u{E9}@": 1, "e\u{301}": 2]
            #expect(Array(JSONValue.object(members).text.utf8) == Array(text.utf8))
        }
        #expect(try JSONValue(parsing: text).text == text)
    }

    /// Of a repeated name Foundation takes the first value, we the last, as most parsers do.
    @Test(arguments: valid.dropLast())
    func foundation_readsTheSame(text: String, value: JSONValue) throws {
        #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)).double == value.double)
        if value.double == nil { #expect(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) == value) }
    }
}
