import MillraceCore

/// How an upload is cut into parts: equal ones where the length is known, growing ones where it is not.
///
/// S3 takes 10,000 parts of 5 MiB to 5 GiB, only the last of which may be shorter ("Amazon S3 multipart upload limits", S3 User Guide).
package struct S3PartPlan: Equatable, Sendable {
    package static let mostParts = 10_000
    package static let leastPartBytes = 5 << 20

    private let first: Int
    private let grows: Bool

    /// - Parameters:
    ///   - length: the whole length in bytes; `nil`: it is not known.
    ///   - partBytes: the wanted size of a part.
    package init(length: Int?, partBytes: Int) {
        grows = length == nil
        // Whole MiB, so that sizes look like sizes.
        let needed = max((length ?? 0) - 1, 0) / Self.mostParts + 1
        first = max(partBytes, needed <= partBytes ? 0 : (((needed - 1) >> 20) + 1) << 20)
    }

    /// The size of a part, which is numbered from 1.
    ///
    /// Without a length, each thousand parts have twice the size of the thousand before: parts of 8 MiB come to 8 TiB, and the first 8 GB
    /// cost no more memory than 8 MiB a part.
    package func bytes(ofPart number: Int) -> Int {
        grows ? min(first << min((number - 1) / 1000, 9), 5 << 30) : first
    }

    /// The ranges of a copy in parts.
    package static func ranges(length: Int, partBytes: Int) -> [Range<Int>] {
        let size = S3PartPlan(length: length, partBytes: partBytes).bytes(ofPart: 1)
        return stride(from: 0, to: length, by: size).map { $0..<min($0 + size, length) }
    }
}
