import Millrace

/// A secret of the secret store, or a member of one that is a JSON object: `NAME` or `NAME#MEMBER`.
public struct StoredSecret: Equatable, Sendable, CustomStringConvertible {
    /// The secret's name.
    public var name: String
    /// The member of the JSON object; `nil`: the whole value.
    public var member: String?

    /// A secret, or a member of one.
    public init(name: String, member: String? = nil) {
        self.name = name
        self.member = member
    }

    /// - Returns: `nil` for what names no secret. Its characters are those of names; anything else may be the secret itself.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard (try? SecretRules.check(name: String(parts[0]))) != nil, parts.count == 1 || !parts[1].isEmpty else { return nil }
        name = String(parts[0])
        member = parts.count == 2 ? String(parts[1]) : nil
    }

    /// `NAME` or `NAME#MEMBER`.
    public var description: String { member.map { "\(name)#\($0)" } ?? name }
}
