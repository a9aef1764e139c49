/// Where one sequence stands in another, in time linear in both (Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977).
struct SubsequenceSearch<Element: Equatable> {
    private let pattern: [Element]
    /// For each place the length of the longest proper prefix of the pattern that ends there.
    private let borders: [Int]

    init(_ pattern: [Element]) {
        self.pattern = pattern
        var borders = [Int](repeating: 0, count: pattern.count)
        var length = 0
        for place in pattern.indices.dropFirst() {
            while length > 0, pattern[place] != pattern[length] { length = borders[length - 1] }
            if pattern[place] == pattern[length] { length += 1 }
            borders[place] = length
        }
        self.borders = borders
    }

    /// The first place at which the whole pattern stands and `accepts` its range.
    func first(in text: [Element], where accepts: (Range<Int>) -> Bool) -> Range<Int>? {
        guard !pattern.isEmpty else { return nil }
        var length = 0
        for (place, element) in text.enumerated() {
            while length > 0, pattern[length] != element { length = borders[length - 1] }
            if pattern[length] == element { length += 1 }
            guard length == pattern.count else { continue }
            let range = (place + 1 - length)..<(place + 1)
            if accepts(range) { return range }
            length = borders[length - 1]
        }
        return nil
    }

    /// How much of the pattern's beginning the text ends with.
    func overlap(withEndOf text: some Sequence<Element>) -> Int {
        guard !pattern.isEmpty else { return 0 }
        var length = 0
        for element in text {
            if length == pattern.count { length = borders[length - 1] }
            while length > 0, pattern[length] != element { length = borders[length - 1] }
            if pattern[length] == element { length += 1 }
        }
        return length
    }
}
