import MillraceCore
import MillraceHTTP
import Testing

@Suite struct HTTPRequestIDTests {
    @Test func oursIsWrittenAsItIsDescribed() {
        let id = HTTPRequestID()
        var buffer = ByteBuffer()
        id.write(to: &buffer)
        #expect(buffer.string == id.description)
        #expect(id.description.hasPrefix("req_"))
        #expect(id.description.utf8.count == 30)
        #expect(HTTPRequestID() != id)
    }
}
