/// Names of hosts that a server answers for, compared by bytes in any case.
package struct HTTPHostNames: Sendable {
    /// The names in lower case, one behind the other.
    private let bytes: [UInt8]
    private let ends: [Int]

    package init(_ names: [String]) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for name in names {
            bytes += name.utf8.map(HTTPGrammar.lowercased)
            ends.append(bytes.count)
        }
        self.bytes = bytes
        self.ends = ends
    }

    func contains(_ name: UnsafeRawBufferPointer) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            for end in ends {
                if end - start == name.count, isEqual(name, bytes, at: start) { return true }
                start = end
            }
            return false
        }
    }

    private func isEqual(_ name: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
        for i in 0..<name.count where HTTPGrammar.lowercased(name[i]) != bytes[start &+ i] { return false }
        return true
    }
}
