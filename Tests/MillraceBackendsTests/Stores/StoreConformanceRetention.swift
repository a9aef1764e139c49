import Millrace
import MillraceBackends
import MillraceCore
import Testing

extension RetentionStore {
    /// A whole pass; gives what it removed and in how many pieces.
    func pass(_ cutoffs: RetentionCutoffs) async throws -> (runs: Int, chats: Int, pieces: Int) {
        var sum = (runs: 0, chats: 0, pieces: 0)
        var position: RetentionPosition? = RetentionPosition()
        while let from = position {
            let progress = try await expire(cutoffs, from: from, principal: .system)
            sum = (sum.runs + progress.runs, sum.chats + progress.chats, sum.pieces + 1)
            position = progress.next
            try #require(sum.pieces < 10_000, "a pass without end")
        }
        return sum
    }
}

extension RetentionCutoffs {
    /// Cutoffs at a second of the fixtures' clock.
    static func at(_ seconds: Int64, _ configure: (inout Self) -> Void) -> Self {
        var cutoffs = RetentionCutoffs(now: Fixture.time(seconds))
        configure(&cutoffs)
        return cutoffs
    }
    static func runsEnded(_ seconds: Int64) -> Self { at(seconds) { $0.runsEnded = Fixture.time(seconds) } }
    static func chatsChanged(_ seconds: Int64) -> Self { at(seconds) { $0.chatsChanged = Fixture.time(seconds) } }
    static func contentsCreated(_ seconds: Int64) -> Self { at(seconds) { $0.contentsCreated = Fixture.time(seconds) } }
}

