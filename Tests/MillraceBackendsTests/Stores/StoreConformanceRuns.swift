import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// What every store does with runs and their logs.
@Suite struct StoreConformanceRuns {
    @Test(arguments: StoreKind.allCases)
    func createRun_thenRead_givesItBack(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let new = Fixture.run("r1")
            let handle = try await store.start(new)
            #expect(handle.responseID == "r1" && handle.principal == .ada)
            var expected = new.run
            expected.lastSequence = 1
            #expect(try await store.run("r1", principal: .ada) == expected)
            #expect(try await store.chat("c", principal: .ada)?.createdAt == Fixture.time(1))
            let path = try await store.path(in: "c", to: "u_r1", principal: .ada)
            #expect(path?.messages == [new.userMessage])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func createRun_storesTheLogsBeginning(kind: StoreKind) async throws {
        try await kind.withStore { store in
            var new = Fixture.run("r1")
            new.firstBatch = Fixture.batch("r1", 1...2, hidden: "{}\n")
            new.run.reservedSequence = 66
            let handle = try await store.start(new)
            // Nothing was appended, and nothing else makes it durable.
            let begun = try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
            #expect(
                begun
                    == StoredEvents(
                        frames: Fixture.frames("r1", 1...2), firstSequence: 1, lastSequence: 2, status: .running, hasMore: false))
            let unfinished = try #require(try await store.unfinishedRuns(principal: .system).first)
            #expect(unfinished.record.lastSequence == 2 && unfinished.record.reservedSequence == 66)
            // The log goes on behind it.
            try await store.commit(Fixture.append(handle, 3...4, reserved: 68))
            let more = try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
            #expect(more?.frames == Fixture.frames("r1", 1...4))
            #expect(try await store.run("r1", principal: .ada)?.reservedSequence == 68)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func createRun_thatIsRefused_storesNothing(kind: StoreKind) async throws {
        try await kind.withStore { store in
            await expectError(.notFound) { _ = try await store.start(Fixture.run("r1", createsChat: false)) }
            await expectError(.notFound) { _ = try await store.start(Fixture.run("r1", parent: "nobody")) }
            #expect(try await store.chat("c", principal: .ada) == nil)
            _ = try await store.start(Fixture.run("r1"))
            await expectError(.conflict) { _ = try await store.start(Fixture.run("r1")) }
            let events = try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
            #expect(events?.frames == Fixture.frames("r1", 1...1))
            await expectError(.notFound) { _ = try await store.start(Fixture.run("r2", chat: "other", parent: "u_r1")) }
            #expect(try await store.chat("other", principal: .ada) == nil)
            #expect(try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.count == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func idempotencyKey_sameBodyAttaches_otherBodyIsRefused_expiredIsReplaced(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let key = IdempotencyKey(key: "k", bodyHash: "1", expiresAt: Fixture.time(100))
            let other = IdempotencyKey(key: "k", bodyHash: "2", expiresAt: Fixture.time(300))
            _ = try await store.start(Fixture.run("r1", key: key))
            #expect(try await store.createRun(Fixture.run("r2", key: key, at: 99), principal: .ada) == .existing(responseID: "r1"))
            await expectError(.conflict) { _ = try await store.createRun(Fixture.run("r2", key: other, at: 99), principal: .ada) }
            #expect(try await store.run("r2", principal: .ada) == nil)
            #expect(try await store.events(of: "r2", after: 0, byteLimit: 1, principal: .ada) == nil)
            let events = try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada)
            #expect(events?.frames == Fixture.frames("r1", 1...1))
            // Somebody else's key is another key.
            _ = try await store.start(Fixture.run("r3", key: other), .bob)
            _ = try await store.start(Fixture.run("r2", key: other, at: 100))
            #expect(try await store.createRun(Fixture.run("r4", key: other, at: 101), principal: .ada) == .existing(responseID: "r2"))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func append_raisesTheSequences_completionEndsTheRun(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            try await store.commit(Fixture.append(handle, 2...3, reserved: 128, hidden: "{\"a\":1}\n"))
            try await store.commit(Fixture.hidden(handle, after: 3, reserved: 192))
            var expected = Fixture.run("r1").run
            expected.lastSequence = 3
            expected.reservedSequence = 192
            #expect(try await store.run("r1", principal: .ada) == expected)

            let completion = Fixture.completion("r1")
            try await store.commit(Fixture.append(handle, 4...4, reserved: 192, completion: completion))
            expected.lastSequence = 4
            expected.status = .completed
            expected.endedAt = completion.endedAt
            expected.usage = completion.usage
            #expect(try await store.run("r1", principal: .ada) == expected)
            let chat = try await store.chat("c", principal: .ada)
            #expect(chat?.newestMessageID == "r1")
            #expect(chat?.updatedAt == completion.endedAt)
            let path = try await store.path(in: "c", to: nil, principal: .ada)
            #expect(path?.messages == [Fixture.run("r1").userMessage, completion.message])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func append_toAnEndedOrUnknownRun_isRefusedWhole(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            let other = try await store.start(Fixture.run("r2"))
            try await store.commit(Fixture.append(handle, 2...2, completion: Fixture.completion("r1")))
            await expectError(.conflict) {
                try await store.commit(Fixture.append(handle, 3...3, completion: Fixture.completion("r9")))
            }
            let ghost = RunHandle(principal: .ada, responseID: "ghost", number: 4711)
            await expectError(.notFound) { try await store.commit(Fixture.append(other, 2...2), Fixture.append(ghost, 1...1)) }
            #expect(try await store.run("r1", principal: .ada)?.lastSequence == 2)
            #expect(try await store.run("r2", principal: .ada)?.lastSequence == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func events_afterEverySequence_startExactlyThere(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            // Rows of several sizes, one without sent events between them.
            try await store.commit(Fixture.append(handle, 2...6))
            try await store.commit(Fixture.hidden(handle, after: 6))
            try await store.commit(Fixture.append(handle, 7...8), Fixture.append(handle, 9...9))
            try await store.commit(Fixture.append(handle, 10...10, completion: Fixture.completion("r1")))
            for after in 0..<10 {
                for byteLimit in [0, 100, 1 << 20] {
                    var read: [UInt8] = []
                    var cursor = after
                    var reads = 0
                    repeat {
                        let stretch = try #require(
                            try await store.events(of: "r1", after: cursor, byteLimit: byteLimit, principal: .ada))
                        #expect(stretch.firstSequence == cursor + 1)
                        #expect(stretch.frames == Fixture.frames("r1", stretch.firstSequence...stretch.lastSequence))
                        #expect(stretch.hasMore == (stretch.lastSequence < 10))
                        #expect(stretch.status == .completed)
                        read += stretch.frames
                        cursor = stretch.lastSequence
                        reads += 1
                    } while cursor < 10
                    #expect(read == Fixture.frames("r1", (after + 1)...10))
                    if byteLimit == 1 << 20 { #expect(reads == 1) }
                    if byteLimit == 0, after == 0 { #expect(reads >= 4) }
                }
            }
            for after in [10, 11] {
                let end = try await store.events(of: "r1", after: after, byteLimit: 1, principal: .ada)
                #expect(end == StoredEvents(frames: [], firstSequence: 0, lastSequence: 0, status: .completed, hasMore: false))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func events_aroundALostRange_comeInTwoStretches(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let handle = try await store.start(Fixture.run("r1"))
            try await store.commit(Fixture.append(handle, 2...2))
            try await store.commit(Fixture.append(handle, 65...66))
            let before = try #require(try await store.events(of: "r1", after: 0, byteLimit: 1 << 20, principal: .ada))
            #expect(before.lastSequence == 2 && before.hasMore && before.frames == Fixture.frames("r1", 1...2))
            for after in [2, 3, 64] {
                let behind = try #require(try await store.events(of: "r1", after: after, byteLimit: 1 << 20, principal: .ada))
                #expect(behind.firstSequence == 65 && behind.lastSequence == 66 && !behind.hasMore)
                #expect(behind.frames == Fixture.frames("r1", 65...66))
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func runs_pageNewestFirst_byFilter(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for i in 1...7 {
                let new = Fixture.run("r\(i)", chat: i % 2 == 0 ? "even" : "odd", task: i > 5 ? "rag" : "chat")
                if i == 3 { _ = try await store.start(new) } else { try await store.finish(new) }
            }
            _ = try await store.start(Fixture.run("b1"), .bob)
            func all(_ filter: RunFilter, limit: Int) async throws -> [String] {
                var ids: [String] = []
                var request = PageRequest(limit: limit)
                repeat {
                    let page = try await store.runs(filter, page: request, principal: .ada)
                    #expect(page.items.count <= limit && !page.items.isEmpty)
                    ids += page.items.map(\.responseID)
                    request.cursor = page.nextCursor
                } while request.cursor != nil
                return ids
            }
            for limit in [1, 2, 3, 7, 8] {
                #expect(try await all(RunFilter(), limit: limit) == ["r7", "r6", "r5", "r4", "r3", "r2", "r1"])
                #expect(try await all(RunFilter(status: .running), limit: limit) == ["r3"])
                #expect(try await all(RunFilter(task: "rag"), limit: limit) == ["r7", "r6"])
                #expect(try await all(RunFilter(status: .completed, chatID: "odd"), limit: limit) == ["r7", "r5", "r1"])
            }
        }
    }

    @Test(arguments: StoreKind.allCases, ["", "x y", "1_2_3", "💥", "--", "99999999999999999999"])
    func lists_withABadCursor_areRefused(kind: StoreKind, cursor: String) async throws {
        try await kind.withStore { store in
            let page = PageRequest(cursor: cursor)
            await expectError(.invalidInput) { _ = try await store.runs(RunFilter(), page: page, principal: .ada) }
            await expectError(.invalidInput) { _ = try await store.chats(page: page, principal: .ada) }
            await expectError(.invalidInput) { _ = try await store.messages(of: "c", page: page, principal: .ada) }
            await expectError(.invalidInput) { _ = try await store.chats(page: PageRequest(limit: 0), principal: .ada) }
            await expectError(.invalidInput) { _ = try await store.chats(page: PageRequest(limit: 1001), principal: .ada) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func unfinishedRuns_areForTheSystemOnly(kind: StoreKind) async throws {
        try await kind.withStore { store in
            let first = try await store.start(Fixture.run("r1"))
            let second = try await store.start(Fixture.run("b1"), .bob)
            try await store.finish(Fixture.run("r2"))
            try await store.commit(Fixture.append(second, 2...2, reserved: 99))
            let unfinished = try await store.unfinishedRuns(principal: .system)
            #expect(unfinished.map(\.handle) == [first, second])
            #expect(unfinished.map(\.record.lastSequence) == [1, 2])
            #expect(unfinished.map(\.record.reservedSequence) == [64, 99])
            #expect(unfinished.map(\.userMessage.id) == ["u_r1", "u_b1"])
            await expectError(.internal) { _ = try await store.unfinishedRuns(principal: .ada) }
        }
    }

    /// What a run has used is kept from the commit that holds the events behind it, and survives the run's end.
    @Test(arguments: StoreKind.allCases)
    func prompts_thatARunHasUsed_areKept(kind: StoreKind) async throws {
        let persona = PromptReference(kind: .persona, name: "editor", version: 2, hash: "aa", origin: .stored)
        let prompt = PromptReference(name: "chat/system.xml.j2", version: nil, hash: "bb", origin: .embedded)
        try await kind.withStore { store in
            var new = Fixture.run("r")
            new.run.prompts = [persona]
            let handle = try await store.start(new)
            let other = try await store.start(Fixture.run("r_other", chat: "other"))
            #expect(try await store.run("r", principal: .ada)?.prompts == [persona])
            var append = Fixture.append(handle, 2...2)
            append.prompts = [persona, prompt]
            try await store.commit(append, Fixture.append(handle, 3...3), Fixture.append(other, 2...2))
            #expect(try await store.run("r", principal: .ada)?.prompts == [persona, prompt])
            #expect(try await store.unfinishedRuns(principal: .system).map(\.record.prompts) == [[persona, prompt], []])
            try await store.commit(Fixture.append(handle, 4...4, completion: Fixture.completion("r")))
            #expect(try await store.run("r", principal: .ada)?.prompts == [persona, prompt])
            // With the run's end, in one append.
            var last = Fixture.append(other, 3...3, completion: Fixture.completion("r_other", chat: "other"))
            last.prompts = [prompt]
            #expect(last.isTerminal)
            try await store.commit(last)
            #expect(
                try await store.runs(RunFilter(), page: PageRequest(), principal: .ada).items.map(\.prompts) == [
                    [prompt], [persona, prompt],
                ])
        }
    }
}
