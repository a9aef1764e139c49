/// What a descriptor is ready for, as epoll reports it (the values of <sys/epoll.h>, whose enumeration Swift does not import).
public struct Readiness: OptionSet, Sendable {
    /// The bits of epoll.
    public let rawValue: UInt32
    /// Readiness with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There may be bytes to read, or a connection to accept.
    public static let readable = Readiness(rawValue: 0x001)
    /// There may be room to write.
    public static let writable = Readiness(rawValue: 0x004)
    /// The peer has shut down its sending side.
    public static let peerClosed = Readiness(rawValue: 0x2000)
    /// Both directions are closed.
    public static let hungUp = Readiness(rawValue: 0x010)
    /// The descriptor has failed.
    public static let failed = Readiness(rawValue: 0x008)
    /// Of several loops that watch one socket, wake one that waits (`EPOLLEXCLUSIVE`). What a source is watched for cannot be modified then.
    public static let exclusive = Readiness(rawValue: 1 << 28)
    /// Report only changes: whoever is told reads or writes until the kernel has no more.
    public static let edgeTriggered = Readiness(rawValue: 1 << 31)
}

/// Something with a descriptor that a loop watches. Touched on its loop's thread only.
open class EventSource {
    /// The descriptor; -1 once it is closed.
    public final var descriptor: Int32 {
        get { stored }
        set { stored = newValue }
    }
    /// Behind the property, since other modules do not see that it is unchecked.
    @exclusivity(unchecked) private final var stored: Int32

    /// A source that watches `descriptor`.
    public init(descriptor: Int32) { stored = descriptor }

    /// Called on the loop when the descriptor is ready.
    open func ready(_ readiness: Readiness) {}
}
