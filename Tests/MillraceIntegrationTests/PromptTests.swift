import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer
import Testing

extension IntegrationTests {
    /// Prompts and personas that are stored over the API, and what runs say of those that they have used.
    @Suite struct PromptTests {
        private static let name = "chat/system.xml.j2"
        private static let path = "/api/v1/prompts/chat:system.xml.j2"

        /// Says what it was told to be.
        private struct Parrot: LanguageModel {
            let id = "parrot"
            func generate(_ request: ModelRequest, receive: (ModelEvent) async throws -> Void) async throws -> ModelResponse {
                try await receive(.text(request.system ?? "(nothing)"))
                return ModelResponse(stopReason: .endTurn, usage: .unknown, modelID: id)
            }
        }

        private struct Said: Equatable {
            var text: String
            /// `NAME ORIGIN VERSION`
            var prompts: [String]
        }

        private static func text(_ prompts: JSONValue?) -> [String] {
            (prompts?.array ?? []).map {
                "\($0["name"]?.string ?? "?") \($0["origin"]?.string ?? "?") \($0["version"]?.integer.map { "\($0)" } ?? "-")"
            }
        }

        /// What a run says, which has used the same prompts as its record and its message tell.
        private static func ask(_ server: ServerUnderTest, persona: String? = nil) throws -> Said {
            var members: [String: JSONValue] = ["model_id": "parrot"]
            if let persona { members["persona"] = .string(persona) }
            let events = try server.run("chat", "Hi", members)
            let run = try server.ask("GET", "/api/v1/runs/\(events.last?.responseID ?? "")").json
            let message = try server.storedAnswer(events)
            #expect(run["prompts"] == message["metadata"]?["prompts"])
            #expect(run["status"] == "completed")
            return Said(text: events.filter { $0.event == "content" }.map(\.content).joined(), prompts: text(run["prompts"]))
        }

        private static func put(_ server: ServerUnderTest, _ body: JSONValue, headers: [String] = []) throws -> HTTPAnswer {
            try server.ask("PUT", path, headers: headers, body: body.text)
        }

        @Test func storedPrompt_isUsedByTheNextRun_andRunsSayWhichTheyUsed() async throws {
            try await withServer(models: [Parrot()]) { server in
                #expect(try Self.ask(server) == Said(text: "(nothing)", prompts: ["\(Self.name) embedded -"]))
                #expect(try Self.ask(server, persona: "A & B").text == "A & B")
                let embedded = try server.ask("GET", Self.path).json
                #expect(
                    embedded["origin"] == "embedded" && embedded["text"] == "{{ persona|safe }}\n" && embedded["active_version"] == .null)
                #expect(embedded["variables"] == ["persona"])

                let first = try Self.put(server, ["text": "<p>{{ persona }}</p>", "description": "in a tag"])
                #expect(first.status == 201 && first["etag"]?.hasSuffix("-1\"") == true && first["location"] == Self.path)
                #expect(first.json["origin"] == "stored" && first.json["active_version"] == 1)
                #expect(try Self.ask(server, persona: "A & B") == Said(text: "<p>A &amp; B</p>", prompts: ["\(Self.name) stored 1"]))
                let second = try Self.put(server, ["text": "two{% include 'part.xml.j2' ignore missing %}", "version": 1])
                #expect(second.status == 200 && second.json["newest_version"] == 2 && second.json["description"] == .null)
                #expect(second.json["warnings"] == ["it names 'part.xml.j2', and 'chat' has no such prompt"])
                let part = try server.ask(
                    "POST", "/api/v1/prompts", body: #"{"name": "chat/part.xml.j2", "text": " and a part"}"#)
                #expect(part.status == 201)
                #expect(
                    try Self.ask(server)
                        == Said(text: "two and a part", prompts: ["\(Self.name) stored 2", "chat/part.xml.j2 stored 1"]))

                let back = try server.ask("POST", Self.path + "/activate", body: #"{"version": 1}"#)
                #expect(back.status == 200 && back.json["active_version"] == 1 && back.json["newest_version"] == 2)
                #expect(try Self.ask(server, persona: "x").text == "<p>x</p>")
                #expect(try server.ask("POST", Self.path + "/activate", body: #"{"version": null}"#).json["origin"] == "embedded")
                #expect(try Self.ask(server, persona: "x").prompts == ["\(Self.name) embedded -"])
                #expect(try server.ask("POST", Self.path + "/activate", body: #"{"version": 3}"#).status == 404)
                #expect(try server.ask("POST", Self.path + "/activate", body: "{}").status == 422)

                let versions = try server.ask("GET", Self.path + "/versions").json["items"]?.array ?? []
                #expect(versions.map { $0["version"] } == [2, 1] && versions.allSatisfy { $0["is_active"] == false && $0["text"] == nil })
                #expect(try server.ask("GET", Self.path + "/versions/1").json["text"] == "<p>{{ persona }}</p>")
                #expect(try server.ask("GET", Self.path + "/versions/3").status == 404)
                #expect(try server.ask("GET", "/api/v1/prompts/chat%2Fsystem.xml.j2/versions/2").status == 200)

                #expect(try server.ask("DELETE", Self.path).status == 204)
                #expect(try server.ask("DELETE", Self.path).status == 404)
                #expect(try server.ask("GET", Self.path).json["origin"] == "embedded")
            }
        }

