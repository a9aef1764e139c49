/// Finds the name that somebody probably meant, for "did you mean" messages.
package enum Suggestion {
    /// The candidate closest to `name`, or `nil` where none is close enough to be a slip of the keyboard.
    ///
    /// Close enough: at most a third of the name's characters are wrong (at least 1, at most 3), upper and lower case being the same.
    package static func closest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars.prefix(80))
        let limit = min(max(wanted.count / 3, 1), 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(wanted, Array(candidate.lowercased().unicodeScalars.prefix(80)))
            if distance <= limit, distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.name
    }

    /// `: did you mean 'NAME'?`, or nothing where no candidate is close.
    package static func phrase(for name: String, among candidates: some Sequence<String>) -> String {
        closest(to: name, among: candidates).map { ": did you mean '\($0)'?" } ?? ""
    }

    /// The least number of insertions, deletions, replacements and swaps of neighbours between two texts.
    ///
    /// Source: optimal string alignment, a restriction of the distance of F. Damerau, "A technique for computer detection and
    /// correction of spelling errors" (1964), by dynamic programming.
    static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        var row = last
        for i in 1...left.count {
            row[0] = i
            for j in 1...right.count {
                let replaced = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1)
                row[j] = min(replaced, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
            }
            (beforeLast, last, row) = (last, row, beforeLast)
        }
        return last[right.count]
    }
}
