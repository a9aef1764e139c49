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
