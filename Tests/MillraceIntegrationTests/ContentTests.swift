import Glibc
import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

/// Removes the files of a message as retention would: behind their lookup, before the run is stored.
private final class RemovingStage: EventStage {
    private let store: InMemoryStore
    init(_ store: InMemoryStore) { self.store = store }
    func input(_ message: Message) async throws -> InputVerdict {
        var cutoffs = RetentionCutoffs(now: .now())
        cutoffs.contentsCreated = .now()
        _ = try await store.expireContents(cutoffs, limit: 10, principal: Principal(named: "system"))
        return .pass
    }
    func process(_ event: Event) async throws -> StageVerdict { .pass }
}

extension IntegrationTests {
    /// Files in and out over the API: whose they are, their limits, and runs that read them.
    @Suite struct ContentTests {
        private static let upload = "/api/v1/content"
        private static func path(_ answer: HTTPAnswer) -> String {
            "/api/v1/generate/content/\(answer.json["content_id"]?.string ?? "none")"
        }

        /// Answers with what the message's attachments hold.
        private static let echo = ScriptedTask("echo") { request, context in
            for part in request.message.parts {
                guard case .document(let file) = part else { continue }
                try await context.emit(.content("\(file.title ?? "-") \(file.mimeType ?? "-") \(file.pointer ?? "-")"))
            }
        }

        @Test func file_uploadedRaw_comesBackByteForByte() async throws {
            try await withServer { server in
                let text = "caf\u{e9}\r\n\u{0}\u{1F600}" + String(repeating: "0123456789", count: 100_000)
                let answer = try server.ask(
                    "POST", Self.upload + "?title=a%20b.txt", headers: ["Content-Type: text/plain; charset=utf-8"], body: text)
                #expect(answer.status == 201, "\(answer.text)")
                let id = try #require(answer.json["content_id"]?.string)
                #expect(answer.json["pointer"]?.string == "content://\(id)" && answer["location"] == Self.path(answer))
                #expect(answer.json["length"]?.integer == text.utf8.count && answer.json["title"] == "a b.txt")
                #expect(answer.json["mime_type"] == "text/plain; charset=utf-8")

                for path in [Self.path(answer), "/api/v1/generate/content/content%3A%2F%2F\(id)"] {
                    let file = try server.ask("GET", path)
                    #expect(file.status == 200 && file.body == Array(text.utf8))
                    #expect(file["content-length"] == "\(text.utf8.count)" && file["content-type"] == "text/plain; charset=utf-8")
                    #expect(file["x-content-type-options"] == "nosniff" && file["content-security-policy"] == "sandbox")
                    #expect(file["content-disposition"] == "attachment; filename=\"a b.txt\"")
                }
                let head = try server.ask("HEAD", Self.path(answer))
                #expect(head.status == 200 && head["content-length"] == "\(text.utf8.count)" && head.body.isEmpty)
                #expect(try server.ask("GET", Self.upload).json["items"]?[0]?["content_id"]?.string == id)
            }
        }

        /// Between the lookup of what a request names and the commit of its run.
        @Test func fileGoesWhileItsRunIsBeingStored_requestIsRefused_asIfItHadNotBeenThere() async throws {
            let store = InMemoryStore()
            try await withServer([Self.echo], store: store, stages: [{ _ in [RemovingStage(store)] }]) { server in
                let made = try server.ask("POST", Self.upload, headers: ["Content-Type: text/plain"], body: "short-lived")
                let pointer = made.json["pointer"]?.string ?? ""
                let body =
                    "{\"task\":\"echo\",\"parts\":[{\"content\":\"read\"},{\"part_kind\":\"document\",\"pointer\":\"\(pointer)\"}]}"
                let answer = try server.ask("POST", "/api/v1/generate/invoke", body: body)
                #expect(answer.status == 422, "\(answer.text)")
                #expect(answer.json["errors"]?[0]?["field"] == "parts[1].pointer")
                #expect(try server.ask("GET", "/api/v1/runs").json["items"] == [])
                #expect(try server.ask("GET", "/api/v1/chats").json["items"] == [])
                #expect(try server.ask("GET", "/readyz").json["runs"] == 0)
            }
        }

