import MillraceCore
import MillraceHTTP
import Testing

@Suite struct ChunkTests {
    @Test func chunk_isPatchedWithItsSize() {
        var buffer = ByteBuffer()
        buffer.append("head")
        var chunk = buffer.beginChunk()
        buffer.append(String(repeating: "x", count: 300))
        #expect(buffer.endChunk(chunk) == 300)
        chunk = buffer.beginChunk()
        #expect(buffer.endChunk(chunk) == 0)
        buffer.appendLastChunk()
        #expect(buffer.string == "head00012c\r\n" + String(repeating: "x", count: 300) + "\r\n0\r\n\r\n")
    }

    @Test func chunks_readBackThroughTheParser() {
        var buffer = ByteBuffer()
        buffer.append("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for count in [1, 15, 16, 4096, 70000] {
            let chunk = buffer.beginChunk()
            buffer.append([UInt8](repeating: UInt8(ascii: "a"), count: count))
            buffer.endChunk(chunk)
        }
        buffer.appendLastChunk()
        let parsed = ParserDrive.whole(buffer.bytes).parsed
        #expect(parsed.failure == nil)
        #expect(parsed.requests.map(\.isComplete) == [true])
        #expect(parsed.requests.map(\.body.count) == [74128])
    }
}
