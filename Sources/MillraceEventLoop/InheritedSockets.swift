package import MillraceCore

/// Listening sockets that whoever started this process has opened for it, as systemd's socket activation hands them over: the variables
/// `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`, and descriptors from 3 on (sd_listen_fds(3)).
package struct InheritedSockets: Equatable, Sendable {
    /// One of them.
    package struct Socket: Equatable, Sendable {
        package let descriptor: Int32
        /// The name in `LISTEN_FDNAMES`, `unknown` where there is none.
        package let name: String

        package init(descriptor: Int32, name: String) {
            self.descriptor = descriptor
            self.name = name
        }
    }

    package let sockets: [Socket]

    /// The first descriptor that is handed over.
    package static let firstDescriptor: Int32 = 3
    /// The name of sockets that this process has made and hands to itself, for the program that it starts anew: nobody else holds them.
    package static let ownName = "millrace-own"
    /// More than anybody hands over, so that a wrong number is told as such.
    private static let most = 1024

    /// - Parameters:
    ///   - environment: gives a variable.
    ///   - process: this process's number. Variables that name another were meant for a program that started this one.
    /// - Throws: ``MillraceError`` for values that this protocol does not have.
    package init(process: Int32, environment: (String) -> String?) throws(MillraceError) {
        guard let owner = environment("LISTEN_PID"), !owner.isEmpty else {
            sockets = []
            return
        }
        guard let owner = Int32(owner), owner > 0 else {
            throw Self.wrong("LISTEN_PID", owner, "the number of the process that the sockets are for")
        }
        guard owner == process else {
            sockets = []
            return
        }
        let text = environment("LISTEN_FDS") ?? ""
        guard let count = Int(text), (1...Self.most).contains(count) else {
            throw Self.wrong("LISTEN_FDS", text, "how many sockets were handed over, 1 to \(Self.most)")
        }
        var names: [String] = []
        if let list = environment("LISTEN_FDNAMES") {
            names = list.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            guard names.count == count else {
                throw Self.wrong("LISTEN_FDNAMES", list, "a name for each of LISTEN_FDS's \(count) sockets, with colons between them")
            }
        }
        sockets = (0..<count).map { Socket(descriptor: Self.firstDescriptor + Int32($0), name: names.isEmpty ? "unknown" : names[$0]) }
    }

    /// The variables that hand sockets of these names to a program that takes over this process's number. A name has no colon.
    package static func variables(names: [String], process: Int32) -> [String: String] {
        ["LISTEN_PID": "\(process)", "LISTEN_FDS": "\(names.count)", "LISTEN_FDNAMES": names.joined(separator: ":")]
    }

    private static func wrong(_ variable: String, _ found: String, _ expected: String) -> MillraceError {
        MillraceError(
            .configuration,
            "\(variable) must be \(expected), not '\(found.prefix(100))': it is set by systemd or by whatever else started this process; "
                + "unset it to listen on server.host and server.port")
    }
}