        @Test func list_hasAllPrompts_storedOrNot() async throws {
            try await withServer(models: [Parrot()]) { server in
                for name in ["chat/a.j2", "chat/z/b.j2"] {
                    _ = try server.ask("POST", "/api/v1/prompts", body: #"{"name": "\#(name)", "text": "x", "activate": false}"#)
                }
                let all = try server.ask("GET", "/api/v1/prompts?handler=chat").json
                #expect(all["items"]?.array?.map { $0["name"] } == ["chat/a.j2", .string(Self.name), "chat/z/b.j2"])
                #expect(all["items"]?.array?.map { $0["origin"] } == [.null, "embedded", .null])
                let page = try server.ask("GET", "/api/v1/prompts?handler=chat&limit=2").json
                #expect(page["items"]?.array?.count == 2)
                let cursor = page["next_cursor"]?.string?.split(separator: "/").joined(separator: "%2F") ?? ""
                let rest = try server.ask("GET", "/api/v1/prompts?handler=chat&limit=2&cursor=\(cursor)").json
                #expect(rest["items"]?.array?.map { $0["name"] } == ["chat/z/b.j2"] && rest["next_cursor"] == .null)
                #expect(try server.ask("GET", "/api/v1/prompts?handler=other").json["items"] == [])
            }
        }

        @Test func whoDoesNotKnowTheNewest_isRefused() async throws {
            try await withServer(models: [Parrot()]) { server in
                #expect(try Self.put(server, ["text": "x", "version": 1]).status == 409)
                #expect(try Self.put(server, ["text": "x"], headers: ["If-Match: \"1\""]).status == 409)
                #expect(try Self.put(server, ["text": "x"], headers: ["If-Match: *"]).status == 409)
                let one = try Self.put(server, ["text": "one", "version": 0])
                #expect(one.status == 201)
                let first = try #require(one["etag"])
                #expect(try Self.put(server, ["text": "two", "version": 0]).status == 409)
                let post = try server.ask("POST", "/api/v1/prompts", body: #"{"name": "chat/system.xml.j2", "text": "two"}"#)
                #expect(post.status == 409)
                let two = try Self.put(server, ["text": "two"], headers: ["If-Match: \(first)"])
                let second = try #require(two["etag"])
                #expect(two.status == 200 && second != first)
                #expect(try server.ask("GET", Self.path)["etag"] == second)
                for tag in [first, "\"1\"", "\"-\"", "\"other\""] {
                    #expect(try Self.put(server, ["text": "three"], headers: ["If-Match: \(tag)"]).status == 409)
                }
                #expect(try Self.put(server, ["text": "three"], headers: ["If-Match: 2"]).status == 422)
                let activate = try server.ask("POST", Self.path + "/activate", headers: ["If-Match: \(first)"], body: #"{"version": 1}"#)
                #expect(activate.status == 409)
                #expect(try server.ask("DELETE", Self.path, headers: ["If-Match: \(first)"]).status == 409)
                #expect(try Self.ask(server).text == "two")
                #expect(try Self.put(server, ["text": "three"], headers: ["If-Match: *"])["etag"] != second)
            }
        }

        @Test func whatWasDeletedAndStoredAnew_isNotOverwritten() async throws {
            try await withServer(models: [Parrot()]) { server in
                let old = try #require(try Self.put(server, ["text": "old"])["etag"])
                #expect(try server.ask("DELETE", Self.path, headers: ["If-Match: \(old)"]).status == 204)
                let new = try Self.put(server, ["text": "new"])
                #expect(new.status == 201 && new.json["newest_version"] == 1)
                #expect(try Self.put(server, ["text": "x"], headers: ["If-Match: \(old)"]).status == 409)
                #expect(try server.ask("DELETE", Self.path, headers: ["If-Match: \(old)"]).status == 409)
                #expect(try Self.ask(server).text == "new")
                #expect(try Self.put(server, ["text": "newer"], headers: ["If-Match: \(try #require(new["etag"]))"]).status == 200)
            }
        }

        @Test func whatIsWrong_isNamed_withLineAndColumn_andChangesNothing() async throws {
            try await withServer(models: [Parrot()]) { server in
                let wrong = try Self.put(server, ["text": "one\n  {{ persona|nofilter }}"])
                #expect(wrong.status == 422 && wrong.json["line"] == 2 && wrong.json["column"]?.integer != nil)
                #expect(wrong.json["errors"]?.array?.first?["field"] == "text")
                #expect(wrong.json["detail"]?.string?.hasPrefix("text: line 2, column ") == true, "\(wrong.json)")
                #expect(try server.ask("GET", Self.path).json["origin"] == "embedded")
                for (name, detail) in [
                    ("system.xml.j2", "handler's name"), ("nobody/a.j2", "no task handler 'nobody'; known: chat"), ("chat/a.txt", ".j2"),
                    ("chat/../a.j2", "no part begins with a dot"), ("chat//a.j2", "no part begins"),
                ] {
                    let answer = try server.ask("POST", "/api/v1/prompts", body: #"{"name": "\#(name)", "text": "x"}"#)
                    #expect(answer.status == 422 && answer.json["detail"]?.string?.contains(detail) == true, "\(answer.json)")
                }
                let long = String(repeating: "x", count: (256 << 10) + 1)
                #expect(try Self.put(server, ["text": .string(long)]).status == 422)
                let empty = try server.ask("POST", "/api/v1/prompts", body: "{}")
                #expect(empty.json["errors"]?.array?.map { $0["field"] } == ["name", "text"])
                #expect(try Self.put(server, ["text": "x", "activate": 1, "version": "a"]).json["errors"]?.array?.count == 2)
                // It can be read, and every run fails with it: the answer warns, and the run's error names the place and the version.
                let risky = try Self.put(server, ["text": "{{ person }}"])
                #expect(risky.json["warnings"]?.array?.first?.string?.contains("did you mean 'persona'?") == true, "\(risky.json)")
                let error = try server.run("chat", "Hi", ["model_id": "parrot"]).first { $0.event == "error" }?.json
                #expect(
                    error?["message"]
                        == "prompt chat/system.xml.j2:1:4: the variable 'person' is undefined: did you mean 'persona'? (version 1 in the store)"
                )
            }
        }

        @Test func persona_isNamedByIdOrName_andItsVersionIsRecorded() async throws {
            try await withServer(models: [Parrot()]) { server in
                let made = try server.ask(
                    "POST", "/api/v1/personas",
                    body: #"{"persona_id": "editor", "name": "Careful editor", "description": "d", "text": "You edit."}"#)
                #expect(made.status == 201 && made["location"] == "/api/v1/personas/editor")
                #expect(try server.ask("POST", "/api/v1/personas", body: #"{"name": "n", "text": "t"}"#).json["persona_id"] != nil)
                let used = ["editor stored 1", "\(Self.name) embedded -"]
                #expect(try Self.ask(server, persona: "editor") == Said(text: "You edit.", prompts: used))
                #expect(try Self.ask(server, persona: "Careful editor") == Said(text: "You edit.", prompts: used))
                #expect(try Self.ask(server, persona: "careful editor") == Said(text: "careful editor", prompts: [used[1]]))

                let body = #"{"name": "Careful editor", "text": "You edit with care.", "version": 1}"#
                #expect(try server.ask("PUT", "/api/v1/personas/editor", body: body).json["active_version"] == 2)
                #expect(try server.ask("PUT", "/api/v1/personas/editor", body: body).status == 409)
                #expect(try Self.ask(server, persona: "editor").prompts.first == "editor stored 2")
                let versions = try server.ask("GET", "/api/v1/personas/editor/versions").json["items"]?.array ?? []
                #expect(versions.map { $0["version"] } == [2, 1] && versions.map { $0["is_active"] } == [true, false])
                #expect(try server.ask("GET", "/api/v1/personas/editor/versions/1").json["text"] == "You edit.")
                _ = try server.ask("POST", "/api/v1/personas/editor/activate", body: #"{"version": 1}"#)
                #expect(try Self.ask(server, persona: "editor").text == "You edit.")
                #expect(try server.ask("POST", "/api/v1/personas/editor/activate", body: #"{"version": null}"#).status == 422)

                // Two of one name: the id says which.
                _ = try server.ask("PUT", "/api/v1/personas/second", body: #"{"name": "Careful editor", "text": "x"}"#)
                let ambiguous = try server.ask(
                    "POST", "/api/v1/generate/invoke", body: #"{"parts": [{"content": "Hi"}], "persona": "Careful editor"}"#)
                #expect(ambiguous.status == 422 && ambiguous.json["detail"]?.string?.hasSuffix("editor, second") == true)
                let list = try server.ask("GET", "/api/v1/personas").json["items"]?.array ?? []
                #expect(list.map { $0["name"] } == ["Careful editor", "n", "Careful editor"] && list.allSatisfy { $0["text"] == nil })
                #expect(try server.ask("PUT", "/api/v1/personas/a%20b", body: #"{"text": ""}"#).json["errors"]?.array?.count == 3)

                _ = try server.ask("PUT", "/api/v1/personas/draft", body: #"{"name": "D", "text": "x", "activate": false}"#)
                let inactive = try server.ask(
                    "POST", "/api/v1/generate/invoke", body: #"{"parts": [{"content": "Hi"}], "persona": "draft"}"#)
                #expect(inactive.status == 422)
                #expect(try server.ask("DELETE", "/api/v1/personas/editor").status == 204)
                #expect(try server.ask("GET", "/api/v1/personas/editor").status == 404)
                #expect(try Self.ask(server, persona: "editor").text == "editor")
            }
        }

        @Test func whatIsStored_isThereAfterARestart_alsoWhatRunsHaveUsed() async throws {
            let directory = try TemporaryDirectory()
            let configure: @Sendable (inout ServerSettings) -> Void = { $0.dataDirectory = directory.path }
            let run = try await withServer(models: [Parrot()], configure: configure) { server in
                _ = try Self.put(server, ["text": "stored {{ persona }}"])
                _ = try server.ask("PUT", "/api/v1/personas/editor", body: #"{"name": "E", "text": "You edit."}"#)
                let events = try server.run("chat", "Hi", ["model_id": "parrot", "persona": "editor"])
                return try server.ask("GET", "/api/v1/runs/\(events.last?.responseID ?? "")").json
            }
            #expect(Self.text(run["prompts"]) == ["editor stored 1", "\(Self.name) stored 1"])
            try await withServer(models: [Parrot()], configure: configure) { server in
                let again = try server.ask("GET", "/api/v1/runs/\(run["response_id"]?.string ?? "")").json
                #expect(again == run)
                #expect(try Self.ask(server, persona: "editor").text == "stored You edit.")
            }
        }

        /// A run that stands still has told already what it uses.
        @Test func runningRun_namesItsPrompts() async throws {
            let waiting = ScriptedTask("waiting") { request, context in
                let prompts = PromptFolder("waiting", ["a.j2": "text"])
                _ = try prompts.render("a.j2", in: context)
                _ = try prompts.render("a.j2", in: context)
                try await context.emit(.content("begun"))
                try await context.sleep(for: .seconds(600))
            }
            try await withServer([waiting]) { server in
                let reader = try server.start("waiting")
                while let event = try reader.next(), event.event != "content" {}
                // The commit follows what readers see.
                var prompts: [String] = []
                for _ in 0..<2000 where prompts.isEmpty {
                    let runs = try server.ask("GET", "/api/v1/runs?status=running").json["items"]?.array ?? []
                    prompts = Self.text(runs.first?["prompts"])
                }
                #expect(prompts == ["waiting/a.j2 embedded -"])
                reader.close()
            }
        }
    }
}