/// What every store that removes by policy does.
@Suite struct StoreConformanceRetention {
    private static func withStore(_ kind: StoreKind, _ body: (any Store & RetentionStore) async throws -> Void) async throws {
        try await kind.withStore { store in try await body(try #require(store as? any Store & RetentionStore)) }
    }

    /// A file that its owner deletes is remembered until somebody says that nothing of it is left.
    @Test(arguments: StoreKind.allCases)
    func withdrawnFile_isGoneForItsOwner_andGivenUntilItIsRemoved(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            let record = ContentRecord(
                id: "f_1", title: nil, mimeType: "text/plain", length: 3, entityTag: "e", createdAt: Fixture.time(1))
            try await store.createContent(record, principal: .ada)
            var naming = Fixture.run("r")
            naming.userMessage.parts = [.document(Attachment(pointer: "content://f_1", mimeType: "text/plain"))]
            try await store.finish(naming)
            #expect(try await store.withdrawContent("f_1", principal: .bob) == nil)
            #expect(try await store.withdrawContent("f_2", principal: .ada) == nil)
            let withdrawn = ExpiredContent(record: record, principal: .ada)
            #expect(try await store.withdrawContent("f_1", principal: .ada) == withdrawn, "also one that a message names")
            #expect(try await store.withdrawContent("f_1", principal: .ada) == nil)
            #expect(try await store.content("f_1", principal: .ada) == nil)
            #expect(try await store.contents(page: PageRequest(), principal: .ada).items.isEmpty)
            let nothing = RetentionCutoffs(now: Fixture.time(100))
            #expect(try await store.expireContents(nothing, limit: 10, principal: .system) == [withdrawn])
            #expect(try await store.expireContents(nothing, limit: 10, principal: .system) == [withdrawn])
            try await store.removeExpiredContent("f_1", principal: .system)
            #expect(try await store.expireContents(nothing, limit: 10, principal: .system).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func runsByAge_goWithTheirLogs_theMessagesStay(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            try await store.finish(Fixture.run("old", at: 1), at: 10)
            try await store.finish(Fixture.run("late", at: 2), at: 21)
            let running = try await store.start(Fixture.run("running", at: 3))
            try await store.finish(Fixture.run("young", at: 30), at: 31)
            #expect(try await store.pass(.runsEnded(20)).runs == 1)
            #expect(try await store.run("old", principal: .ada) == nil)
            #expect(try await store.events(of: "old", after: 0, byteLimit: 1 << 20, principal: .ada) == nil)
            let left = try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.map(\.responseID)
            #expect(left == ["young", "running", "late"])
            let messages = try await store.messages(of: "c", page: PageRequest(), principal: .ada)?.items.map(\.id) ?? []
            #expect(messages.contains("old") && messages.contains("u_old"))
            // It is told from one that never was, and from somebody else's.
            #expect(try await store.hasExpired(run: "old", principal: .ada))
            #expect(try await !store.hasExpired(run: "old", principal: .bob))
            #expect(try await !store.hasExpired(run: "late", principal: .ada))
            #expect(try await !store.hasExpired(run: "u_old", principal: .ada))
            #expect(try await !store.hasExpired(run: "nobody", principal: .ada))
            // Who ran on is not disturbed, and goes later.
            try await store.commit(Fixture.append(running, 2...2, completion: Fixture.completion("running", at: 40)))
            #expect(try await store.pass(.runsEnded(40)).runs == 3)
            #expect(try await store.pass(.runsEnded(40)).runs == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func waitingForAPerson_isNotTaken_asLongAsItIsTheChatsNewest(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            let waiting = try await store.start(Fixture.run("waits", at: 1))
            try await store.commit(Fixture.append(waiting, 2...2, completion: Fixture.completion("waits", .interrupted, at: 2)))
            let cutoffs = RetentionCutoffs.at(1000) {
                $0.runsEnded = Fixture.time(1000)
                $0.chatsChanged = Fixture.time(1000)
                $0.maximumRuns = 0
                $0.maximumBytes = 0
            }
            let nothing = try await store.pass(cutoffs)
            #expect(nothing.runs == 0 && nothing.chats == 0)
            #expect(try await store.run("waits", principal: .ada)?.status == .interrupted)
            // Somebody answered: what goes on from it is the newest now, and the chat goes with all that is in it.
            try await store.finish(Fixture.run("goes on", parent: "waits", at: 3), at: 4)
            let all = try await store.pass(cutoffs)
            #expect(all.runs == 2 && all.chats == 1)
            #expect(try await store.chat("c", principal: .ada) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func runsAboveTheNumber_goOldestFirst_ofAllOwners(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            for number in 1...6 {
                try await store.finish(Fixture.run("r\(number)", at: Int64(number)), number % 2 == 0 ? .ada : .bob, at: Int64(number) + 1)
            }
            let cutoffs = RetentionCutoffs.at(100) { $0.maximumRuns = 2 }
            #expect(try await store.pass(cutoffs).runs == 4)
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.map(\.responseID) == ["r6"])
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .bob).items.map(\.responseID) == ["r5"])
            #expect(try await store.pass(cutoffs).runs == 0)
        }
    }

    /// Ada has five runs, Bob two; the second of Ada's waits for a person, the third goes on.
    @Test(
        arguments: StoreKind.allCases,
        [
            (most: 5, ada: ["a5", "a4", "a3", "a2", "a1"], bob: ["b2", "b1"]), (4, ["a5", "a4", "a3", "a2"], ["b2", "b1"]),
            (2, ["a5", "a4", "a3", "a2"], ["b2", "b1"]), (1, ["a5", "a3", "a2"], ["b2"]), (0, ["a3", "a2"], []),
        ])
    func runsAboveAnOwnersNumber_goOldestFirst_fromThatOwnerOnly(kind: StoreKind, expected: (most: Int, ada: [String], bob: [String]))
        async throws
    {
        try await Self.withStore(kind) { store in
            for number in 1...5 {
                let handle = try await store.start(Fixture.run("a\(number)", chat: "a", at: Int64(number)))
                if number == 3 { continue }
                let completion = Fixture.completion("a\(number)", chat: "a", number == 2 ? .interrupted : .error, at: 10)
                try await store.commit(Fixture.append(handle, 2...2, completion: completion))
            }
            for number in 1...2 { try await store.finish(Fixture.run("b\(number)", chat: "b", at: Int64(number)), .bob) }
            func runs(_ owner: Principal) async throws -> [String] {
                try await store.runs(RunFilter(), page: PageRequest(), principal: owner).items.map(\.responseID)
            }
            let cutoffs = RetentionCutoffs.at(100) { $0.maximumRunsPerOwner = expected.most }
            let removed = try await store.pass(cutoffs).runs
            #expect(removed == 7 - expected.ada.count - expected.bob.count)
            #expect(try await runs(.ada) == expected.ada)
            #expect(try await runs(.bob) == expected.bob)
            #expect(try await store.pass(cutoffs).runs == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func allBoundsTogether_areKept(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            for number in 1...6 { try await store.finish(Fixture.run("a\(number)", at: Int64(number)), at: Int64(number) + 10) }
            for number in 1...2 { try await store.finish(Fixture.run("b\(number)", at: Int64(number)), .bob, at: Int64(number) + 10) }
            try await store.finish(Fixture.run("old", chat: "old", at: 3), .bob, at: 4)
            let cutoffs = RetentionCutoffs.at(100) {
                $0.runsEnded = Fixture.time(11)
                $0.maximumRuns = 8
                $0.maximumRunsPerOwner = 3
                $0.chatsChanged = Fixture.time(5)
            }
            // By number a1; by age b1 and old; of Ada's five then the two oldest; the chat old, without a run by now.
            let pass = try await store.pass(cutoffs)
            #expect(pass.runs == 5 && pass.chats == 1)
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.map(\.responseID) == ["a6", "a5", "a4"])
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .bob).items.map(\.responseID) == ["b2"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func chatsByAge_goWhole_unlessARunGoesOn(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            try await store.finish(Fixture.run("a1", chat: "old", at: 1), at: 2)
            try await store.finish(Fixture.run("a2", chat: "old", parent: "a1", at: 3), at: 4)
            try await store.finish(Fixture.run("b1", chat: "young", at: 1), .bob, at: 50)
            _ = try await store.start(Fixture.run("c1", chat: "busy", at: 1))
            try await store.createChat(
                Chat(id: "empty", title: nil, createdAt: Fixture.time(1), updatedAt: Fixture.time(1)), principal: .bob)
            let pass = try await store.pass(.chatsChanged(20))
            #expect(pass.runs == 2 && pass.chats == 2)
            #expect(try await store.chats(page: PageRequest(), principal: .ada).items.map(\.id) == ["busy"])
            #expect(try await store.chats(page: PageRequest(), principal: .bob).items.map(\.id) == ["young"])
            #expect(try await store.messages(of: "old", page: PageRequest(), principal: .ada) == nil)
            #expect(try await store.run("a1", principal: .ada) == nil)
            #expect(try await !store.hasExpired(run: "a1", principal: .ada), "the chat is gone: there is nothing to look at")
            // The name is free again.
            try await store.finish(Fixture.run("a3", chat: "old", at: 60), at: 61)
            #expect(try await store.messages(of: "old", page: PageRequest(), principal: .ada)?.items.map(\.id) == ["u_a3", "a3"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func idempotencyKey_endsWithItsRun_andByItsTime(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            let key = IdempotencyKey(key: "k", bodyHash: "1", expiresAt: Fixture.time(100))
            try await store.finish(Fixture.run("r1", key: key, at: 1), at: 2)
            #expect(try await store.run(of: key, at: Fixture.time(5), principal: .ada) == "r1")
            _ = try await store.pass(.runsEnded(2))
            #expect(try await store.run(of: key, at: Fixture.time(5), principal: .ada) == nil)
            _ = try await store.start(Fixture.run("r2", key: key, at: 6))
            _ = try await store.pass(RetentionCutoffs(now: Fixture.time(100)))
            #expect(try await store.run("r2", principal: .ada) != nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func filesThatNoChatNames_goByAge_andAreGivenUntilTheirBytesAreGone(kind: StoreKind) async throws {
        func file(_ id: String, at seconds: Int64) -> ContentRecord {
            ContentRecord(id: id, title: nil, mimeType: "text/plain", length: 3, entityTag: "t", createdAt: Fixture.time(seconds))
        }
        try await Self.withStore(kind) { store in
            for (id, owner) in [("f_free", Principal.ada), ("f_named", .ada), ("f_bob", .bob)] {
                try await store.createContent(file(id, at: 1), principal: owner)
            }
            try await store.createContent(file("f_young", at: 50), principal: .ada)
            var new = Fixture.run("r1", at: 2)
            new.userMessage.parts = [.document(Attachment(pointer: "content://f_named", mimeType: "text/plain"))]
            try await store.finish(new, at: 3)
            #expect(try await store.expireContents(RetentionCutoffs(now: Fixture.time(20)), limit: 10, principal: .system).isEmpty)

            // An answer's file is kept, too.
            try await store.createContent(file("f_answered", at: 1), principal: .ada)
            let handle = try await store.start(Fixture.run("r2", at: 4))
            var completion = Fixture.completion("r2", chat: "c", at: 5)
            // Somebody else's file is not kept by naming it.
            completion.message.parts = ["f_answered", "f_bob"].map {
                .document(Attachment(pointer: "content://\($0)", mimeType: "text/plain"))
            }
            try await store.commit(Fixture.append(handle, 2...2, completion: completion))

            let expired = try await store.expireContents(.contentsCreated(20), limit: 10, principal: .system)
            let expected = [("f_free", Principal.ada), ("f_bob", .bob)].map { ExpiredContent(record: file($0, at: 1), principal: $1) }
            #expect(expired == expected)
            #expect(try await store.content("f_free", principal: .ada) == nil)
            #expect(try await store.contents(page: PageRequest(), principal: .ada).items.map(\.id) == ["f_answered", "f_young", "f_named"])
            // Until somebody says that the bytes are gone.
            #expect(try await store.expireContents(.contentsCreated(20), limit: 10, principal: .system) == expected)
            #expect(try await store.expireContents(.contentsCreated(20), limit: 1, principal: .system).count == 1)
            try await store.removeExpiredContent("f_free", principal: .system)
            try await store.removeExpiredContent("f_named", principal: .system)
            #expect(try await store.content("f_named", principal: .ada) != nil, "only what has expired can be forgotten")
            #expect(try await store.expireContents(.contentsCreated(20), limit: 10, principal: .system) == [expected[1]])

            // The chat goes, and then its file.
            _ = try await store.deleteChat("c", principal: .ada)
            let later = try await store.expireContents(.contentsCreated(20), limit: 10, principal: .system)
            #expect(later.map(\.record.id).contains("f_named"))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func onlyTheServerItself_mayAsk(kind: StoreKind) async throws {
        try await Self.withStore(kind) { store in
            await expectError(.internal) { _ = try await store.expire(.runsEnded(1), from: RetentionPosition(), principal: .ada) }
            await expectError(.internal) { _ = try await store.expireContents(.contentsCreated(1), limit: 1, principal: .ada) }
            await expectError(.internal) { try await store.removeExpiredContent("f", principal: .ada) }
        }
    }
}
