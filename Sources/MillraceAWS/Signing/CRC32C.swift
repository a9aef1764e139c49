/// The cyclic redundancy check of iSCSI (RFC 3720, section 12.1), also called Castagnoli's: polynomial 0x82F63B78 (reflected), all ones at
/// both ends.
///
/// Eight bytes a step, as ``CRC32``.
package struct CRC32C: Sendable {
    private var state: UInt32 = 0xFFFF_FFFF

    package init() {}

    /// The check value of what was given so far.
    package var value: UInt32 { ~state }

    /// Continues with more bytes.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var crc = state
        Self.table.withUnsafeBufferPointer { table in
            var position = 0
            while bytes.count &- position >= 8 {
                var word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                var row = 7 * 256
                while row >= 0 {
                    crc ^= table[row &+ Int(word & 0xFF)]
                    word >>= 8
                    row &-= 256
                }
                position &+= 8
            }
            while position < bytes.count {
                crc = table[Int((crc ^ UInt32(bytes[position])) & 0xFF)] ^ crc >> 8
                position &+= 1
            }
        }
        state = crc
    }

    /// Entry `256 * n + b` is what the byte `b` becomes when `n` zero bytes follow it.
    private static let table: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            table[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78 }
        }
        for index in 256..<table.count {
            table[index] = table[index - 256] >> 8 ^ table[Int(table[index - 256] & 0xFF)]
        }
        return table
    }()
}
