import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// What every store does with the records of uploaded files.
@Suite struct StoreConformanceContent {
    private static func record(_ id: String, title: String? = "a é.txt") -> ContentRecord {
        ContentRecord(id: id, title: title, mimeType: "text/plain", length: 1 << 40, entityTag: "e\(id)", createdAt: Fixture.time(1))
    }

    @Test(arguments: StoreKind.allCases)
    func content_createdReadDeleted_byItsOwnerOnly(kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.createContent(Self.record("f_1"), principal: .ada)
            #expect(try await store.content("f_1", principal: .ada) == Self.record("f_1"))
            #expect(try await store.content("f_1", principal: .bob) == nil)
            #expect(try await store.content("f_2", principal: .ada) == nil)
            // Also somebody else's: the bytes are under the id alone.
            await expectError(.conflict) { try await store.createContent(Self.record("f_1"), principal: .bob) }
            try await store.createContent(Self.record("f_2", title: nil), principal: .ada)
            #expect(try await store.content("f_2", principal: .ada)?.title == nil)

            #expect(try await store.deleteContent("f_1", principal: .bob) == false)
            #expect(try await store.deleteContent("f_1", principal: .ada))
            #expect(try await store.deleteContent("f_1", principal: .ada) == false)
            #expect(try await store.content("f_1", principal: .ada) == nil)
        }
    }

    /// The commit that stores a run is the moment from which its files are kept: what is gone by then must not be named.
    @Test(arguments: StoreKind.allCases)
    func run_thatNamesAFileWhichIsNotThere_isRefused_andStoresNothing(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for id in ["f_deleted", "f_expired", "f_there"] { try await store.createContent(Self.record(id), principal: .ada) }
            try await store.createContent(Self.record("f_theirs"), principal: .bob)
            #expect(try await store.deleteContent("f_deleted", principal: .ada))
            func naming(_ names: String...) -> NewRun {
                var run = Fixture.run("r", key: IdempotencyKey(key: "k", bodyHash: "h", expiresAt: Fixture.time(100)))
                run.userMessage.parts = names.map { .document(Attachment(pointer: "content://\($0)", mimeType: "text/plain")) }
                return run
            }
            let retention = try #require(store as? any RetentionStore)
            let handle = try await store.start(Fixture.run("r_other", chat: "other"))
            var completion = Fixture.completion("r_other", chat: "other")
            completion.message.parts = [.document(Attachment(pointer: "content://f_there", mimeType: "text/plain"))]
            try await store.commit(Fixture.append(handle, 2...2, completion: completion))
            _ = try await retention.expireContents(.contentsCreated(20), limit: 10, principal: .system)
            for name in ["f_deleted", "f_expired", "f_theirs", "f_never"] {
                do {
                    _ = try await store.createRun(naming("f_there", name), principal: .ada)
                    Issue.record("\(name) was taken")
                } catch let error as MillraceError {
                    #expect(error.code == .notFound && error.details["content_id"]?.string == name)
                }
            }
            #expect(try await store.run("r", principal: .ada) == nil)
            #expect(try await store.chat("c", principal: .ada) == nil)
            // Nor does the key count as used.
            _ = try await store.start(naming("f_there"))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func contents_inPages_areTheOwnersNewestFirst(kind: StoreKind) async throws {
        try await kind.withStore { store in
            for number in 1...5 {
                try await store.createContent(Self.record("f_\(number)"), principal: .ada)
                try await store.createContent(Self.record("g_\(number)"), principal: .bob)
            }
            var ids: [String] = []
            var page = PageRequest(limit: 2)
            repeat {
                let part = try await store.contents(page: page, principal: .ada)
                #expect(part.items.count <= 2)
                ids += part.items.map(\.id)
                page.cursor = part.nextCursor
            } while page.cursor != nil
            #expect(ids == ["f_5", "f_4", "f_3", "f_2", "f_1"])
            await expectError(.invalidInput) { _ = try await store.contents(page: PageRequest(cursor: "1_2"), principal: .ada) }
        }
    }
}
