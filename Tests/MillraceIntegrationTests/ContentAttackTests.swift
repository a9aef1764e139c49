import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceCounterparts
import MillraceServer
import Testing

extension IntegrationTests {
    /// Files in and out under clients and stores that misbehave.
    @Suite struct ContentAttackTests {
        private static let upload = "/api/v1/content"
        private static let plain = "Content-Type: text/plain"
        private static func path(_ answer: HTTPAnswer) -> String {
            "/api/v1/generate/content/\(answer.json["content_id"]?.string ?? "none")"
        }

        /// The settings of a server that keeps objects in a directory.
        private static func keeping(_ folder: TemporaryFolder) -> @Sendable (inout ServerSettings) -> Void {
            { [path = folder.path] in $0.objects.path = path + "/objects" }
        }

        /// The files below a directory, with their sizes.
        private static func files(_ path: String) throws -> [String] {
            try Command(["find", path, "-type", "f", "-size", "+0"]).output.split(separator: "\n").map(String.init)
        }

        // MARK: Uploads

        @Test func twoClientsAtOnce_getTheirOwnBytes() async throws {
            let folder = try TemporaryFolder()
            try await withServer(configure: Self.keeping(folder)) { server in
                let paths = try await concurrently(8) { number in
                    let text = String(repeating: "\(number)", count: 500_000 + number)
                    let client = try server.connect()
                    try client.send(
                        "POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\n\(Self.plain)\r\nContent-Length: \(text.count)\r\n\r\n")
                    for start in stride(from: 0, to: text.count, by: 50_000) {
                        try client.send(String(text.dropFirst(start).prefix(50_000)))
                    }
                    return Self.path(try client.readAnswer())
                }
                for (number, path) in paths.enumerated() {
                    let text = try server.ask("GET", path).text
                    #expect(text.count == 500_000 + number && text.allSatisfy { $0 == Character("\(number)") })
                }
            }
        }

        @Test func lengthThatIsTooMuch_isRefusedBeforeTheBody() async throws {
            try await withServer { server in
                for length in ["1099511627776", "9223372036854775807", "18446744073709551616"] {
                    let client = try server.connect()
                    let head = "POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\n\(Self.plain)\r\nContent-Length: \(length)\r\n\r\n"
                    try client.send(head)
                    let status = try client.readAnswer().status
                    #expect(status == 413 || status == 400, "\(length): \(status)")
                }
                #expect(try server.ask("GET", Self.upload).json["items"] == [])
            }
        }

        @Test func expectContinue_isAnsweredForWhatIsTaken_andNotForWhatIsNot() async throws {
            try await withServer(configure: { $0.content.uploadBytes = 10 }) { server in
                let client = try server.connect()
                let head = "POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\n\(Self.plain)\r\nExpect: 100-continue\r\nContent-Length: "
                try client.send(head + "4\r\n\r\n")
                #expect(try client.readAnswer().status == 100)
                try client.send("text")
                #expect(try client.readAnswer().status == 201)
                try client.send(head + "11\r\n\r\n")
                #expect(try client.readAnswer().status == 413, "the body is not asked for")
            }
        }

