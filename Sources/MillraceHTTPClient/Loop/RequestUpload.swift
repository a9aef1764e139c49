import CCurl
import MillraceCore
import MillraceEventLoop

/// A request's body that comes piece by piece: pulled from its source as libcurl takes it, one piece ahead at most.
///
/// Confined to the transfer's loop.
final class RequestUpload: @unchecked Sendable {  // Sendable: its task runs on the same loop.
    private let next: @Sendable () async throws -> [UInt8]?
    private unowned let transfer: CurlTransfer
    private var piece: ArraySlice<UInt8> = []
    private var isFinished = false
    private var isPaused = false
    private var task: Task<Void, Never>?
    private var wantsMore: UnsafeContinuation<Void, Never>?

    init(_ next: @escaping @Sendable () async throws -> [UInt8]?, of transfer: CurlTransfer) {
        self.next = next
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
                    piece = bytes[...]
                    goOn()
                    while !piece.isEmpty, !Task.isCancelled { await withUnsafeContinuation { wantsMore = $0 } }
                }
                isFinished = true
                goOn()
            } catch {
                transfer.fail(error)
            }
        }
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
