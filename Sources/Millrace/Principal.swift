/// Who asks. Every stored thing has an owner, and no store can be asked anything without one of these.
public struct Principal: Hashable, Sendable, CustomStringConvertible {
    /// The stable name under which things are owned, such as `local` or a tenant's user id.
    public let id: String
    /// A principal of that name.
    public init(id: String) { self.id = id }
    /// The name.
    public var description: String { id }

    /// Whoever can reach the server while no authentication is configured.
    public static let local = Principal(id: "local")
    /// Millrace itself: recovery and retention, which look after everybody's runs.
    package static let system = Principal(id: "system")
}
