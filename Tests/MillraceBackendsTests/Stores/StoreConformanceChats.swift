import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// What every store does with chats, messages and handler metadata.
@Suite struct StoreConformanceChats {
    @Test(arguments: StoreKind.allCases)
    func chat_createdChangedDeleted(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let chat = Chat(id: "c", title: nil, createdAt: Fixture.time(1), updatedAt: Fixture.time(1), metadata: ["a": [1, "é"]])
            try await store.createChat(chat, principal: .ada)
            #expect(try await store.chat("c", principal: .ada) == chat)
            await expectError(.conflict) { try await store.createChat(chat, principal: .ada) }
            try await store.createChat(chat, principal: .bob)

            let titled = try await store.updateChat("c", ChatChange(title: "Title"), principal: .ada)
            #expect(titled?.title == "Title" && titled?.metadata == chat.metadata)
            #expect(titled.map { $0.updatedAt > chat.updatedAt } == true)
            let changed = try await store.updateChat("c", ChatChange(metadata: [:]), principal: .ada)
            #expect(changed?.title == "Title" && changed?.metadata == [:])
            #expect(try await store.chat("c", principal: .ada) == changed)
            #expect(try await store.chat("c", principal: .bob) == chat)

            #expect(try await store.updateChat("none", ChatChange(title: "x"), principal: .ada) == nil)
            #expect(try await store.deleteChat("c", principal: .ada))
            #expect(try await store.deleteChat("c", principal: .ada) == false)
            #expect(try await store.chat("c", principal: .bob) == chat)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func deleteChat_waitsForItsRuns_andTakesAllWithIt(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let key = IdempotencyKey(key: "k", bodyHash: "1", expiresAt: Fixture.time(100))
            let handle = try await store.start(Fixture.run("r1", key: key))
            try await store.finish(Fixture.run("r2", chat: "kept"))
            await expectError(.conflict) { _ = try await store.deleteChat("c", principal: .ada) }
            try await store.commit(Fixture.append(handle, 2...2, completion: Fixture.completion("r1")))
            #expect(try await store.deleteChat("c", principal: .ada))
            #expect(try await store.run("r1", principal: .ada) == nil)
            #expect(try await store.events(of: "r1", after: 0, byteLimit: 1, principal: .ada) == nil)
            #expect(try await store.path(in: "c", to: nil, principal: .ada) == nil)
            await expectError(.notFound) { try await store.commit(Fixture.append(handle, 3...3)) }
            // The chat, its ids and its key can be used again.
            _ = try await store.start(Fixture.run("r1", key: key))
            #expect(try await store.run("r2", principal: .ada) != nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func path_followsBranches_newestFinishedLeafIsTheDefault(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.finish(Fixture.run("r1"), at: 2)
            try await store.finish(Fixture.run("r2", parent: "r1"), at: 3)
            // A branch from the first answer, and a run that has not ended.
            try await store.finish(Fixture.run("r3", parent: "r1"), at: 4)
            _ = try await store.start(Fixture.run("r4", parent: "r3"))
            func path(_ id: String?) async throws -> [String]? {
                try await store.path(in: "c", to: id, principal: .ada)?.messages.map(\.id)
            }
            #expect(try await path(nil) == ["u_r1", "r1", "u_r3", "r3"])
            #expect(try await path("r2") == ["u_r1", "r1", "u_r2", "r2"])
            #expect(try await path("u_r4") == ["u_r1", "r1", "u_r3", "r3", "u_r4"])
            #expect(try await path("u_r1") == ["u_r1"])
            await expectError(.notFound) { _ = try await path("r4") }
            try await store.finish(Fixture.run("x1", chat: "x"))
            await expectError(.notFound) { _ = try await path("x1") }
            #expect(try await store.path(in: "none", to: nil, principal: .ada) == nil)
            let empty = Chat(id: "e", title: nil, createdAt: Fixture.time(1), updatedAt: Fixture.time(1))
            try await store.createChat(empty, principal: .ada)
            #expect(try await store.path(in: "e", to: nil, principal: .ada) == MessagePath(chat: empty, messages: []))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func siblings_bothRunAtOnce_theLastToEndIsNewest(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let first = try await store.start(Fixture.run("r1"))
            let second = try await store.start(Fixture.run("r2"))
            try await store.commit(
                Fixture.append(second, 2...2, completion: Fixture.completion("r2", .error, at: 5)),
                Fixture.append(first, 2...2, completion: Fixture.completion("r1", at: 4)))
            let chat = try await store.chat("c", principal: .ada)
            #expect(chat?.newestMessageID == "r1")
            #expect(chat?.updatedAt == Fixture.time(5))
            #expect(try await store.path(in: "c", to: "r2", principal: .ada)?.messages.last?.status == .error)
        }
    }

    /// A page ends before the item that would make it too long, exactly there, and goes on with it.
    @Test(arguments: StoreKind.allCases)
    func pages_endAtTheirBytes_andGoOnBehindThem(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for number in 1...3 {
                var run = Fixture.run("r\(number)", parent: number == 1 ? nil : "r\(number - 1)")
                run.userMessage.parts = [.text(String(repeating: "é", count: 1000))]
                run.userMessage.metadata = ["note": "x"]
                try await store.finish(run)
            }
            let whole = try #require(try await store.messages(of: "c", page: PageRequest(), principal: .ada)).items
            let sizes = whole.map { message in
                JSONValue.array(message.parts.map(\.json)).text.utf8.count + (message.usage?.json.text.utf8.count ?? 0)
                    + (message.metadata.isEmpty ? 0 : JSONValue.object(message.metadata).text.utf8.count)
            }
            #expect(sizes[0] > 2000 && sizes.count == 6)
            let (two, three) = (sizes.prefix(2).reduce(0, +), sizes.prefix(3).reduce(0, +))
            for (limit, count) in [(1, 1), (sizes[0], 1), (two - 1, 1), (two, 2), (three - 1, 2), (three, 3), (sizes.reduce(0, +), 6)] {
                let page = try #require(
                    try await store.messages(of: "c", page: PageRequest(byteLimit: limit), principal: .ada))
                #expect(page.items == Array(whole.prefix(count)), "\(limit)")
                #expect((page.nextCursor == nil) == (count == 6))
            }
            // From page to page nothing is left out; the count bounds, too.
            for request in [PageRequest(byteLimit: 1), PageRequest(byteLimit: three), PageRequest(limit: 2, byteLimit: three)] {
                var (request, all) = (request, [Message]())
                repeat {
                    let page = try #require(try await store.messages(of: "c", page: request, principal: .ada))
                    all += page.items
                    request.cursor = page.nextCursor
                } while request.cursor != nil
                #expect(all == whole)
            }
            for number in 1...3 {
                let time = Fixture.time(Int64(10 + number))
                try await store.createChat(
                    Chat(
                        id: "long\(number)", title: nil, createdAt: time, updatedAt: time,
                        metadata: ["k": .string(String(repeating: "v", count: 500))]),
                    principal: .ada)
            }
            let metadata = JSONValue.object(["k": .string(String(repeating: "v", count: 500))]).text.utf8.count
            for (limit, ids) in [
                (metadata * 2 - 1, ["long3"]), (metadata * 2, ["long3", "long2"]), (metadata * 3, ["long3", "long2", "long1", "c"]),
            ] {
                let page = try await store.chats(page: PageRequest(byteLimit: limit), principal: .ada)
                #expect(page.items.map(\.id) == ids && (page.nextCursor == nil) == (ids.count == 4))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func messages_pageOldestFirst_withEveryPart(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var new = Fixture.run("r1")
            try await store.createContent(
                ContentRecord(id: "1", title: nil, mimeType: "text/plain", length: 1, entityTag: "e", createdAt: Fixture.time(1)),
                principal: .ada)
            new.userMessage.parts = MessagePartTests.parts
            new.userMessage.metadata = ["persona": "editor"]
            try await store.finish(new)
            for i in 2...4 { try await store.finish(Fixture.run("r\(i)", parent: "r\(i - 1)")) }
            var all: [Message] = []
            var request = PageRequest(limit: 3)
            repeat {
                let page = try #require(try await store.messages(of: "c", page: request, principal: .ada))
                all += page.items
                request.cursor = page.nextCursor
            } while request.cursor != nil
            #expect(all.map(\.id) == ["u_r1", "r1", "u_r2", "r2", "u_r3", "r3", "u_r4", "r4"])
            #expect(all[0] == new.userMessage)
            #expect(all[1] == Fixture.completion("r1").message)
            #expect(try await store.messages(of: "none", page: PageRequest(), principal: .ada) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func chats_pageLastChangedFirst(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for i in 1...5 {
                // Two have the same time: the one made later is first.
                let time = Fixture.time(Int64(i == 4 ? 3 : i))
                try await store.createChat(Chat(id: "c\(i)", title: nil, createdAt: time, updatedAt: time), principal: .ada)
            }
            try await store.finish(Fixture.run("r1", chat: "c1", createsChat: false), at: 9)
            for limit in [1, 2, 5, 6] {
                var ids: [String] = []
                var request = PageRequest(limit: limit)
                repeat {
                    let page = try await store.chats(page: request, principal: .ada)
                    ids += page.items.map(\.id)
                    request.cursor = page.nextCursor
                } while request.cursor != nil
                #expect(ids == ["c1", "c5", "c4", "c3", "c2"])
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func whatBelongsToSomebodyElse_doesNotExist(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.finish(Fixture.run("r1"))
            #expect(try await store.run("r1", principal: .bob) == nil)
            #expect(try await store.events(of: "r1", after: 0, byteLimit: 100, principal: .bob) == nil)
            #expect(try await store.chat("c", principal: .bob) == nil)
            #expect(try await store.messages(of: "c", page: PageRequest(), principal: .bob) == nil)
            #expect(try await store.path(in: "c", to: nil, principal: .bob) == nil)
            #expect(try await store.updateChat("c", ChatChange(title: "mine"), principal: .bob) == nil)
            #expect(try await store.deleteChat("c", principal: .bob) == false)
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .bob).items.isEmpty)
            #expect(try await store.chats(page: PageRequest(), principal: .bob).items.isEmpty)
            await expectError(.notFound) { _ = try await store.start(Fixture.run("r2", createsChat: false), .bob) }
            // The same names can be used by both.
            await expectError(.notFound) { _ = try await store.start(Fixture.run("r1", parent: "r1"), .bob) }
            try await store.finish(Fixture.run("r1", text: "Bob's"), .bob)
            #expect(try await store.path(in: "c", to: nil, principal: .bob)?.messages.first?.text == "Bob's")
            #expect(try await store.path(in: "c", to: nil, principal: .ada)?.messages.first?.text == "Hello")
            #expect(try await store.chat("c", principal: .ada)?.title == nil)
        }
    }

    /// Also where the clock was set back between.
    @Test(arguments: StoreKind.allCases)
    func taskHandler_changedAgain_isYounger(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let late = Timestamp(microseconds: Timestamp.now().microseconds + 3_600_000_000)
            try await store.registerTaskHandler(
                TaskHandlerMetadata(name: "chat", description: "", isDefault: false, createdAt: late, updatedAt: late), principal: .ada)
            var last = late
            for number in 0..<20 {
                let changed = try await store.updateTaskHandler("chat", configuration: ["n": .integer(number)], principal: .ada)
                let time = try #require(changed?.updatedAt)
                #expect(time > last)
                last = time
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func taskHandler_registeredAgain_keepsItsConfiguration(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var metadata = TaskHandlerMetadata(
                name: "chat", description: "first", isDefault: false, createdAt: Fixture.time(1), updatedAt: Fixture.time(1))
            try await store.registerTaskHandler(metadata, principal: .ada)
            #expect(try await store.taskHandler("chat", principal: .ada) == metadata)
            let configuration: [String: JSONValue] = ["guardrail": ["patterns": ["x"]]]
            let changed = try await store.updateTaskHandler("chat", configuration: configuration, principal: .ada)
            #expect(changed?.configuration == configuration)
            #expect(changed.map { $0.updatedAt > Fixture.time(1) } == true)

            metadata.description = "second"
            metadata.isDefault = true
            metadata.createdAt = Fixture.time(9)
            try await store.registerTaskHandler(metadata, principal: .ada)
            var expected = changed
            expected?.description = "second"
            expected?.isDefault = true
            #expect(try await store.taskHandler("chat", principal: .ada) == expected)
            #expect(try await store.taskHandler("chat", principal: .bob) == nil)
            #expect(try await store.updateTaskHandler("none", configuration: [:], principal: .ada) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func closedStore_refusesEverything(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            try await store.check(principal: .ada)
            await store.close()
            await store.close()
            await expectError(.serverShutdown) { try await store.check(principal: .ada) }
            await expectError(.serverShutdown) { try await store.commit(Fixture.append(handle, 2...2)) }
            await expectError(.serverShutdown) { _ = try await store.run("r1", principal: .ada) }
        }
    }
}
