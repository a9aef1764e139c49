import Millrace
import MillraceAWS
import MillraceCore
import MillraceCounterparts
import Testing

/// What every object store does, embedded and remote alike.
@Suite(.ownThreads) struct ObjectStoreConformanceTests {
    private typealias Subject = ObjectStoreSubject

    private static let oddKeys: [(key: String, gap: ObjectStoreSubject.Gap?)] = [
        ("a", nil), ("a b", nil), ("a+b", nil), ("a%20b%", nil), ("a%2Fb", nil), ("fjörd/🐟", nil), ("fjo\u{308}rd", nil),
        ("a'b\"c<d>&e", nil),
        ("a?b#c=d;e:f@g,h!i$j(k)*l|m[n]{o}^p`q", nil), ("~a/_b-c.d", nil), ("UPPER/Case", nil), ("upper/case", nil),
        ("=?UTF-8?B?w6Q=?=", nil),
        (String(repeating: "k", count: 200) + "/" + String(repeating: "l", count: 200), nil), ("back\\slash", .backslash),
        ("a/../b", .dotSegments), ("./c", .dotSegments), ("..", .dotSegments), ("d//e", .emptySegments), ("/f", .emptySegments),
        ("g/", .trailingSlash), (String(repeating: "m", count: 1024), .longestKey), (String(repeating: "é/", count: 341), .longestKey),
    ]

