import MillraceHTTP
import Testing

@Suite struct MediaTypeTests {
    @Test(
        arguments: [
            ("application/json", "application/json", [:]), ("Application/JSON", "application/json", [:]),
            ("application/json; charset=utf-8", "application/json", ["charset": "utf-8"]),
            (" text/plain ;Charset=UTF-8;format=flowed ", "text/plain", ["charset": "UTF-8", "format": "flowed"]),
            ("multipart/form-data; boundary=\"a \\\"b\\\\;c\"", "multipart/form-data", ["boundary": "a \"b\\;c"]),
            ("a/b;", "a/b", [:]), ("a/b;;x=1", "a/b", ["x": "1"]), ("application/problem+json", "application/problem+json", [:]),
            ("a/b; x=\"\"", "a/b", ["x": ""]),
        ] as [(String, String, [String: String])])
    func mediaType_isParsed(text: String, essence: String, parameters: [String: String]) throws {
        let type = try #require(MediaType(parsing: text))
        #expect(type.essence == essence)
        #expect(type.parameters == parameters)
    }

    @Test(arguments: [
        "", "text", "text/", "/plain", "text/plain/x", "text /plain", "text/ plain", "text/plain x", "a/b, c/d", "a/b;x", "a/b;x=",
        "a/b;=1",
        "a/b; x = 1", "a/b;x=\"1", "a/b;x=\"1\\", "a/b;x=1;X=2", "a/b;x=\"\u{1}\"", "tëxt/plain",
    ])
    func noMediaType_isNil(text: String) {
        #expect(MediaType(parsing: text) == nil)
    }
}
