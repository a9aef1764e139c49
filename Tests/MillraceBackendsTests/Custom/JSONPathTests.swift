import MillraceBackends
import MillraceCore
import Testing

@Suite struct JSONPathTests {
    private static let value: JSONValue = [
        "text": "hi", "a-b": "dash", "": "empty", "né": "é", "it's": "quote", "😀": "face", "n": nil,
        "choices": [["delta": ["content": "x"]], ["delta": ["content": "y"]], ["other": 1]],
    ]

    @Test(
        arguments: [
            ("$.text", ["hi"]), ("$['text']", ["hi"]), (#"$["text"]"#, ["hi"]), ("$['a-b']", ["dash"]), ("$['']", ["empty"]),
            ("$.né", ["é"]), (#"$['it\'s']"#, ["quote"]), (#"$["it's"]"#, ["quote"]), (#"$['\u00e9\/']"#, []),
            (#"$["\ud83d\ude00"]"#, ["face"]), ("$.choices[0].delta.content", ["x"]), ("$.choices[-2].delta.content", ["y"]),
            ("$.choices[*].delta.content", ["x", "y"]), ("$.choices[1].*.content", ["y"]), ("$.choices[3]", []), ("$.choices[-4]", []),
            ("$.text[0]", []), ("$.text.more", []), ("$.none", []), ("$.n", [nil]), ("$.choices[0].delta.*", ["x"]), ("$.text.*", []),
        ] as [(String, [JSONValue])])
    func path_findsWhatItNames(path: String, found: [JSONValue]) throws {
        let path = try JSONPath(path)
        #expect(path.values(in: Self.value) == found)
    }

    @Test func root_findsTheValue_andMembersComeInTheOrderOfTheirNames() throws {
        #expect(try JSONPath("$").values(in: [1]) == [[1]])
        #expect(try JSONPath("$.*").values(in: ["b": 2, "a": 1]) == [1, 2])
    }

    @Test(
        arguments: [
            ("", 1, "begin with $"), ("text", 1, "begin with $"), ("$text", 2, "a step begins with . or ["),
            ("$.", 3, "a name is expected"),
            ("$..text", 3, "descendants"), ("$.1a", 3, "a name is expected"), ("$.a-b", 4, "write ['a-b']"), ("$.a b", 4, "write ['a-b']"),
            ("$[", 3, "an index or *"), ("$[]", 3, "an index or *"), ("$[0", 4, "] is expected"), ("$[01]", 3, "'01' is no index"),
            ("$[-0]", 3, "'-0' is no index"), ("$[-]", 3, "'-' is no index"), ("$[99999999999999999999]", 3, "is no index"),
            ("$[0:2]", 4, "slices"), ("$[:2]", 3, "slices"), ("$[0,1]", 4, "more than one"), ("$[?@.a]", 3, "filters"),
            ("$['a]", 3, "not closed by '"), (#"$['\x']"#, 4, "not known"), (#"$['\u12']"#, 4, "four hexadecimal"),
            (#"$['\ud83d']"#, 4, "half of a character"), (#"$['\ud83d\u0041']"#, 4, "half of a character"),
            (#"$['\ude00']"#, 4, "half of a character"), ("$['a\u{1}']", 5, "control characters"), ("$.a[*]b", 7, "a step begins"),
        ] as [(String, Int, String)])
    func wrongPath_isRefusedWhereItIsWrong(path: String, place: Int, reason: String) {
        let error = #expect(throws: MillraceError.self) { try JSONPath(path) }
        #expect(error?.code == .configuration)
        #expect(error?.message.hasPrefix("the JSON path '\(path)' is wrong at character \(place): ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }
}
