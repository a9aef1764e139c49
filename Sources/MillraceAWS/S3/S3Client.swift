package import MillraceCore
import MillraceHTTPClient

/// Amazon S3, and servers that speak its API.
///
/// Everything runs in constant memory: objects are lent piece by piece, and uploads hold ``Settings/concurrentParts`` parts at most. A body
/// in memory and each part are signed with their hash and carry a CRC-32, over `http` as over `https`. A bucket in another region is found
/// by what S3 says of it, once.
///
/// Methods throw ``AWSServiceError`` for what S3 refuses, ``MillraceError`` for keys and bucket names that cannot be and for what fails on
/// the way, and `CancellationError`.
///
/// Source: Amazon S3 API Reference (API version 2006-03-01).
public final class S3Client: Sendable {
    /// How the client works.
    public struct Settings: Equatable, Sendable {
        /// Where the bucket stands in URLs (default: ``S3Addressing/automatic``).
        public var addressing = S3Addressing.automatic
        /// The size of an upload's parts in bytes, and the longest object that is stored with one request: 5 MiB to 5 GiB (default: 8 MiB).
        /// Parts of longer objects grow, so that there are 10,000 at most.
        public var partBytes = 8 << 20
        /// How many parts of one upload are in memory and on their way at once, 1 to 64 (default: 3).
        public var concurrentParts = 3
        /// Whether a CRC-32 goes with what is stored, which S3 checks and keeps (default: true). Servers that do not know it ignore it.
        public var sendsChecksums = true
        /// The longest object that is copied with one request, in bytes (default: 5 GiB, S3's limit).
        package var singleCopyBytes = 5 << 30
        /// The size of the parts of longer copies, in bytes (default: 512 MiB).
        package var copyPartBytes = 512 << 20

        /// The defaults.
        public init() {}

        /// - Throws: ``MillraceError`` with ``ErrorCode/configuration`` that names every value that is out of bounds.
        package func validate() throws(MillraceError) {
            var problems: [String] = []
            if !(S3PartPlan.leastPartBytes...5 << 30 ~= partBytes) {
                problems.append("partBytes must be 5242880 (5 MiB) to 5368709120 (5 GiB), not \(partBytes)")
            }
            if !(1...64 ~= concurrentParts) { problems.append("concurrentParts must be 1 to 64, not \(concurrentParts)") }
            if !problems.isEmpty { throw MillraceError(.configuration, "S3: " + problems.joined(separator: "; ")) }
        }
    }

    /// How the client works.
    public let settings: Settings
    let client: AWSServiceClient
    /// The regions of buckets that are elsewhere than configured, as S3 has said.
    private let regions = Locked<[String: String]>([:])
    private static let mostRegions = 1024

    /// - Parameter client: of ``AWSService/s3``.
    package init(_ client: AWSServiceClient, settings: Settings = Settings()) throws(MillraceError) {
        try settings.validate()
        self.client = client
        self.settings = settings
    }

    /// Sends a request for a bucket or an object, and once more where S3 says that the bucket is in another region.
    func send<R>(
        _ request: AWSRequest, bucket: String, key: String?, _ read: (any HTTPResponseStream) async throws -> R
    ) async throws -> R {
        let region = regions.withLock { $0[bucket] } ?? client.endpoint.region
        do {
            return try await exchange(request, bucket: bucket, key: key, region: region, read)
        } catch let error as AWSServiceError {
            guard let found = Self.region(in: error), found != region else { throw error }
            regions.withLock { regions in
                if regions.count >= Self.mostRegions { regions = [:] }
                regions[bucket] = found
            }
            return try await exchange(request, bucket: bucket, key: key, region: found, read)
        }
    }

    private func exchange<R>(
        _ request: AWSRequest, bucket: String, key: String?, region: String, _ read: (any HTTPResponseStream) async throws -> R
    ) async throws -> R {
        let (client, path) = try route(bucket: bucket, key: key, region: region)
        var request = request
        request.path = path
        return try await client.exchange(request, read)
    }

    /// The client of a bucket's host and region, and the path there.
    func route(bucket: String, key: String?, region: String? = nil) throws(MillraceError) -> (AWSServiceClient, path: String) {
        var client = client
        client.endpoint.region = region ?? regions.withLock { $0[bucket] } ?? client.endpoint.region
        let isCustom = client.endpoint.url != nil
        let location = try S3Location(
            endpoint: try client.endpoint.url(of: client.service), isCustom: isCustom,
            addressing: settings.addressing, bucket: bucket, key: key)
        client.url = location.baseURL
        return (client, location.path)
    }

    /// The region that a refusal names ("Redirects and errors for requests to another region": 301, 307, and 400 for a signature's region).
    static func region(in error: AWSServiceError) -> String? {
        guard [301, 307, 400].contains(error.status), let region = error.details["Region"]?.string, 1...64 ~= region.utf8.count,
            region.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        return region
    }

    /// Sends a request whose answer is a document, or nothing.
    func document(_ request: AWSRequest, bucket: String, key: String?, limit: Int = 16 << 20) async throws -> (
        XMLElement?, S3ResponseHeaders
    ) {
        try await send(request, bucket: bucket, key: key) { response in
            let headers = S3ResponseHeaders(response.headers)
            let bytes = try await response.collect(limit: limit)
            guard bytes.contains(where: { $0 > 0x20 }) else { return (nil, headers) }
            let root = try XMLElement(parsing: bytes)
            // Work that takes long begins its answer with 200 before it knows (CopyObject, CompleteMultipartUpload).
            if root.name == "Error" { throw AWSErrorBody(status: 200, headers: response.headers, body: bytes).error(service: "S3") }
            return (root, headers)
        }
    }

    /// Does what may fail with an error behind status 200 up to three times, where it can help.
    func retryingLateErrors<R>(_ body: () async throws -> R) async throws -> R {
        for _ in 1..<3 {
            do { return try await body() } catch let error as AWSServiceError where error.status == 200 && error.isRetryable {}
            try Task.checkCancellation()
        }
        return try await body()
    }

    static func missing(_ what: String) -> MillraceError {
        MillraceError(.storageUnavailable, "S3's answer has no \(what): check that the endpoint speaks S3", isRetryable: false)
    }
}
