import MillraceHTTPClient
import Testing

@Suite struct HTTPClientHeadersTests {
    @Test func aName_matchesInAnyCase() {
        var headers: HTTPClientHeaders = ["Retry-After": "3", "X": "1"]
        #expect(headers["retry-after"] == "3")
        headers.set("x", "2")
        #expect(headers.fields == [.init("Retry-After", "3"), .init("x", "2")])
    }

    @Test func theDescription_showsNoValue() {
        #expect("\(HTTPClientHeaders([.init("Authorization", "Bearer sk-secret")]))" == "Authorization")
    }
}
