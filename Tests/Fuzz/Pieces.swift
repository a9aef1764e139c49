/// How an input is cut before an incremental reader gets it. The cuts come from the bytes themselves, so that an input is all there is.
enum Pieces {
    /// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere for a seed.
    private struct Generator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// Beyond this a byte at a time takes longer than it finds.
    private static let bytewiseLimit = 1024

    /// The ways to cut `bytes`: byte by byte where they are few, then in short and in long pieces at places that the bytes choose. Whole is
    /// what the caller compares with.
    static func cuts(of bytes: [UInt8]) -> [[[UInt8]]] {
        var ways: [[[UInt8]]] = []
        if bytes.count <= bytewiseLimit { ways.append(bytes.map { [$0] }) }
        // FNV-1a.
        var generator = Generator(state: bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 })
        for longest in [7, 64, 1500] as [UInt64] {
            var pieces: [[UInt8]] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + 1 + Int(generator.next() % longest))
                pieces.append(Array(bytes[start..<end]))
                start = end
            }
            ways.append(pieces)
        }
        return ways
    }
}
