import FoundationEssentials

/// A checksum of a body that comes piece by piece, as S3 takes it: in a header or in a trailer. Used by one task at a time.
///
/// Source: "Checking object integrity in Amazon S3", Amazon S3 User Guide.
package struct BodyChecksum {
    package enum Algorithm: Sendable, Equatable, CaseIterable {
        case crc32
        case crc32c
        case sha256

        /// The name of the field, such as `x-amz-checksum-crc32c`.
        package var headerName: String {
            switch self {
            case .crc32: "x-amz-checksum-crc32"
            case .crc32c: "x-amz-checksum-crc32c"
            case .sha256: "x-amz-checksum-sha256"
            }
        }

        /// How long the value is: base64 of 4 or 32 bytes.
        package var valueLength: Int { self == .sha256 ? 44 : 8 }
    }

    /// The digest cannot be copied, and a checksum is.
    private final class SharedDigest {
        var digest = SHA256Digest()
    }

    private enum State {
        case crc32(CRC32)
        case crc32c(CRC32C)
        case sha256(SharedDigest)
    }

    package let algorithm: Algorithm
    private var state: State

    package init(_ algorithm: Algorithm) {
        self.algorithm = algorithm
        state =
            switch algorithm {
            case .crc32: .crc32(CRC32())
            case .crc32c: .crc32c(CRC32C())
            case .sha256: .sha256(SharedDigest())
            }
    }

    /// Continues with more of the body.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let isDone: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if isDone == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .crc32(var crc):
            crc.update(bytes)
            state = .crc32(crc)
        case .crc32c(var crc):
            crc.update(bytes)
            state = .crc32c(crc)
        case .sha256(let stream): stream.digest.update(bytes)
        }
    }

    /// The value of the field: base64, a number's bytes with the highest first. It is asked for once, at the end.
    package func finish() -> String {
        let bytes: [UInt8] =
            switch state {
            case .crc32(let crc): Self.bytes(crc.value)
            case .crc32c(let crc): Self.bytes(crc.value)
            case .sha256(let stream): stream.digest.value()
            }
        return Data(bytes).base64EncodedString()
    }

    /// The checksum of a whole body.
    package static func value(of bytes: [UInt8], _ algorithm: Algorithm) -> String {
        var checksum = BodyChecksum(algorithm)
        checksum.update(bytes)
        return checksum.finish()
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}
