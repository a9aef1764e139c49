public import MillraceCore

/// Who asks. Every stored thing has an owner, and no store can be asked anything without one of these.
public struct Principal: Hashable, Sendable, CustomStringConvertible {
    /// The stable name under which things are owned, such as `local` or a tenant's user id; never empty.
    public let id: String

    /// A principal of that name.
    /// - Throws: ``ErrorCode/invalidInput`` for an empty name, which nobody has and stores mark with what is about to be removed, and for
    ///   `system`, which is Millrace itself.
    public init(id: String) throws(MillraceError) {
        guard id != Self.system.id else {
            throw MillraceError(.invalidInput, "'\(id)' is Millrace itself, which looks after everybody's runs: choose another name")
        }
        try self.init(stored: id)
    }

    /// The owner of something that is stored.
    package init(stored id: String) throws(MillraceError) {
        if id.isEmpty { throw MillraceError(.invalidInput, "a principal must have a name: what has no owner belongs to nobody") }
        self.id = id
    }

    /// A principal that the program itself names.
    package init(named id: StaticString) {
        precondition(id.utf8CodeUnitCount > 0, "a principal must have a name")
        self.id = "\(id)"
    }

    /// The name.
    public var description: String { id }

    /// Whoever can reach the server while no authentication is configured.
    public static let local = Principal(named: "local")
    /// Millrace itself: recovery and retention, which look after everybody's runs.
    package static let system = Principal(named: "system")
}
