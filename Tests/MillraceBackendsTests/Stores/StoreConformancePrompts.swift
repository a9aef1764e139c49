import Millrace
import MillraceBackends
import MillraceCore
import Testing

/// What every store that keeps prompts does with them.
@Suite struct StoreConformancePrompts {
    private static let system = "chat/system.xml.j2"

    private func withPrompts(_ kind: StoreKind, _ body: (any PromptStore) async throws -> Void) async throws {
        try await kind.withStore { try await body(try #require($0 as? any PromptStore)) }
    }

    @discardableResult
    private func put(
        _ store: any PromptStore, _ text: String, kind: PromptKind = .prompt, name: String = system, activates: Bool = true,
        if condition: PromptCondition = PromptCondition(), at seconds: Int64 = 1, _ principal: Principal = .ada
    ) async throws -> StoredPrompt {
        try await store.storePrompt(
            kind, name, PromptDraft(title: "T\(text)", description: nil, text: text), activates: activates, if: condition,
            at: Fixture.time(seconds), principal: principal)
    }

    @Test(arguments: StoreKind.allCases)
    func everyChange_isAVersion_andVersionsDoNotChange(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            let first = try await put(store, "one", at: 1)
            #expect(
                first
                    == StoredPrompt(
                        kind: .prompt, name: Self.system,
                        active: PromptVersion(
                            number: 1, draft: PromptDraft(title: "Tone", text: "one"),
                            hash: "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed", createdAt: Fixture.time(1)),
                        newestVersion: 1, revision: 1, createdAt: Fixture.time(1), updatedAt: Fixture.time(1)))
            let second = try await put(store, "zwei é", at: 2)
            #expect(second.active?.number == 2 && second.newestVersion == 2 && second.updatedAt == Fixture.time(2))
            // Stored, and not used yet.
            let third = try await put(store, "three", activates: false, at: 3)
            #expect(third.active?.draft.text == "zwei é" && third.newestVersion == 3 && third.revision == 3)
            #expect(try await store.prompt(.prompt, Self.system, principal: .ada) == third)
            #expect(try await store.promptVersion(.prompt, Self.system, 1, principal: .ada) == first.active)
            #expect(try await store.promptVersion(.prompt, Self.system, 3, principal: .ada)?.draft.text == "three")
            for number in [0, 4, -1] { #expect(try await store.promptVersion(.prompt, Self.system, number, principal: .ada) == nil) }

            let versions = try await store.promptVersions(.prompt, Self.system, page: PageRequest(limit: 2), principal: .ada)
            #expect(versions?.items.map(\.number) == [3, 2])
            let rest = try await store.promptVersions(
                .prompt, Self.system, page: PageRequest(limit: 2, cursor: versions?.nextCursor), principal: .ada)
            #expect(rest?.items.map(\.number) == [1] && rest?.nextCursor == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func activating_goesBackAndForth_andToNothing(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            try await put(store, "one")
            try await put(store, "two")
            func activate(_ version: Int?, if condition: PromptCondition = PromptCondition()) async throws -> StoredPrompt? {
                try await store.activatePrompt(
                    .prompt, Self.system, version: version, if: condition, at: Fixture.time(9), principal: .ada)
            }
            let back = try await activate(1)
            #expect(back?.active?.draft.text == "one" && back?.newestVersion == 2 && back?.revision == 3)
            #expect(back?.updatedAt == Fixture.time(9))
            #expect(try await activate(nil)?.active == nil)
            #expect(try await activate(2)?.active?.draft.text == "two")
            await expectError(.notFound) { _ = try await activate(3) }
            await expectError(.notFound) { _ = try await activate(0) }
            await expectError(.conflict) { _ = try await activate(1, if: PromptCondition(revision: 3)) }
            #expect(try await activate(1, if: PromptCondition(revision: 5))?.revision == 6)
            let none = try await store.activatePrompt(
                .prompt, "chat/none.j2", version: 1, if: PromptCondition(), at: Fixture.time(9), principal: .ada)
            #expect(none == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func condition_thatDoesNotHold_changesNothing(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            await expectError(.conflict) { try await put(store, "x", if: PromptCondition(newestVersion: 1)) }
            await expectError(.conflict) { try await put(store, "x", if: PromptCondition(revision: 1)) }
            try await put(store, "one", if: PromptCondition(newestVersion: 0))
            let error = await expectError(.conflict) { try await put(store, "x", if: PromptCondition(newestVersion: 0)) }
            #expect(error?.details == ["newest_version": 1])
            try await put(store, "two", if: PromptCondition(newestVersion: 1, revision: 1))
            await expectError(.conflict) { try await put(store, "x", if: PromptCondition(newestVersion: 2, revision: 1)) }
            await expectError(.conflict) {
                _ = try await store.deletePrompt(.prompt, Self.system, if: PromptCondition(newestVersion: 1), principal: .ada)
            }
            #expect(try await store.prompt(.prompt, Self.system, principal: .ada)?.active?.draft.text == "two")
            #expect(try await store.prompt(.prompt, Self.system, principal: .ada)?.newestVersion == 2)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func whatIsStoredAnew_isNotWhatWasDeleted(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            let old = try await put(store, "old", at: 1)
            let condition = PromptCondition(revision: old.revision, createdAt: old.createdAt)
            #expect(try await store.deletePrompt(.prompt, Self.system, if: condition, principal: .ada))
            let new = try await put(store, "new", at: 2)
            #expect(new.revision == old.revision)
            await expectError(.conflict) { try await put(store, "x", if: condition, at: 3) }
            await expectError(.conflict) {
                _ = try await store.activatePrompt(
                    .prompt, Self.system, version: nil, if: condition, at: Fixture.time(3), principal: .ada)
            }
            await expectError(.conflict) { _ = try await store.deletePrompt(.prompt, Self.system, if: condition, principal: .ada) }
            #expect(try await store.prompt(.prompt, Self.system, principal: .ada) == new)
            let second = try await put(store, "second", if: PromptCondition(revision: 1, createdAt: new.createdAt), at: 3)
            #expect(second.revision == 2 && second.createdAt == new.createdAt)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func conditionThatSomethingExists_createsNothing(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            let condition = PromptCondition(exists: true)
            let error = await expectError(.conflict) { try await put(store, "x", if: condition) }
            #expect(error?.details == ["newest_version": 0])
            #expect(try await store.prompt(.prompt, Self.system, principal: .ada) == nil)
            try await put(store, "one")
            #expect(try await put(store, "two", if: condition).newestVersion == 2)
            #expect(try await store.deletePrompt(.prompt, Self.system, if: condition, principal: .ada))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func namesOfAKind_areTheOwnersOwn(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            for name in ["b", "a", "c"] { try await put(store, "persona \(name)", kind: .persona, name: name) }
            try await put(store, "prompt a", name: "a")
            try await put(store, "bob's", kind: .persona, name: "a", .bob)
            var names: [String] = []
            var page = PageRequest(limit: 2)
            repeat {
                let part = try await store.prompts(.persona, page: page, principal: .ada)
                names += part.items.map(\.name)
                page.cursor = part.nextCursor
            } while page.cursor != nil
            #expect(names == ["b", "a", "c"])
            #expect(try await store.prompts(.prompt, page: PageRequest(), principal: .ada).items.map(\.active?.draft.text) == ["prompt a"])
            #expect(try await store.prompt(.persona, "a", principal: .bob)?.active?.draft.text == "bob's")
            #expect(try await store.prompt(.persona, "b", principal: .bob) == nil)
            #expect(try await store.promptVersions(.persona, "b", page: PageRequest(), principal: .bob) == nil)
            #expect(try await store.promptVersion(.persona, "b", 1, principal: .bob) == nil)
            #expect(try await store.deletePrompt(.persona, "b", if: PromptCondition(), principal: .bob) == false)

            #expect(try await store.deletePrompt(.persona, "a", if: PromptCondition(), principal: .ada))
            #expect(try await store.deletePrompt(.persona, "a", if: PromptCondition(), principal: .ada) == false)
            #expect(try await store.promptVersion(.persona, "a", 1, principal: .ada) == nil)
            #expect(try await store.prompt(.prompt, "a", principal: .ada) != nil)
            // It begins anew, without the versions that were.
            #expect(try await put(store, "again", kind: .persona, name: "a").newestVersion == 1)
            #expect(try await store.promptVersions(.persona, "a", page: PageRequest(), principal: .ada)?.items.count == 1)
            await expectError(.invalidInput) {
                _ = try await store.prompts(.persona, page: PageRequest(cursor: "1_2"), principal: .ada)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func namesAndVersions_haveABound(kind: StoreKind) async throws {
        try await withPrompts(kind) { store in
            for number in 1...1000 { try await put(store, "x", name: "n\(number)") }
            await expectError(.invalidInput) { try await put(store, "x", name: "one more") }
            try await put(store, "x", kind: .persona, name: "another kind")
            for _ in 2...1000 { try await put(store, "y", name: "n1") }
            await expectError(.invalidInput) { try await put(store, "y", name: "n1") }
            #expect(try await store.prompt(.prompt, "n1", principal: .ada)?.newestVersion == 1000)
        }
    }
}
