import FoundationEssentials
import Millrace
import MillraceAWS
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import Testing

/// 100 MB up and down, in a process of its own whose peak of memory is looked at.
@Suite(.ownThreads) struct ObjectMemoryTests {
    /// Above what the process had before: three parts of 8 MiB, and what the allocator keeps.
    private static let mostGrowthKilobytes = 48 << 10

    @Test func aHundredMegabytes_throughS3_needTheMemoryOfAFewParts() async throws {
        guard let server = try S3TestServer.seaweed.get() else { return }
        try await onLoop { try await server.withBucket() }
        await #expect(processExitsWith: .success) { [url = server.url as String] in
            let client = try S3TestServer.client(url: url)
            try await Self.check(try S3ObjectStore(client, bucket: S3TestServer.bucket))
        }
    }

    @Test func aHundredMegabytes_throughADirectory_needTheMemoryOfAFewPieces() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            let executor = try BlockingExecutor(name: "objects", threads: 2)
            try await Self.check(try DirectoryObjectStore(path: path + "/store", executor: executor, durability: .normal))
        }
    }

    private static func check(_ store: any ObjectStore) async throws {
        let piece = pattern(1 << 20)
        let count = 100
        try await onLoop {
            // What is made once is made.
            _ = try await store.put("memory", .bytes([1]))
            _ = try await store.bytes("memory", limit: 1)
            let before = try resetPeak()
            let left = Locked(count)
            let stored = try await store.put(
                "memory",
                .stream(length: nil) {
                    left.withLock { left -> [UInt8]? in
                        left -= 1
                        return left < 0 ? nil : piece
                    }
                })
            try require(stored.length == count << 20, "the length is \(stored.length)")
            let afterPut = try peak()
            let read = try await store.get("memory", range: nil) { content in
                var total = 0
                var expected = SHA256Digest()
                var got = SHA256Digest()
                for _ in 0..<count { piece.withUnsafeBytes { expected.update($0) } }
                while let bytes = try await content.next() {
                    total += bytes.count
                    bytes.withUnsafeBytes { got.update($0) }
                }
                try require(got.value() == expected.value(), "the content is another")
                return total
            }
            try require(read == count << 20, "\(read) bytes came back")
            let growth = max(afterPut, try peak()) - before
            print("100 MB up and down: the peak of memory grew by \(growth) KiB, of which the upload \(afterPut - before)")
            try require(growth < mostGrowthKilobytes, "the peak of memory grew by \(growth) KiB")
        }
    }

    private static func require(_ holds: Bool, _ message: String) throws {
        guard holds else {
            print(message)
            throw MillraceError(.internal, message)
        }
    }

    /// - Returns: the memory that the process has now, in KiB.
    private static func resetPeak() throws -> Int {
        try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
        return try peak()
    }

    private static func peak() throws -> Int {
        let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return Int(line?.split(separator: " ").dropFirst().first ?? "") ?? 0
    }
}
