package import MillraceCore

/// Chunks whose size is known only when they are written (RFC 9112, section 7.1): six digits are reserved and patched afterwards.
///
/// ```swift
/// let chunk = buffer.beginChunk()
/// produce(into: &buffer)
/// buffer.endChunk(chunk)
/// buffer.appendLastChunk()
/// ```
extension ByteBuffer {
    /// The most bytes that one chunk holds.
    package static var largestChunk: Int { 0xFF_FFFF }

    /// Starts a chunk; what is appended until ``endChunk(_:)`` is its data. Nothing may be consumed in between.
    /// - Returns: where the chunk starts, for ``endChunk(_:)``.
    package mutating func beginChunk() -> Int {
        let start = count
        append("000000\r\n")
        return start
    }

    /// Ends a chunk of at most ``largestChunk`` bytes. An empty one is taken back, because a chunk of size 0 would end the body.
    /// - Returns: the bytes of data in it.
    @discardableResult
    package mutating func endChunk(_ start: Int) -> Int {
        let size = count - start - 8
        precondition(size >= 0 && size <= Self.largestChunk, "a chunk holds at most 16 MiB")
        if size == 0 {
            truncate(to: start)
        } else {
            overwrite(at: start, hexadecimal: size, width: 6)
            append("\r\n")
        }
        return size
    }

    /// Ends a chunked body.
    package mutating func appendLastChunk() { append("0\r\n\r\n") }
}
