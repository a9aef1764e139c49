import CCurl
import MillraceCore
import MillraceEventLoop

/// A request's body that comes piece by piece: pulled from its source as libcurl takes it, one piece ahead at most.
///
/// Confined to the transfer's loop.
final class RequestUpload: @unchecked Sendable {  // Sendable: its task runs on the same loop.
    private let next: @Sendable () async throws -> [UInt8]?
    private unowned let transfer: CurlTransfer
    /// How much of the length is left that was said; `nil`: it was not said.
    private var bytesLeft: Int?
    private var piece: ArraySlice<UInt8> = []
    /// Whether libcurl has taken something.
    private(set) var isRead = false
    private var isFinished = false
    private var isPaused = false
    private var task: Task<Void, Never>?
    private var wantsMore: UnsafeContinuation<Void, Never>?

    init(_ next: @escaping @Sendable () async throws -> [UInt8]?, length: Int?, of transfer: CurlTransfer) {
        self.next = next
        bytesLeft = length
        self.transfer = transfer
    }

    /// Starts pulling. The transfer cancels it when it ends.
    func begin() {
        let transfer = transfer
        task = Task(executorPreference: transfer.loop.executor) { [self] in
            do {
                while let bytes = try await next() {
                    if Task.isCancelled { return }
                    guard !bytes.isEmpty else { continue }
                    try count(bytes)
                    piece = bytes[...]
                    goOn()
                    while !piece.isEmpty, !Task.isCancelled { await withUnsafeContinuation { wantsMore = $0 } }
                }
                if Task.isCancelled { return }
                if let bytesLeft, bytesLeft > 0 { throw Self.wrongLength("shorter") }
                isFinished = true
                goOn()
            } catch {
                transfer.fail(error)
            }
        }
    }

    /// What exceeds the length would be read as the connection's next request.
    private func count(_ bytes: [UInt8]) throws(MillraceError) {
        guard let left = bytesLeft else { return }
        guard bytes.count <= left else { throw Self.wrongLength("longer") }
        bytesLeft = left - bytes.count
    }

    private static func wrongLength(_ what: String) -> MillraceError {
        MillraceError(.invalidInput, "the request's body is \(what) than its length says")
    }

    private func goOn() {
        guard isPaused, task != nil else { return }
        isPaused = false
        transfer.uploadGoesOn()
    }

    func cancel() {
        task?.cancel()
        task = nil
        wantsMore?.resume()
        wantsMore = nil
    }

    /// libcurl's callback: fills its room, ends the body, or waits.
    func send(into room: UnsafeMutableRawBufferPointer) -> Int {
        if piece.isEmpty {
            if isFinished { return 0 }
            isPaused = true
            return Int(CURL_READFUNC_PAUSE)
        }
        isRead = true
        let count = min(room.count, piece.count)
        room.copyBytes(from: piece.prefix(count))
        piece = piece.dropFirst(count)
        if piece.isEmpty {
            wantsMore?.resume()
            wantsMore = nil
        }
        return count
    }
}
