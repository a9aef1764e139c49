import MillraceCore
import Testing

@testable import MillraceBackends

@Suite struct JSONLinesSplitterTests {
    private func split(_ pieces: [ArraySlice<UInt8>], limit: Int = 16 << 20) throws -> [String] {
        var splitter = JSONLinesSplitter(limit: limit)
        var lines: [[UInt8]] = []
        for piece in pieces { lines += try Array(piece).withUnsafeBytes { try splitter.receive($0) } }
        if let last = splitter.end() { lines.append(last) }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The text whole, byte by byte, and cut in two at every place.
    private func everySplit(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
        [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] + bytes.indices.map { [bytes[..<$0], bytes[$0...]] }
    }

    @Test(
        arguments: [
            ("", []), ("\n\r\n \n", []), ("{}", ["{}"]), ("{}\n", ["{}"]),
            ("{\"a\":1}\r\n{\"b\":\"ü😀\"}\n\n[1]", ["{\"a\":1}", "{\"b\":\"ü😀\"}", "[1]"]),
            ("\u{FEFF}1\n2", ["1", "2"]), ("1\n\u{FEFF}2", ["1", "\u{FEFF}2"]), ("a\rb\n", ["a\rb"]), ("1\r", ["1"]),
        ])
    func lines_areTheSameAtEverySplit(text: String, lines: [String]) throws {
        for pieces in everySplit(Array(text.utf8)) { #expect(try split(pieces) == lines) }
    }

    @Test(arguments: ["", "\n", "\r\n"])
    func lineAtTheLimit_passes_andOneByteMoreIsRefused(end: String) throws {
        for pieces in everySplit(Array("1\n1234\(end)".utf8)) { #expect(try split(pieces, limit: 4) == ["1", "1234"]) }
        for pieces in everySplit(Array("1\n12345\(end)".utf8)) {
            let error = #expect(throws: MillraceError.self) { try split(pieces, limit: 4) }
            #expect(error?.code == .limitExceeded)
        }
    }
}
