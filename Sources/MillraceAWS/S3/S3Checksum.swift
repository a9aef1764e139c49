import FoundationEssentials
package import MillraceCore
import MillraceHTTPClient

/// The check value that S3 keeps of an object's whole content ("Checking object integrity", Amazon S3 User Guide).
enum S3Checksum {
    /// Base64 of the value's bytes, the highest first.
    static func text(_ crc: UInt32) -> String {
        Data([UInt8(crc >> 24), UInt8(crc >> 16 & 0xFF), UInt8(crc >> 8 & 0xFF), UInt8(crc & 0xFF)]).base64EncodedString()
    }

    static func crc32(of bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32.checksum($0) } }
}

/// Compares an object's content, as it arrives, with the check value in the response's head.
///
/// CRC-32 and SHA-256 of whole objects are compared. What is made of the parts' values (`COMPOSITE`) cannot be, and the others are not
/// known here.
struct S3ContentCheck: ~Copyable {
    private var crc32 = CRC32()
    private var sha256: SHA256Digest?
    private let expectedCRC32: String?
    private let expectedSHA256: String?

    init(_ headers: HTTPClientHeaders) {
        let isWhole = headers["x-amz-checksum-type"] != "COMPOSITE"
        func whole(_ name: String) -> String? { headers[name].flatMap { isWhole && !$0.contains("-") ? $0 : nil } }
        expectedCRC32 = whole("x-amz-checksum-crc32")
        expectedSHA256 = whole("x-amz-checksum-sha256")
        if expectedSHA256 != nil { sha256 = SHA256Digest() }
    }

    mutating func received(_ bytes: UnsafeRawBufferPointer) {
        if expectedCRC32 != nil { crc32.update(bytes) }
        sha256?.update(bytes)
    }

    /// - Throws: ``MillraceError`` with ``ErrorCode/checksumMismatch``.
    func ended() throws(MillraceError) {
        var isRight = true
        if let expectedCRC32 { isRight = expectedCRC32 == S3Checksum.text(crc32.value) }
        if let expectedSHA256, let digest = sha256?.value() { isRight = isRight && expectedSHA256 == Data(digest).base64EncodedString() }
        guard isRight else {
            throw MillraceError(
                .checksumMismatch, "the object's content does not fit its checksum: it was damaged on the way or in the store",
                isRetryable: true)
        }
    }
}

extension ErrorCode {
    /// Bytes are not what they were when they were stored.
    package static let checksumMismatch = ErrorCode(rawValue: "checksum_mismatch")
}
