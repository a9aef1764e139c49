package import MillraceCore

extension ErrorCode {
    /// No connection came about.
    package static let unreachable = ErrorCode(rawValue: "unreachable")
    /// A connection broke before the response ended.
    package static let connectionLost = ErrorCode(rawValue: "connection_lost")
    /// A peer has failed so often that it is left alone for a while.
    package static let circuitOpen = ErrorCode(rawValue: "circuit_open")
}
