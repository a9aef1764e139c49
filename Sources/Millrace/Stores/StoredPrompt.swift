public import MillraceCore

/// What a new version of a prompt or a persona says.
public struct PromptDraft: Equatable, Sendable {
    /// What people call it; of personas.
    public var title: String?
    /// What it is for, or what has changed.
    public var description: String?
    /// A template, or a persona's text.
    public var text: String
    /// Creates a draft.
    public init(title: String? = nil, description: String? = nil, text: String) {
        self.title = title
        self.description = description
        self.text = text
    }
}

/// One version of a prompt or a persona. It never changes.
public struct PromptVersion: Equatable, Sendable {
    /// From 1 on.
    public var number: Int
    /// What it says.
    public var draft: PromptDraft
    /// SHA-256 of the text in UTF-8, in hexadecimal.
    public var hash: String
    /// When it was stored.
    public var createdAt: Timestamp

    /// A version that is stored already.
    public init(number: Int, draft: PromptDraft, hash: String, createdAt: Timestamp) {
        self.number = number
        self.draft = draft
        self.hash = hash
        self.createdAt = createdAt
    }
}

/// A prompt or a persona that is stored.
public struct StoredPrompt: Equatable, Sendable {
    /// What it is.
    public var kind: PromptKind
    /// Its name: `chat/system.xml.j2`, or a persona's id.
    public var name: String
    /// The version that is used; `nil`: none.
    public var active: PromptVersion?
    /// The number of the newest version.
    public var newestVersion: Int
    /// From 1 on; rises by one with every change, also of what is active. After a deletion it begins anew, with another ``createdAt``.
    public var revision: Int
    /// When its first version was stored.
    public var createdAt: Timestamp
    /// When it was last changed.
    public var updatedAt: Timestamp

    /// Creates the description.
    public init(
        kind: PromptKind, name: String, active: PromptVersion?, newestVersion: Int, revision: Int, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.kind = kind
        self.name = name
        self.active = active
        self.newestVersion = newestVersion
        self.revision = revision
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The active version as runs name it.
    package var reference: PromptReference? {
        active.map { PromptReference(kind: kind, name: name, version: $0.number, hash: $0.hash, origin: .stored) }
    }
}

/// What a change expects to find, so that two who change the same thing do not overwrite each other. `nil` expects nothing.
public struct PromptCondition: Equatable, Sendable {
    /// The number of the newest version; 0: there is nothing of that name.
    public var newestVersion: Int?
    /// The ``StoredPrompt/revision``.
    public var revision: Int?
    /// The ``StoredPrompt/createdAt``, which tells what was deleted and stored anew from what it was before.
    public var createdAt: Timestamp?
    /// Whether there is something of that name, whatever it is.
    public var exists: Bool
    /// Creates a condition.
    public init(newestVersion: Int? = nil, revision: Int? = nil, createdAt: Timestamp? = nil, exists: Bool = false) {
        self.newestVersion = newestVersion
        self.revision = revision
        self.createdAt = createdAt
        self.exists = exists
    }
}

/// A store that keeps prompts and personas in versions. A server whose store is none has those in files, and those that it came with.
///
/// As with every ``Store``, what belongs to somebody else does not exist for the asker.
public protocol PromptStore: Sendable {
    /// Stores the next version. Where there is nothing of that name, it is the first.
    /// - Parameter activates: whether it is the one that is used from now on; otherwise what was stays.
    /// - Throws: ``ErrorCode/conflict`` where the condition does not hold; ``ErrorCode/invalidInput`` for the 1,001st name of a kind, or the
    ///   1,001st version of a name.
    func storePrompt(
        _ kind: PromptKind, _ name: String, _ draft: PromptDraft, activates: Bool, if condition: PromptCondition, at time: Timestamp,
        principal: Principal
    ) async throws -> StoredPrompt

    /// Uses another version, or with `nil` none. Returns what is stored then, `nil` where there is nothing of that name.
    /// - Throws: ``ErrorCode/notFound`` where there is no such version; ``ErrorCode/conflict`` where the condition does not hold.
    func activatePrompt(
        _ kind: PromptKind, _ name: String, version: Int?, if condition: PromptCondition, at time: Timestamp, principal: Principal
    ) async throws -> StoredPrompt?

    /// What is stored of a name, or `nil`.
    func prompt(_ kind: PromptKind, _ name: String, principal: Principal) async throws -> StoredPrompt?

    /// All that is stored of a kind, oldest first.
    func prompts(_ kind: PromptKind, page: PageRequest, principal: Principal) async throws -> Page<StoredPrompt>

    /// One version, or `nil`.
    func promptVersion(_ kind: PromptKind, _ name: String, _ number: Int, principal: Principal) async throws -> PromptVersion?

    /// The versions, newest first; `nil` where there is nothing of that name.
    func promptVersions(_ kind: PromptKind, _ name: String, page: PageRequest, principal: Principal) async throws -> Page<PromptVersion>?

    /// Deletes a name with all its versions. Returns false when there is none.
    /// - Throws: ``ErrorCode/conflict`` where the condition does not hold.
    func deletePrompt(_ kind: PromptKind, _ name: String, if condition: PromptCondition, principal: Principal) async throws -> Bool
}
