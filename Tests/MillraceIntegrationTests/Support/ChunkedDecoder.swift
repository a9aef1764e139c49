/// Undoes the chunked transfer coding, piece by piece.
struct ChunkedDecoder {
    private var pending: [UInt8] = []
    /// Whether the last chunk has come.
    private(set) var isComplete = false
    /// What came behind the last chunk.
    private(set) var rest: [UInt8] = []

    /// Takes the next bytes and returns the content in them.
    mutating func receive(_ bytes: [UInt8]) throws -> [UInt8] {
        pending += bytes
        var content: [UInt8] = []
        var start = 0
        while !isComplete {
            guard let lineEnd = TCPClient.find([13, 10], in: pending, from: start) else { break }
            let line = String(decoding: pending[start..<lineEnd - 2], as: UTF8.self)
            guard let size = Int(line, radix: 16) else { throw ClientFailure("not a chunk size: \(line.debugDescription)") }
            guard pending.count >= lineEnd + size + 2 else { break }
            content += pending[lineEnd..<lineEnd + size]
            guard pending[lineEnd + size] == 13, pending[lineEnd + size + 1] == 10 else {
                throw ClientFailure("a chunk does not end in CRLF")
            }
            start = lineEnd + size + 2
            if size == 0 {
                isComplete = true
                rest = Array(pending[start...])
                start = pending.count
            }
        }
        pending.removeFirst(start)
        return content
    }
}
