import MillraceAWS
import MillraceCounterparts
import Testing

@Suite(.ownThreads) struct CRC32Tests {
    @Test func checksum_ofTheCheckString_isTheStandardsValue() {
        #expect(Array("123456789".utf8).withUnsafeBytes(CRC32.checksum) == 0xCBF4_3926)
        #expect([UInt8]().withUnsafeBytes(CRC32.checksum) == 0)
    }

    /// Every length around the eight bytes of a step, from every alignment.
    @Test(arguments: 0..<8)
    func checksum_ofAnyLength_isWhatBitByBitGives(start: Int) {
        let bytes = (0..<80).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 17) }
        for length in 0..<64 {
            let part = bytes[start..<start + length]
            let value = bytes.withUnsafeBytes { CRC32.checksum(UnsafeRawBufferPointer(rebasing: $0[start..<start + length])) }
            #expect(value == Self.bitByBit(part), "\(length) bytes")
        }
    }

    @Test func update_inPieces_isTheWhole() {
        let bytes = (0..<100).map { UInt8($0) }
        for cut in 0...100 {
            var crc = CRC32()
            bytes[..<cut].withUnsafeBytes { crc.update($0) }
            bytes[cut...].withUnsafeBytes { crc.update($0) }
            #expect(crc.value == bytes.withUnsafeBytes(CRC32.checksum), "cut at \(cut)")
        }
    }

    private static func bitByBit(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
