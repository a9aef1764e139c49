/// The cyclic redundancy check of IEEE 802.3, as zlib's `crc32` computes it: polynomial 0xEDB88320 (reflected), all ones at both ends.
///
/// Eight bytes a step ("slicing-by-8": M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High Performance Software-Based CRC
/// Generators", 2005). A table of one byte's steps is enough for one byte at a time; seven more say what a byte becomes so many bytes later.
package struct CRC32: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    package init() {}

    /// The check value of some bytes.
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc = CRC32()
        crc.update(bytes)
        return crc.value
    }

    /// The check value of what was given so far.
    package var value: UInt32 { ~state }

    /// Continues with more bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var crc = state
        Self.table.withUnsafeBufferPointer { table in
            var position = 0
            while bytes.count &- position >= 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
                crc =
                    table[1792 &+ Int(word & 0xFF)] ^ table[1536 &+ Int(word >> 8 & 0xFF)]
                    ^ table[1280 &+ Int(word >> 16 & 0xFF)] ^ table[1024 &+ Int(word >> 24 & 0xFF)]
                crc ^=
                    table[768 &+ Int(word >> 32 & 0xFF)] ^ table[512 &+ Int(word >> 40 & 0xFF)]
                    ^ table[256 &+ Int(word >> 48 & 0xFF)] ^ table[Int(word >> 56)]
                position &+= 8
            }
            while position < bytes.count {
                crc = table[Int((crc ^ UInt32(bytes[position])) & 0xFF)] ^ (crc >> 8)
                position &+= 1
            }
        }
        state = crc
    }

    /// Eight tables of 256 entries: entry `256 * n + b` is what the byte `b` becomes when `n` zero bytes follow it.
    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
            table[byte] = crc
        }
        for index in 256..<table.count {
            let before = table[index - 256]
            table[index] = before >> 8 ^ table[Int(before & 0xFF)]
        }
        return table
    }()
}