        /// RFC 6266 and RFC 8187: a quoted name with escapes, and one in UTF-8.
        @Test(arguments: [#"a"b.txt"#, #"a\b.txt"#, "señor; filename=x.txt", "../../etc/passwd", "%0d%0a", "日本 🌊.txt"])
        func titles_areGivenBackWithoutBreakingTheHeader(title: String) async throws {
            try await withServer { server in
                let encoded = title.utf8.map { byte in
                    let hex = String(byte, radix: 16)
                    return "%" + (hex.count == 1 ? "0" : "") + hex
                }.joined()
                let made = try server.ask("POST", Self.upload + "?title=\(encoded)", headers: [Self.plain], body: "x")
                #expect(made.status == 201 && made.json["title"]?.string == title, "\(made.text)")
                let file = try server.ask("GET", Self.path(made))
                #expect(file.status == 200 && file.text == "x")
                let disposition = file["content-disposition"] ?? ""
                #expect(disposition.hasPrefix("attachment"))
                #expect(file.headers.count { $0.name == "content-disposition" } == 1)
                #expect(file["set-cookie"] == nil && file["x-evil"] == nil)
            }
        }

        @Test(arguments: [0x00, 0x0A, 0x0D, 0x1B, 0x7F] as [UInt8]) func titlesWithControls_areRefused(byte: UInt8) async throws {
            try await withServer { server in
                let title = "a\(Unicode.Scalar(byte))X-Evil: 1"
                let encoded = "a%" + (byte < 16 ? "0" : "") + String(byte, radix: 16) + "X-Evil:%201"
                let raw = try server.ask("POST", Self.upload + "?title=\(encoded)", headers: [Self.plain], body: "x")
                #expect(raw.status == 422 || raw.status == 400, "\(raw.text)")
                let form =
                    "--b\r\nContent-Disposition: form-data; name=title\r\n\r\n\(title)\r\n--b\r\nContent-Disposition: form-data; "
                    + "name=file; filename=x\r\n\r\nx\r\n--b--\r\n"
                let answer = try server.ask("POST", Self.upload, headers: ["Content-Type: multipart/form-data; boundary=b"], body: form)
                #expect(answer.status == 422, "\(answer.text)")
                #expect(try server.ask("GET", Self.upload).json["items"] == [])
            }
        }

        @Test func pointers_reachNothingElse() async throws {
            let folder = try TemporaryFolder()
            try await withServer(configure: Self.keeping(folder)) { server in
                try folder.write("outside.txt", "outside")
                let paths = [
                    "..%2Foutside.txt", "%2e%2e%2foutside.txt", "content%3A%2F%2F..%2F..%2Foutside.txt", "f_%00",
                    "f_1%2F..%2F..%2Foutside.txt",
                    "%FF%FE", "", "content%3A%2F%2F", String(repeating: "f", count: 5000),
                ]
                for path in paths {
                    for method in ["GET", "HEAD", "DELETE"] {
                        let answer = try server.ask(method, "/api/v1/generate/content/" + path)
                        #expect([404, 400, 405, 414].contains(answer.status), "\(method) \(path.prefix(50)): \(answer.status)")
                        #expect(!answer.text.contains("outside\n") && answer.text != "outside")
                    }
                }
            }
        }

        // MARK: Stores that fail

        @Test func storeFailsMidway_nothingIsListed() async throws {
            let folder = try TemporaryFolder()
            try await withServer(configure: Self.keeping(folder)) { server in
                let client = try server.connect()
                try client.send("POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\n\(Self.plain)\r\nContent-Length: 2000000\r\n\r\n")
                try client.send(String(repeating: "x", count: 1_000_000))
                // The first half is on the disk, or on its way there.
                TestFiles.remove(folder.path + "/objects")
                try client.send(String(repeating: "x", count: 1_000_000))
                let answer = try client.readAnswer()
                #expect(answer.status >= 500 && !answer.text.contains(folder.path), "\(answer.text)")
                #expect(try server.ask("GET", Self.upload).json["items"] == [])
            }
        }

        @Test func recordCannotBeMade_objectIsRemoved() async throws {
            let folder = try TemporaryFolder()
            let store = InterceptedStore(InMemoryStore(), contentCreated: { throw MillraceError(.storageFull, "the disk is full") })
            try await withServer(store: store, configure: Self.keeping(folder)) { server in
                let answer = try server.ask("POST", Self.upload, headers: [Self.plain], body: "text")
                #expect(answer.status == 507 || answer.status == 503, "\(answer.text)")
                #expect(try Self.files(folder.path + "/objects").isEmpty)
            }
        }

        @Test(arguments: [4, 300_000]) func objectIsGone_recordIsListed_andReadingIsACleanError(length: Int) async throws {
            let folder = try TemporaryFolder()
            try await withServer(configure: Self.keeping(folder)) { server in
                let text = String(repeating: "word ", count: length / 4)
                let made = try server.ask("POST", Self.upload, headers: [Self.plain], body: text)
                for file in try Self.files(folder.path + "/objects") { TestFiles.remove(file) }
                #expect(try server.ask("GET", Self.upload).json["items"]?.array?.count == 1)
                let gone = try server.ask("GET", Self.path(made))
                #expect(gone.status == 404 && gone["content-type"] == "application/problem+json", "\(gone.text)")
                let events = try server.run(
                    "chat", "What does it say?", ["context": [["type": "document", "pointer": made.json["pointer"] ?? .null]]])
                #expect(events.last?.json["status"] == "completed", "\(events)")
                #expect(events.contains { $0.data.contains("is left out: it was deleted") }, "\(events)")
                #expect(try server.ask("DELETE", Self.path(made)).status == 204)
            }
        }

        @Test func objectIsShorterThanItWas_answerIsCutAndNotFilledUp() async throws {
            let folder = try TemporaryFolder()
            try await withServer(configure: Self.keeping(folder)) { server in
                let made = try server.ask("POST", Self.upload, headers: [Self.plain], body: String(repeating: "x", count: 1_000_000))
                for file in try Self.files(folder.path + "/objects") { truncate(file, 600_000) }
                let damaged = try server.ask("GET", Self.path(made))
                #expect(damaged.status == 503 && damaged.text.contains("damaged"), "\(damaged.text)")
                // And while it is read.
                let long = try server.ask("POST", Self.upload, headers: [Self.plain], body: String(repeating: "x", count: 20_000_000))
                let client = try TCPClient(port: server.port, receiveBuffer: 4096)
                try client.send("GET \(Self.path(long)) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try client.read(until: "\r\n\r\n")
                for file in try Self.files(folder.path + "/objects") { truncate(file, 500_000) }
                var count = 0
                while try client.receiveMore() { count += client.takeAll().count }
                #expect(count < 20_000_000, "\(count)")
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        // MARK: Readers that leave

        /// A server of objects that takes connections and says nothing.
        private final class SilentServer: Sendable {
            let port: Int
            private let listener: Int32

            init() throws { (listener, port) = try Loopback.listen(backlog: 8) }

            deinit { close(listener) }

            /// The next connection, after its request has come; -1: none in time.
            func accept() -> Int32 {
                var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 10_000) == 1 else { return -1 }
                let connection = Glibc.accept(listener, nil, nil)
                entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 10_000) == 1 else { return -1 }
                var bytes = [UInt8](repeating: 0, count: 65536)
                return recv(connection, &bytes, bytes.count, 0) > 0 ? connection : -1
            }

            /// Whether the other side closes a connection in time.
            static func isClosed(_ connection: Int32) -> Bool {
                var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 5_000) == 1 else { return false }
                var byte: UInt8 = 0
                return recv(connection, &byte, 1, 0) <= 0
            }
        }

        @Test func readerLeavesBeforeTheFirstByte_requestToS3Ends() async throws {
            let silent = try SilentServer()
            let store = InMemoryStore()
            let record = ContentRecord(
                id: Identifier.make(prefix: "f"), title: "x", mimeType: "text/plain", length: 10, entityTag: "t", createdAt: .now())
            try await store.createContent(record, principal: .local)
            let yaml = """
                aws: {region: us-east-1}
                objects: {type: s3, bucket: files, endpoint: 'http://127.0.0.1:\(silent.port)'}
                """
            let settings = try ServerSettings(yaml: yaml, environment: BedrockServer.variables)
            try await withServer(base: settings, store: store) { server in
                let client = try server.connect()
                try client.send("GET /api/v1/generate/content/\(record.id) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let connection = silent.accept()
                try #require(connection >= 0)
                defer { close(connection) }
                client.close()
                #expect(SilentServer.isClosed(connection), "the request to S3 goes on without a reader")
                #expect(try server.ask("GET", "/healthz").status == 200)
            }
        }

        // MARK: Memory

        /// A number of a process's status in bytes (proc(5)), such as `VmRSS` or `VmHWM`.
        private static func memory(_ name: String, of process: ServerProcess) -> Int {
            let lines = TestFiles.read("/proc/\(process.processID)/status").split(separator: "\n")
            let words = lines.first { $0.hasPrefix(name + ":") }?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
            return (words.count > 1 ? Int(words[1]) ?? 0 : 0) << 10
        }

        private static func descriptors(of process: ServerProcess) throws -> Int {
            try Command(["ls", "/proc/\(process.processID)/fd"]).output.split(separator: "\n").count
        }

        /// 100 MB in and out, readers that stall and readers that leave: none of it is kept in memory.
        @Test(.timeLimit(.minutes(2))) func hundredMegabytes_passThroughInConstantMemory() async throws {
            let folder = try TemporaryFolder()
            let server = try ServerProcess(
                program: "millrace", launcher: AWSCounterparts.launcher([:], in: folder.path),
                ["serve", "--port", "0", "--data-dir", folder.path + "/data"])
            let (piece, count) = ([UInt8](repeating: 0x78, count: 1 << 20), 100)
            // What is allocated at a first use is not counted.
            let small = try TCPClient(port: server.port).ask(
                "POST", Self.upload, headers: [Self.plain], body: String(repeating: "x", count: 1 << 20))
            #expect(try TCPClient(port: server.port).ask("GET", Self.path(small)).body.count == 1 << 20)
            let before = Self.memory("VmRSS", of: server)
            #expect(before > 0)

            let client = try TCPClient(port: server.port)
            let length = count * piece.count
            try client.send("POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\n\(Self.plain)\r\nContent-Length: \(length)\r\n\r\n")
            for _ in 0..<count { try client.send(piece) }
            let made = try client.readAnswer()
            #expect(made.json["length"]?.integer == length, "\(made.text)")
            #expect(Self.memory("VmHWM", of: server) - before < 16 << 20)

            try client.send("GET \(Self.path(made)) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try client.read(until: "\r\n\r\n")
            var received = 0
            while received < length, try client.receiveMore() { received += client.takeAll().count }
            #expect(received == length)
            #expect(Self.memory("VmHWM", of: server) - before < 16 << 20)

            let open = try Self.descriptors(of: server)
            let stalled = try (0..<20).map { _ in
                let reader = try TCPClient(port: server.port, receiveBuffer: 4096)
                try reader.send("GET \(Self.path(made)) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try reader.receiveMore())
                return reader
            }
            #expect(try TCPClient(port: server.port).ask("GET", Self.path(small)).body.count == 1 << 20, "others are served meanwhile")
            // Each may have its buffers: 256 KiB read ahead, 1 MiB or less on the connection.
            let grown = Self.memory("VmHWM", of: server) - before
            #expect(grown < 20 * 2 << 20, "\(grown >> 20) MB")
            for reader in stalled { reader.close() }
            var left = Int.max
            for _ in 0..<200 where left > open {
                left = try Self.descriptors(of: server)
                if left > open { TestFiles.pause(milliseconds: 25) }
            }
            #expect(left <= open, "files and connections of readers that left are closed")
            #expect(server.end(SIGTERM) == 0)
        }
    }
}
