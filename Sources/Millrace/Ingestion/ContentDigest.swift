/// Tells contents apart that nobody has made to look alike: FNV-1a of 64 bits over UTF-8 (draft-eastlake-fnv).
struct ContentDigest {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ text: String) {
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    var hexadecimal: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