    /// Without rclone, which keeps keys as names of files and stops answering after some of these.
    @Test(arguments: [ObjectStoreSubject.directory, .seaweed, .moto])
    func oddKeys_areKeptAndListedExactly(_ subject: ObjectStoreSubject) async throws {
        for (key, gap) in Self.oddKeys {
            // The prefix of the tests' own takes some bytes.
            let key = key.utf8.count > 900 ? String(key.prefix(key.utf8.count == 1024 ? 900 : 300)) : key
            try await subject.withStore { store in
                func check() async throws {
                    let content = Array(key.utf8)
                    try await store.put(key, .bytes(content))
                    #expect(try await store.bytes(key, limit: 5000) == content)
                    let listed = try await store.list(prefix: "", after: nil, limit: 10).objects.map { Array($0.key.utf8) }
                    #expect(listed == [Array(key.utf8)])
                    try await store.delete(key)
                    #expect(try await store.head(key) == nil)
                }
                if let gap { try await subject.expecting(gap, check) } else { try await check() }
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func keysThatCannotBe_areRefused(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            for key in ["", "a\nb", "a\u{0}b", "\u{7F}", "\u{85}", String(repeating: "x", count: 1025)] {
                #expect(await code { try await store.put(key, .bytes([1])) } == .invalidInput)
                #expect(await code { _ = try await store.head(key) } == .invalidInput)
                #expect(await code { _ = try await store.bytes(key, limit: 1) } == .invalidInput)
                #expect(await code { try await store.delete(key) } == .invalidInput)
                #expect(await code { _ = try await store.copy("a", to: key) } == .invalidInput)
            }
            #expect(await code { _ = try await store.list(prefix: "", after: nil, limit: 0) } == .invalidInput)
            #expect(await code { _ = try await store.list(prefix: "", after: nil, limit: 1001) } == .invalidInput)
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func objectsOfEveryLength_comeBackWhole(_ subject: ObjectStoreSubject) async throws {
        let part = ObjectStoreSubject.partBytes
        try await subject.withStore { store in
            let small = [0, 1, 100_000]
            // rclone is slow.
            for count in small + (subject == .rclone ? [part + 1] : [part - 1, part, part + 1, 2 * part, 2 * part + 1]) {
                let bytes = pattern(count)
                let bodies: [ObjectBody] =
                    switch count {
                    case _ where small.contains(count):
                        [.bytes(bytes), stream(bytes, piece: 30_007, knowsLength: true), stream(bytes, piece: 7777, knowsLength: false)]
                    case part - 1, part + 1: [stream(bytes, piece: 300_007, knowsLength: true)]
                    case part: [stream(bytes, piece: part, knowsLength: false)]
                    case 2 * part: [.bytes(bytes)]
                    default: [stream(bytes, piece: 1_000_003, knowsLength: false)]
                    }
                for body in bodies {
                    let stored = try await store.put("length", body)
                    #expect(stored.length == count)
                    let head = try await store.head("length")
                    #expect(head?.length == count)
                    if count <= part || subject.gaps[.multipartTag] == nil { #expect(head?.entityTag == stored.entityTag) }
                    let isSame = try await store.bytes("length", limit: count) == bytes
                    #expect(isSame, "\(count)")
                }
            }
            #expect(await code { _ = try await store.bytes("length", limit: 5) } == .limitExceeded)
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func ranges_giveTheirBytes(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            func read(_ key: String, _ range: ObjectRange) async throws -> String {
                try await store.get(key, range: range) { content in
                    var bytes: [UInt8] = []
                    while let piece = try await content.next() { bytes += piece }
                    #expect(content.metadata.length == (key == "digits" ? 10 : 0))
                    return String(decoding: bytes, as: UTF8.self)
                }
            }
            try await store.put("digits", .bytes(Array("0123456789".utf8)))
            try await store.put("nothing", .bytes([]))
            let cases: [(ObjectRange, String)] = [
                (.bytes(offset: 2, count: 3), "234"), (.bytes(offset: 0, count: 1), "0"), (.bytes(offset: 9, count: 1), "9"),
                (.bytes(offset: 8, count: 99), "89"), (.bytes(offset: 3, count: .max), "3456789"), (.bytes(offset: 4, count: 0), ""),
                (.bytes(offset: 10, count: 5), ""), (.from(0), "0123456789"), (.from(7), "789"), (.from(10), ""), (.last(3), "789"),
                (.last(99), "0123456789"), (.last(0), ""),
            ]
            try await subject.expecting(.ranges) {
                for (range, expected) in cases {
                    do { #expect(try await read("digits", range) == expected, "\(range)") } catch { Issue.record(error, "\(range)") }
                }
            }
            for range in [ObjectRange.from(0), .bytes(offset: 0, count: 9), .last(4)] { #expect(try await read("nothing", range) == "") }
            for range in [
                ObjectRange.from(11), .bytes(offset: 11, count: 1), .bytes(offset: -1, count: 1), .last(-1), .bytes(offset: 1, count: -1),
            ] {
                #expect(await code { _ = try await read("digits", range) } == .invalidInput, "\(range)")
            }
            #expect(await code { _ = try await read("none", .from(0)) } == .notFound)
            #expect(await code { _ = try await read("none", .last(0)) } == .notFound)
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func conditions_decideWhoWrites(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            try await subject.expecting(.conditions) {
                let absent = ObjectPutOptions(condition: .absent)
                let first = try await store.put("c", .bytes([1]), options: absent)
                #expect(await code { _ = try await store.put("c", .bytes([2]), options: absent) } == .conflict)
                let other = ObjectPutOptions(condition: .matches(entityTag: "0123456789abcdef0123456789abcdef"))
                #expect(await code { _ = try await store.put("c", .bytes([3]), options: other) } == .conflict)
                #expect(await code { _ = try await store.put("none", .bytes([3]), options: other) } == .conflict)
                #expect(try await store.bytes("c", limit: 9) == [1])
                let second = try await store.put(
                    "c", .bytes([4]), options: ObjectPutOptions(condition: .matches(entityTag: first.entityTag)))
                #expect(second.entityTag != first.entityTag)
                // Also of an upload in parts, where the condition comes last.
                let large = pattern(ObjectStoreSubject.partBytes + 1)
                #expect(await code { _ = try await store.put("c", .bytes(large), options: absent) } == .conflict)
                #expect(try await store.bytes("c", limit: 9) == [4])
            }
            try await subject.expecting(.concurrentConditions) {
                let winners = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<12 {
                        group.addTask {
                            await code {
                                _ = try await store.put("race", .bytes([UInt8(number)]), options: ObjectPutOptions(condition: .absent))
                            }
                                == nil
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(winners == 1)
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func metadata_comesBackAsItWas(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            let options = ObjectPutOptions(
                mimeType: "text/x-test; charset=utf-8",
                metadata: [
                    "plain": "value", "spaces": "a  b ", "utf-8": "Zürich, 東京, 🐟 " + String(repeating: "ß", count: 60), "lines": "a\nb\tc",
                    "word": "=?UTF-8?B?w6Q=?=", "empty_not": "0",
                ])
            do {
                for body in [ObjectBody.bytes([1]), .bytes(pattern(ObjectStoreSubject.partBytes + 1))] {
                    _ = try await store.put("m", body, options: options)
                    let head = try await store.head("m")
                    #expect(head?.mimeType == options.mimeType)
                    #expect(head?.metadata == options.metadata)
                    try await store.get("m", range: .last(1)) { content in
                        #expect(content.metadata.metadata == options.metadata)
                    }
                }
            }
            for metadata in [["Upper": "x"], ["a b": "x"], ["": "x"], ["a": String(repeating: "x", count: 2048)]] {
                let wrong = ObjectPutOptions(metadata: metadata)
                #expect(await code { _ = try await store.put("m2", .bytes([1]), options: wrong) } == .invalidInput)
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func copies_haveTypeAndMetadata(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            let options = ObjectPutOptions(mimeType: "text/x-test", metadata: ["name": "wert ä"])
            _ = try await store.put("source ä+%/x", .bytes([1, 2, 3]), options: options)
            let copied = try await store.copy("source ä+%/x", to: "target/🐟")
            #expect(copied.key == "target/🐟" && copied.length == 3)
            #expect(try await store.bytes("target/🐟", limit: 9) == [1, 2, 3])
            try await subject.expecting(.copiedMetadata) {
                let head = try await store.head("target/🐟")
                #expect(head?.metadata == options.metadata && head?.mimeType == "text/x-test")
            }
            #expect(await code { _ = try await store.copy("none", to: "x") } == .notFound)
            if subject != .rclone {
                let same = try await store.copy("target/🐟", to: "target/🐟")
                #expect(same.length == 3)
                #expect(try await store.head("target/🐟")?.metadata == options.metadata)
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func lists_areInTheOrderOfBytes_andComeInPages(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            try await subject.expecting(.listOrder) {
                let long = String(repeating: "l", count: 80)
                let keys = [
                    "a", "a b", "a-b", "a.b", "a/b", "a/b/c", "a/b.c", "a/b!", "a0", "aä", "a\u{FFFD}", "a🐟", "b", "B", "Z/1", "é",
                    "e\u{301}", long,
                    long + "/x", long + "-y", long + "lz", long + long + "/q",
                ]
                for key in keys { try await store.put("p/" + key, .bytes([1])) }
                try await store.put("q", .bytes([1]))
                let sorted = keys.map { Array(("p/" + $0).utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
                for limit in [1, 2, 5, 1000] {
                    var got: [[UInt8]] = []
                    var after: String?
                    var pages = 0
                    while true {
                        let page = try await store.list(prefix: "p/", after: after, limit: limit)
                        #expect(page.objects.count <= limit)
                        got += page.objects.map { Array($0.key.utf8) }
                        pages += 1
                        guard page.hasMore, pages < 50 else { break }
                        after = page.objects.last?.key
                    }
                    #expect(got == sorted, "\(limit)")
                    #expect(pages == (sorted.count + limit - 1) / limit)
                }
                func listed(_ prefix: String, _ after: String?) async throws -> [String] {
                    try await store.list(prefix: prefix, after: after, limit: 1000).objects.map(\.key)
                }
                #expect(try await listed("p/a/", nil) == ["p/a/b", "p/a/b!", "p/a/b.c", "p/a/b/c"])
                #expect(try await listed("p/a/b", "p/a/b.") == ["p/a/b.c", "p/a/b/c"])
                #expect(try await listed("p/" + long + "-", nil) == ["p/" + long + "-y"])
                #expect(try await listed("q", "p/zzz") == ["q"])
                #expect(try await listed("p/", "q") == [])
                #expect(try await listed("none", nil) == [])
                #expect(try await listed("", "p/é/after") == ["q"])
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func aKeyBesideOneBeneathIt_areTwoObjects(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            try await subject.expecting(.fileBesideFolder) {
                try await store.put("x/y", .bytes([2]))
                try await store.put("x", .bytes([1]))
                #expect(try await store.bytes("x", limit: 9) == [1])
                #expect(try await store.bytes("x/y", limit: 9) == [2])
                try await store.delete("x")
                #expect(try await store.head("x") == nil)
                #expect(try await store.bytes("x/y", limit: 9) == [2])
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func whatIsNotThere_isSaidSo(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            #expect(try await store.head("none") == nil)
            #expect(await code { _ = try await store.bytes("none", limit: 1) } == .notFound)
            try await store.delete("none")
            #expect(try await store.list(prefix: "", after: nil, limit: 5) == ObjectPage(objects: [], hasMore: false))
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func aBodyThatThrows_orIsNotAsLongAsItSays_storesNothing(_ subject: ObjectStoreSubject) async throws {
        struct Broken: Error {}
        try await subject.withStore { store in
            try await store.put("kept", .bytes([7]))
            for pieces in [0, 1, 7] {
                let count = Locked(0)
                let body = ObjectBody.stream(length: nil) {
                    if count.withLock({ count in
                        count += 1
                        return count > pieces
                    }) {
                        throw Broken()
                    }
                    return [UInt8](repeating: 1, count: 1 << 20)
                }
                await #expect(throws: Broken.self) { try await store.put("kept", body) }
            }
            let bytes = pattern(ObjectStoreSubject.partBytes + 100)
            let left = Locked<[[UInt8]]>([])
            for length in [bytes.count - 1, bytes.count + 1, 5] {
                left.withLock { $0 = [bytes] }
                let body = ObjectBody.stream(length: length) { left.withLock { $0.popLast() } }
                #expect(await code { try await store.put("kept", body) } == .invalidInput)
            }
            #expect(try await store.bytes("kept", limit: 5) == [7])
            #expect(try await store.list(prefix: "", after: nil, limit: 5).objects.count == 1)
        }
    }

    /// Two parts are on their way, or written, when the caller goes.
    @Test(arguments: ObjectStoreSubject.allCases)
    func anUploadThatIsCancelled_storesNothing(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            let (begun, beginning) = AsyncStream<Void>.makeStream()
            let pieces = Locked(0)
            let task = Task {
                try await store.put(
                    "cancelled",
                    .stream(length: nil) {
                        let count = pieces.withLock { count in
                            count += 1
                            return count
                        }
                        if count == 12 {
                            beginning.yield()
                            try await Task.sleep(for: .seconds(60))
                        }
                        return [UInt8](repeating: 1, count: 1 << 20)
                    })
            }
            for await _ in begun { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await store.head("cancelled") == nil)
            if let server = try subject.server?.get(), subject != .rclone {
                let uploads = try await server.client().listMultipartUploads(S3TestServer.bucket)
                #expect(!uploads.contains { $0.key.hasSuffix("/cancelled") })
            }
        }
    }

    @Test(arguments: ObjectStoreSubject.allCases)
    func writersAtOnce_leaveOneOfThemWhole(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt8(1)...8 {
                    group.addTask { try await store.put("shared", .bytes([UInt8](repeating: number, count: 100_000 + Int(number)))) }
                }
                try await group.waitForAll()
            }
            try await subject.expecting(.concurrentWriters) {
                let bytes = try await store.bytes("shared", limit: 200_000)
                let first = bytes.first ?? 0
                #expect(bytes.count == 100_000 + Int(first) && bytes.allSatisfy { $0 == first })
            }
        }
    }

    /// The reader holds the object that it began with, or is told that it was replaced.
    @Test(arguments: [ObjectStoreSubject.directory])
    func aReader_whoseObjectIsReplaced_getsTheOldOneWhole(_ subject: ObjectStoreSubject) async throws {
        try await subject.withStore { store in
            let old = pattern(3 << 20)
            try await store.put("replaced", .bytes(old))
            try await store.get("replaced", range: nil) { content in
                var bytes = try await content.next() ?? []
                try await store.put("replaced", .bytes([1]))
                while let piece = try await content.next() { bytes += piece }
                let isSame = bytes == old
                #expect(isSame)
            }
            #expect(try await store.bytes("replaced", limit: 5) == [1])
        }
    }
}
