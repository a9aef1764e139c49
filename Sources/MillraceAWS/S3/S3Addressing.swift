import MillraceCore

/// Where a bucket stands in a request's URL.
public enum S3Addressing: String, Sendable, Equatable, CaseIterable {
    /// AWS: in the host, but for buckets with dots, which no wildcard certificate covers. Other endpoints: in the path.
    case automatic
    /// In the path, as most servers of others ask for: `https://s3.eu-central-1.amazonaws.com/bucket/key`.
    case path
    /// In the host: `https://bucket.s3.eu-central-1.amazonaws.com/key`.
    case virtualHosted
}

/// The URL of a bucket or an object, and what may stand in it.
///
/// Source: "Bucket naming rules" and "Naming Amazon S3 objects", Amazon S3 User Guide; "Virtual hosting of general purpose buckets", there.
struct S3Location: Equatable {
    /// With the bucket, where it stands in the host.
    let baseURL: String
    /// Percent-encoded.
    let path: String

    /// - Parameters:
    ///   - endpoint: the base URL of the service.
    ///   - isCustom: whether the endpoint was configured.
    ///   - key: `nil`: the bucket itself.
    init(endpoint: String, isCustom: Bool, addressing: S3Addressing, bucket: String, key: String?) throws(MillraceError) {
        try Self.checkBucket(bucket)
        if let key { try Self.checkKey(key) }
        let object = key.map { URIEncoding.encode($0, keepingSlash: true) } ?? ""
        let isInHost =
            switch addressing {
            case .automatic: !isCustom && !bucket.contains(".")
            case .path: false
            case .virtualHosted: true
            }
        if isInHost, let scheme = endpoint.firstRange(of: "://") {
            baseURL = endpoint[..<scheme.upperBound] + bucket + "." + endpoint[scheme.upperBound...]
            path = "/" + object
        } else {
            baseURL = endpoint
            path = "/" + bucket + (key == nil ? "" : "/" + object)
        }
    }

    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` that says which rule the name breaks.
    static func checkBucket(_ name: String) throws(MillraceError) {
        func refuse(_ reason: String) -> MillraceError {
            MillraceError(.invalidInput, "'\(name)' cannot be the name of a bucket: \(reason)")
        }
        let bytes = Array(name.utf8)
        guard 3...63 ~= bytes.count else { throw refuse("it has 3 to 63 characters") }
        func isAlphanumeric(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        guard bytes.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }) else {
            throw refuse("it consists of lower-case letters, digits, dots and hyphens")
        }
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            throw refuse("it begins and ends with a letter or a digit")
        }
        guard !name.contains("..") else { throw refuse("two dots do not stand side by side") }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !(parts.count == 4 && parts.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            throw refuse("it does not look like an IP address")
        }
    }

    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidInput`` for a key that is empty, over 1,024 bytes or holds control characters.
    static func checkKey(_ key: String) throws(MillraceError) {
        guard 1...1024 ~= key.utf8.count else {
            throw MillraceError(.invalidInput, "the key of an object has 1 to 1,024 bytes of UTF-8, not \(key.utf8.count)")
        }
        guard !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw MillraceError(.invalidInput, "the key of an object holds no control characters")
        }
    }
}
