import MillraceCore

/// A response that remembers whether its body broke off, told apart from errors of those who read it.
final class WatchedResponse: HTTPResponseStream {
    private let base: any HTTPResponseStream
    let status: Int
    /// Whether the connection failed while the body was read.
    private(set) var hasBroken = false

    init(_ base: any HTTPResponseStream) {
        self.base = base
        status = base.status
    }

    var headers: HTTPClientHeaders { base.headers }

    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
        var isReadersError = false
        do {
            return try await base.read { piece in
                do { try take(piece) } catch {
                    isReadersError = true
                    throw error
                }
            }
        } catch {
            if !isReadersError, let error = error as? MillraceError, error.isTransportFailure { hasBroken = true }
            throw error
        }
    }

    func discardRest() { base.discardRest() }
}

extension MillraceError {
    /// Whether a transport says with it that the peer or the way to it failed.
    var isTransportFailure: Bool { code == .unreachable || code == .connectionLost || code == .timeout }
}
