/// Numbers for words and parts of words: FNV-1a in 64 bits, with the finisher of MurmurHash3 so that low bits are as good as high ones.
///
/// `.ci/word-vectors.py` has the same, and both are kept: the file of vectors knows its words by them, and stored vectors of other words are
/// made of them.
enum WordHash {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return finish(hash)
    }

    static func finish(_ value: UInt64) -> UInt64 {
        var hash = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