        @Test func ranges_andConditions_areAnswered() async throws {
            try await withServer { server in
                let made = try server.ask("POST", Self.upload, headers: ["Content-Type: text/plain"], body: "0123456789")
                let path = Self.path(made)
                let client = try server.connect()
                let part = try client.ask("GET", path, headers: ["Range: bytes=2-4"])
                #expect(part.status == 206 && part.text == "234" && part["content-range"] == "bytes 2-4/10")
                #expect(try client.ask("GET", path, headers: ["Range: bytes=-3"]).text == "789")
                #expect(try client.ask("GET", path, headers: ["Range: bytes=8-"]).text == "89")
                let beyond = try client.ask("GET", path, headers: ["Range: bytes=10-"])
                #expect(beyond.status == 416 && beyond["content-range"] == "bytes */10")
                let tag = try #require(part["etag"])
                let same = try client.ask("GET", path, headers: ["If-None-Match: \"x\", W/\(tag)"])
                #expect(same.status == 304)
                #expect(try client.ask("GET", path, headers: ["If-Range: \"other\"", "Range: bytes=2-4"]).text == "0123456789")
                #expect(try client.ask("GET", path, headers: ["If-Range: \(tag)", "Range: bytes=2-4"]).text == "234")
                // All on one connection: every answer's length was right.
                #expect(try client.ask("GET", "/healthz").status == 200)
            }
        }

        @Test func form_ofCurl_isTakenApart() async throws {
            guard Command.exists(["curl", "--version"]) else { return Counterpart.leftOut("curl") }
            try await withServer { server in
                let directory = try TemporaryDirectory()
                try directory.write("se\u{f1}or.txt", String(repeating: "--boundary\r\n", count: 50_000))
                let command = try Command([
                    "curl", "-sS", "-F", "title=", "-F", "file=@\(directory.path)/se\u{f1}or.txt",
                    "http://127.0.0.1:\(server.port)\(Self.upload)",
                ])
                let json = try JSONValue(parsing: command.output)
                #expect(json["title"] == "se\u{f1}or.txt" && json["mime_type"] == "text/plain", "\(command.output)")
                #expect(json["length"]?.integer == 600_000)
                let id = json["content_id"]?.string ?? ""
                let file = try Command([
                    "curl", "-sS", "-OJ", "--output-dir", directory.path, "http://127.0.0.1:\(server.port)/api/v1/generate/content/\(id)",
                ])
                #expect(file.status == 0, "\(file.output)")
            }
        }

        @Test func file_empty_isAFile() async throws {
            try await withServer { server in
                let made = try server.ask("POST", Self.upload, headers: ["Content-Type: text/plain"], body: "")
                #expect(made.status == 201 && made.json["length"] == 0)
                let file = try server.ask("GET", Self.path(made))
                #expect(file.status == 200 && file["content-length"] == "0")
            }
        }

        @Test func uploadBytes_atTheirEdge() async throws {
            try await withServer(configure: { $0.content.uploadBytes = 1000 }) { server in
                let form = (type: "Content-Type: multipart/form-data; boundary=b", plain: "Content-Type: text/plain")
                #expect(try server.ask("POST", Self.upload, headers: [form.plain], body: String(repeating: "x", count: 1000)).status == 201)
                let announced = try server.ask("POST", Self.upload, headers: [form.plain], body: String(repeating: "x", count: 1001))
                #expect(announced.status == 413 && announced.text.contains("content.uploadBytes"), "\(announced.text)")
                #expect(try server.ask("POST", Self.upload, headers: [form.type], body: Self.form(1000)).status == 201)
                #expect(try server.ask("POST", Self.upload, headers: [form.type], body: Self.form(1001)).status == 413)
                let client = try server.connect()
                try client.send("POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\(form.plain)\r\n\r\n")
                try client.send("3E9\r\n\(String(repeating: "x", count: 1001))\r\n0\r\n\r\n")
                #expect(try client.readAnswer().status == 413)
                #expect(try server.ask("GET", Self.upload).json["items"]?.array?.count == 2, "what is refused leaves nothing behind")
            }
        }

        private static func form(_ bytes: Int) -> String {
            "--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\n\(String(repeating: "x", count: bytes))\r\n--b--\r\n"
        }

