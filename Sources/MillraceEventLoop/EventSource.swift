/// What a descriptor is ready for, as epoll reports it (the values of <sys/epoll.h>, whose enumeration Swift does not import).
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There may be bytes to read, or a connection to accept.
    package static let readable = Readiness(rawValue: 0x001)
    /// There may be room to write.
    package static let writable = Readiness(rawValue: 0x004)
    /// The peer has shut down its sending side.
    package static let peerClosed = Readiness(rawValue: 0x2000)
    /// Both directions are closed.
    package static let hungUp = Readiness(rawValue: 0x010)
    /// The descriptor has failed.
    package static let failed = Readiness(rawValue: 0x008)
    /// Report only changes: whoever is told reads or writes until the kernel has no more.
    package static let edgeTriggered = Readiness(rawValue: 1 << 31)
}

/// Something with a descriptor that a loop watches. Touched on its loop's thread only.
package class EventSource {
    /// The descriptor; -1 once it is closed.
    package final var descriptor: Int32

    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Called on the loop when the descriptor is ready.
    package func ready(_ readiness: Readiness) {}
}
