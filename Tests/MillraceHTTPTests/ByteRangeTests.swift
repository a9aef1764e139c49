import MillraceHTTP
import Testing

@Suite struct ByteRangeTests {
    @Test(arguments: [
        ("bytes=0-0", 10, ByteRange.bytes(0..<1)), ("bytes=0-9", 10, .bytes(0..<10)), ("bytes=0-99", 10, .bytes(0..<10)),
        ("bytes=9-", 10, .bytes(9..<10)), ("bytes=10-", 10, .unsatisfiable), ("bytes=-3", 10, .bytes(7..<10)),
        ("bytes=-99", 10, .bytes(0..<10)), ("bytes=-0", 10, .unsatisfiable), ("bytes=0-", 0, .unsatisfiable),
        ("bytes=-1", 0, .unsatisfiable),
        ("bytes=5-4", 10, .whole), ("bytes=-", 10, .whole), ("bytes=a-b", 10, .whole), ("bytes=0-1,3-4", 10, .whole),
        ("items=0-1", 10, .whole), ("bytes=1", 10, .whole), ("BYTES=1-2", 10, .bytes(1..<3)),
        ("bytes=99999999999999999999-", 10, .unsatisfiable), ("bytes=0-99999999999999999999", 10, .bytes(0..<10)),
    ])
    func header_asksFor(header: String, length: Int, range: ByteRange) {
        #expect(ByteRange(header, length: length) == range)
    }

    @Test func noHeader_asksForEverything() { #expect(ByteRange(nil, length: 3) == .whole) }
}