        @Test func upload_thatIsWrong_saysWhat() async throws {
            try await withServer { server in
                let type = "Content-Type: multipart/form-data; boundary=b"
                let field = "--b\r\nContent-Disposition: form-data; name=title\r\n\r\nx\r\n"
                let file = "--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\nx\r\n"
                let cases: [(String, String, Int, String)] = [
                    (type, field + "--b--", 422, "the form holds no file"), (type, field, 400, "ends before its closing boundary"),
                    (type, file, 400, "ends before its closing boundary"), (type, file + file + "--b--", 422, "one file a request"),
                    ("Content-Type: multipart/form-data", file + "--b--", 400, "has no boundary"),
                    ("Content-Type: nonsense", "x", 422, "must be a media type"),
                    ("Content-Type: application/x-www-form-urlencoded", "x", 415, "say what the file is"),
                ]
                for (type, body, status, words) in cases {
                    let answer = try server.ask("POST", Self.upload, headers: [type], body: body)
                    #expect(answer.status == status && answer.text.contains(words), "\(body): \(answer.text)")
                }
                #expect(try server.ask("GET", Self.upload).json["items"] == [])
                let foreign = try server.ask("POST", Self.upload, headers: [type, "Origin: http://evil.example"], body: file + "--b--")
                #expect(foreign.status == 403, "a page of another origin must not store files")
            }
        }

        @Test func client_thatLeavesMidway_storesNothing() async throws {
            try await withServer { server in
                let client = try server.connect()
                try client.send(
                    "POST \(Self.upload) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nhalf")
                client.close()
                // The next request is answered behind the end of that one, on whichever loop.
                for _ in 0..<20 { #expect(try server.ask("GET", Self.upload).json["items"] == []) }
            }
        }

        @Test func pointers_areResolved_orNamed() async throws {
            try await withServer([Self.echo]) { server in
                let made = try server.ask("POST", Self.upload + "?title=x.txt", headers: ["Content-Type: text/plain"], body: "text")
                let pointer = made.json["pointer"] ?? .null
                let events = try server.run("echo", "", ["parts": [["part_kind": "document", "pointer": pointer]]])
                #expect(events.contains { $0.json["content"]?.string == "x.txt text/plain \(pointer.string ?? "")" }, "\(events)")

                let wrong = try server.ask(
                    "POST", "/api/v1/generate/stream",
                    body: JSONValue.object([
                        "message": ["parts": [["content": "x"], ["part_kind": "document", "pointer": "content://f_none"]]],
                        "context": [["type": "document", "pointer": "content://../../etc/passwd"]],
                    ]).text)
                #expect(wrong.status == 422)
                // The second is no pointer at all, which is found first.
                #expect(wrong.json["errors"]?[0]?["field"] == "context[0].pointer", "\(wrong.text)")
                let missing = try server.ask(
                    "POST", "/api/v1/generate/stream",
                    body: #"{"message":{"parts":[{"content":"x"},{"part_kind":"document","pointer":"content://f_none"}]}}"#)
                #expect(missing.status == 422 && missing.json["errors"]?[0]?["field"] == "message.parts[1].pointer", "\(missing.text)")
            }
        }

        @Test func deleted_isGone() async throws {
            try await withServer { server in
                let made = try server.ask("POST", Self.upload, headers: ["Content-Type: text/plain"], body: "text")
                #expect(try server.ask("DELETE", Self.path(made)).status == 204)
                #expect(try server.ask("GET", Self.path(made)).status == 404)
                #expect(try server.ask("DELETE", Self.path(made)).status == 404)
                #expect(try server.ask("GET", "/api/v1/generate/content/f_none").status == 404)
            }
        }

        @Test func chat_readsAnUploadedFile() async throws {
            try await withServer { server in
                let text = "The lease ends in June. Before moving out, the tenant paints the walls white. Pets are allowed."
                let made = try server.ask("POST", Self.upload + "?title=lease.txt", headers: ["Content-Type: text/plain"], body: text)
                let events = try server.run(
                    "chat", "What must the tenant do before moving out?",
                    ["context": [["type": "document", "pointer": made.json["pointer"] ?? .null]]])
                let said = events.compactMap { $0.event == "content" ? $0.json["content"]?.string : nil }.joined()
                #expect(said.contains("paints the walls"), "\(said)")
                #expect(events.contains { $0.event == "document" && $0.json["pointer"] == made.json["pointer"] })
            }
        }
    }
}
