public import MillraceCore

/// Who asks. Every stored thing has an owner, and no store can be asked anything without one of these.
public struct Principal: Hashable, Sendable, CustomStringConvertible {
    /// The stable name under which things are owned, such as `local` or a tenant's user id; never empty.
    public let id: String

    /// A principal of that name.
    /// - Throws: ``ErrorCode/invalidInput`` for an empty name: nobody has it, and stores mark with it what is about to be removed.
    public init(id: String) throws(MillraceError) {
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
