import CWordVectors

/// Vectors of the 20,000 commonest words of English texts, by their stems, and how rare each word is; they are compiled in.
///
/// Learned by `.ci/word-vectors` from dictionaries and manuals in Debian; `CWordVectors.h` has the format.
struct WordVectors: Sendable {
    /// The vectors that are compiled in.
    static let english: WordVectors = {
        let file = WordVectors(
            UnsafeRawBufferPointer(start: millrace_word_vectors_bytes(), count: millrace_word_vectors_length()))
        guard let file else { preconditionFailure("english.vectors is not a file of .ci/word-vectors") }
        return file
    }()

    /// How many numbers a vector has.
    let dimensions: Int
    /// How many words there are.
    let count: Int
    /// It stays for as long as the process does.
    private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    private static let head = 16

    /// - Parameter bytes: a file of vectors, which must stay; `nil` where it is none.
    private init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.head, bytes.prefix(4).elementsEqual("MRWV".utf8) else { return nil }
        func number(_ offset: Int) -> Int { Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))) }
        count = number(8)
        dimensions = number(12)
        self.bytes = bytes
        guard number(4) == 1, dimensions % 2 == 0, bytes.count == Self.head + count * (8 + 1 + dimensions / 2) else { return nil }
    }

    /// The place of the word whose stem has a hash (``WordHash``); `nil`: it has no vector.
    func place(of hash: UInt64) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self.hash(at: middle) < hash { low = middle + 1 } else { high = middle }
        }
        return low < count && self.hash(at: low) == hash ? low : nil
    }

    /// How rare a word is: the logarithm of one over the share of passages that have it.
    func rarity(at place: Int) -> Float { Float(bytes[Self.head + 8 * count + place]) / 16 }

    /// Adds a word's vector, of length 1, to `sum`.
    /// - Parameter weight: by what it is multiplied.
    func add(_ place: Int, weight: Float, to sum: inout [Float]) {
        let row = UnsafeRawBufferPointer(rebasing: bytes[(Self.head + 9 * count + place * dimensions / 2)...].prefix(dimensions / 2))
        var length: Float = 0
        for byte in row {
            let (first, second) = Self.numbers(byte)
            length += first * first + second * second
        }
        let scale = weight / length.squareRoot()
        for (index, byte) in row.enumerated() {
            let (first, second) = Self.numbers(byte)
            sum[2 * index] += scale * first
            sum[2 * index + 1] += scale * second
        }
    }

    /// The hash of the word at a place.
    func hash(at place: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: Self.head + 8 * place, as: UInt64.self))
    }

    private static func numbers(_ byte: UInt8) -> (Float, Float) { (Float(byte & 15) - 7.5, Float(byte >> 4) - 7.5) }
}
