public import Millrace
public import MillraceCore

extension InMemoryTables {
    /// A prompt's or persona's place: an owner has one name of a kind once.
    struct PromptKey: Hashable {
        let owner: Principal
        let kind: PromptKind
        let name: String
    }

    struct PromptEntry {
        let number: Int64
        var prompt: StoredPrompt
        /// Oldest first; the first has the number 1.
        var versions: [PromptVersion] = []

        var state: (newestVersion: Int, revision: Int, createdAt: Timestamp) {
            (prompt.newestVersion, prompt.revision, prompt.createdAt)
        }

        mutating func change(at time: Timestamp) -> StoredPrompt {
            prompt.revision += 1
            prompt.updatedAt = max(prompt.updatedAt, time)
            return prompt
        }
    }
}

extension InMemoryStore: PromptStore {
    /// Stores the next version.
    public func storePrompt(
        _ kind: PromptKind, _ name: String, _ draft: PromptDraft, activates: Bool, if condition: PromptCondition, at time: Timestamp,
        principal: Principal
    ) async throws -> StoredPrompt {
        try withTables { tables in
            let key = InMemoryTables.PromptKey(owner: principal, kind: kind, name: name)
            try PromptBounds.check(condition, tables.prompts[key]?.state, kind, name)
            if tables.prompts[key] == nil {
                try PromptBounds.check(names: tables.prompts.keys.count { $0.owner == principal && $0.kind == kind }, kind)
            }
            let empty = StoredPrompt(
                kind: kind, name: name, active: nil, newestVersion: 0, revision: 0, createdAt: time, updatedAt: time)
            var entry = tables.prompts[key] ?? .init(number: tables.nextNumber(), prompt: empty)
            try PromptBounds.check(versions: entry.versions.count, kind, name)
            entry.prompt.newestVersion += 1
            let version = PromptVersion(
                number: entry.prompt.newestVersion, draft: draft, hash: PromptRules.hash(draft.text), createdAt: time)
            entry.versions.append(version)
            if activates { entry.prompt.active = version }
            let changed = entry.change(at: time)
            tables.prompts[key] = entry
            return changed
        }
    }

    /// Uses another version, or none.
    public func activatePrompt(
        _ kind: PromptKind, _ name: String, version: Int?, if condition: PromptCondition, at time: Timestamp, principal: Principal
    ) async throws -> StoredPrompt? {
        try withTables { tables in
            let key = InMemoryTables.PromptKey(owner: principal, kind: kind, name: name)
            guard var entry = tables.prompts[key] else { return nil }
            try PromptBounds.check(condition, entry.state, kind, name)
            if let version, !(1...entry.versions.count).contains(version) { throw PromptBounds.noVersion(version, kind, name) }
            entry.prompt.active = version.map { entry.versions[$0 - 1] }
            let changed = entry.change(at: time)
            tables.prompts[key] = entry
            return changed
        }
    }

    /// What is stored of a name.
    public func prompt(_ kind: PromptKind, _ name: String, principal: Principal) async throws -> StoredPrompt? {
        try withTables { $0.prompts[.init(owner: principal, kind: kind, name: name)]?.prompt }
    }

    /// All that is stored of a kind, oldest first.
    public func prompts(_ kind: PromptKind, page: PageRequest, principal: Principal) async throws -> Page<StoredPrompt> {
        let limit = try page.checkedLimit()
        let after = try page.keys(1)?[0] ?? 0
        return try withTables { tables in
            let own = tables.prompts.filter { $0.key.owner == principal && $0.key.kind == kind && $0.value.number > after }.values
            let rows = own.sorted { $0.number < $1.number }.prefix(limit + 1)
            return Page(rows.map { (item: $0.prompt, cursor: PageCursor($0.number)) }, limit: limit)
        }
    }

    /// One version.
    public func promptVersion(_ kind: PromptKind, _ name: String, _ number: Int, principal: Principal) async throws -> PromptVersion? {
        try withTables { $0.prompts[.init(owner: principal, kind: kind, name: name)]?.versions.first { $0.number == number } }
    }

    /// The versions, newest first.
    public func promptVersions(
        _ kind: PromptKind, _ name: String, page: PageRequest, principal: Principal
    ) async throws -> Page<PromptVersion>? {
        let limit = try page.checkedLimit()
        let before = try page.keys(1)?[0] ?? .max
        return try withTables { tables in
            guard let entry = tables.prompts[.init(owner: principal, kind: kind, name: name)] else { return nil }
            let rows = entry.versions.reversed().lazy.filter { $0.number < before }.prefix(limit + 1)
            return Page(rows.map { (item: $0, cursor: PageCursor(Int64($0.number))) }, limit: limit)
        }
    }

    /// Deletes a name with all its versions.
    public func deletePrompt(_ kind: PromptKind, _ name: String, if condition: PromptCondition, principal: Principal) async throws -> Bool {
        try withTables { tables in
            let key = InMemoryTables.PromptKey(owner: principal, kind: kind, name: name)
            guard let entry = tables.prompts[key] else { return false }
            try PromptBounds.check(condition, entry.state, kind, name)
            tables.prompts[key] = nil
            return true
        }
    }
}
