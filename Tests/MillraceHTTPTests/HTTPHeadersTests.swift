import MillraceCore
import MillraceHTTP
import Testing

@Suite struct HTTPHeadersTests {
    @Test(arguments: ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "\u{7f}", "\u{1b}[0m"]) func valueThatEndsALine_isRefused(value: String) throws {
        var headers = HTTPHeaders()
        #expect(throws: MillraceError.self) { try headers.add("X", value) }
        try headers.add("X", "1")
        #expect(throws: MillraceError.self) { try headers.set("X", value) }
        #expect(headers["x"] == "1")
        #expect(headers.fields.count == 1)
    }

    @Test(arguments: ["", "a b", "a:", "a\r\n", "é"]) func nameThatIsNoToken_isRefused(name: String) {
        var headers = HTTPHeaders()
        #expect(throws: MillraceError.self) { try headers.add(name, "x") }
    }

    @Test func headers_keepOrderAndReplaceInAnyCase() throws {
        var headers: HTTPHeaders = ["A": "1", "B": "2"]
        try headers.add("a", "3\té")
        #expect(headers.fields.map(\.value) == ["1", "2", "3\té"])
        try headers.set("a", "4")
        #expect(headers.fields.map(\.name) == ["B", "a"])
        headers.remove("b")
        #expect(headers["B"] == nil)
        #expect(headers["A"] == "4")
    }
}
