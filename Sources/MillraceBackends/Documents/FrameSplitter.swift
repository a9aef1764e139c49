import Millrace
import MillraceCore

/// Cuts an extractor's output into lines, whose length is bounded: whatever took the process over may write anything. A value without I/O.
struct FrameSplitter {
    private var pending: [UInt8] = []
    static let longestLine = 512 << 10

    /// The lines that are complete, without their ends.
    /// - Throws: ``ErrorCode/extractionFailed`` for a line that is too long.
    mutating func receive(_ bytes: ArraySlice<UInt8>) throws(MillraceError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            lines.append(pending + rest[..<end])
            pending = []
            rest = rest[(end + 1)...]
        }
        pending += rest
        guard pending.count <= Self.longestLine else { throw ExtractorFrame.notUnderstood }
        return lines
    }
}
