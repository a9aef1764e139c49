/// Texts cut into the batches that one request each may hold.
struct EmbeddingBatches {
    /// Ranges of the texts, in order.
    private(set) var ranges: [Range<Int>] = []

    /// - Parameters:
    ///   - count: the most texts a batch.
    ///   - characters: the most characters (Unicode scalars) a batch; a text that is longer goes alone.
    init(_ texts: [String], count: Int, characters: Int) {
        var start = 0
        var sum = 0
        for (index, text) in texts.enumerated() {
            let length = text.unicodeScalars.count
            if index > start, index - start == count || sum + length > characters {
                ranges.append(start..<index)
                start = index
                sum = 0
            }
            sum += length
        }
        if start < texts.count { ranges.append(start..<texts.count) }
    }
}
