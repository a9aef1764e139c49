import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

/// An object store that the conformance suite runs on.
enum ObjectStoreSubject: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case directory
    case memory
    case seaweed = "S3 on SeaweedFS"
    case moto = "S3 on moto"
    case rclone = "S3 on rclone"

    /// What a server of others does not do as S3 does; `s3_proof.py` shows the same with AWS's own client.
    enum Gap: String, Sendable {
        case dotSegments, emptySegments, trailingSlash, backslash, longestKey, fileBesideFolder, listOrder, conditions
        case copiedMetadata, concurrentConditions, concurrentWriters, multipartTag, ranges
    }

    var testDescription: String { rawValue }

    /// The gaps and their reasons. A gap that is no more makes its test fail.
    var gaps: [Gap: String] {
        switch self {
        case .directory, .memory: [:]
        case .moto: [.concurrentConditions: "moto looks and writes in two steps, between which others write"]
        case .seaweed:
            [
                .dotSegments: "SeaweedFS refuses '.' and '..' in keys", .emptySegments: "SeaweedFS joins slashes that stand side by side",
                .trailingSlash: "SeaweedFS makes a folder of a key with a slash at its end",
                .backslash: "SeaweedFS takes '\\' for '/'", .longestKey: "SeaweedFS takes no key part over 255 bytes",
                .listOrder: "SeaweedFS lists a folder's keys where its name without slash would be",
            ]
        case .rclone:
            [
                .fileBesideFolder: "rclone keeps keys as files: 'a' and 'a/b' exclude each other",
                .listOrder: "rclone keeps keys as files: 'a' and 'a/b' exclude each other",
                .conditions: "rclone does not know conditional writes", .concurrentConditions: "rclone does not know conditional writes",
                .ranges: "rclone says a range's length where Content-Range has the object's",
                .multipartTag: "rclone answers an upload in parts with another tag than it keeps",
                .copiedMetadata: "rclone copies no metadata",
                .concurrentWriters: "rclone keeps one writer's bytes with another's checksum; AWS's own client refuses them too",
            ]
        }
    }

    var server: Result<S3TestServer?, any Error>? {
        switch self {
        case .directory, .memory: nil
        case .seaweed: S3TestServer.seaweed
        case .moto: S3TestServer.moto
        case .rclone: S3TestServer.rclone
        }
    }

    static let partBytes = 5 << 20

    /// Runs `body` on a loop with an empty store.
    func withStore(_ body: @escaping @Sendable (any ObjectStore) async throws -> Void) async throws {
        guard let server else {
            if self == .memory { return try await onLoop { try await body(InMemoryObjectStore()) } }
            let directory = try TemporaryDirectory()
            let executor = try BlockingExecutor(name: "objects", threads: 4)
            let store = try DirectoryObjectStore(path: directory.path + "/store", executor: executor, durability: .normal)
            try await onLoop { try await body(store) }
            return executor.stop()
        }
        guard let server = try server.get() else { return }
        var settings = S3Client.Settings()
        settings.partBytes = Self.partBytes
        let client = try server.client(settings: settings)
        let store = try S3ObjectStore(
            client, bucket: S3TestServer.bucket, prefix: Identifier.make(prefix: "t_") + "/")
        try await onLoop {
            try await server.withBucket()
            try await body(store)
        }
    }

    /// Runs expectations that a gap of the server's lets fail.
    func expecting(_ gap: Gap, _ body: () async throws -> Void) async throws {
        guard let reason = gaps[gap] else { return try await body() }
        // A race may go well.
        let isRace = gap == .concurrentConditions || gap == .concurrentWriters
        await withKnownIssue(Comment(rawValue: reason), isIntermittent: isRace) { try await body() }
    }
}

/// Bytes that tell their places apart.
func pattern(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
    let unit = (0..<65_521).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11) &+ seed }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += unit.prefix(count - bytes.count) }
    return bytes
}

/// A body whose pieces are made as they are asked for.
func stream(_ bytes: [UInt8], piece: Int, knowsLength: Bool) -> ObjectBody {
    let position = Locked(0)
    return .stream(length: knowsLength ? bytes.count : nil) {
        position.withLock { position -> [UInt8]? in
            guard position < bytes.count else { return nil }
            defer { position += piece }
            return Array(bytes[position..<min(position + piece, bytes.count)])
        }
    }
}

/// The error's code, for expectations.
func code(_ body: () async throws -> Void) async -> ErrorCode? {
    do {
        try await body()
        return nil
    } catch is CancellationError { return .cancelled } catch let error as MillraceError { return error.code } catch {
        return ErrorCode(rawValue: "\(error)")
    }
}
