import CCurl
import MillraceCore
import MillraceEventLoop

/// One exchange: a libcurl transfer and the task that reads its response.
///
/// `@unchecked Sendable`: confined to its loop. A task that runs elsewhere reads through ``onLoop(_:)``. What each piece of a response touches
/// is not checked for overlapping accesses at run time.
final class CurlTransfer: HTTPResponseStream, @unchecked Sendable {
    let loop: EventLoop
    let target: RequestTarget
    let request: HTTPClientRequest
    let settings: HTTPClientSettings
    /// libcurl's side of the loop, while the transfer is in it.
    @exclusivity(unchecked) private var multi: CurlMulti?
    @exclusivity(unchecked) private(set) var easy: UnsafeMutableRawPointer?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var resolveList: UnsafeMutablePointer<curl_slist>?

    private(set) var status = 0
    private(set) var headers = HTTPClientHeaders()
    /// Whether the request went out, or began to.
    private var isSent = false
    @exclusivity(unchecked) private var headIsComplete = false
    private var headBytes = 0
    @exclusivity(unchecked) private var bodyBytes = 0
    @exclusivity(unchecked) private var buffer = ByteBuffer()
    @exclusivity(unchecked) private var isPaused = false
    /// Bytes that may still come while nobody reads; `nil`: the reader reads.
    @exclusivity(unchecked) private var discardedBytesLeft: Int?
    private var upload: RequestUpload?
    /// How much of a body of bytes libcurl has taken.
    private var sentBytes = 0
    /// How the transfer ended; `nil` while it goes on.
    @exclusivity(unchecked) private var outcome: Result<Void, any Error>?
    @exclusivity(unchecked) private var waiter: UnsafeContinuation<Void, Never>?
    private var lookup: (resolver: HostResolver, waiter: HostResolver.LookupWaiter)?
    private var lookedUp: Result<[String], MillraceError>?

    @exclusivity(unchecked) private var deadlines: TransferDeadlines
    private lazy var timer = ActionTimer { [unowned self] in self.checkDeadlines() }
    @exclusivity(unchecked) private var timerDeadline = Int64.max

    init(_ request: HTTPClientRequest, _ target: RequestTarget, _ settings: HTTPClientSettings, _ loop: EventLoop) {
        self.request = request
        self.target = target
        self.settings = settings
        self.loop = loop
        deadlines = TransferDeadlines(request.timeouts, now: EventLoop.clock())
    }

    // MARK: The reader's side

    /// Runs `body` on the transfer's loop, for callers that run elsewhere.
    func onLoop<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
        try await withTaskExecutorPreference(loop.executor) { try await body() }
    }

    func beginDeadlines() { armTimer() }

    /// The addresses that the target's name stands for. On the loop.
    func lookup(with resolver: HostResolver) async throws -> [String] {
        let (known, waiter) = resolver.resolve(target.host) { [self] result in
            loop.perform {
                self.lookedUp = result
                self.wake()
            }
        }
        if let known { return known }
        if let waiter { lookup = (resolver, waiter) }
        while lookedUp == nil {
            try outcome?.get()
            await suspend()
        }
        lookup = nil
        try outcome?.get()
        return try lookedUp?.get() ?? []
    }

    /// Waits for the response's head.
    func waitForHead() async throws {
        guard loop.isCurrent else { return try await onLoop { try await self.waitForHead() } }
        defer { deadlines.readerEndedToWait() }
        while !headIsComplete {
            if let outcome {
                try outcome.get()
                throw MillraceError(.connectionLost, "\(target.authority) ended the connection without an answer", isRetryable: true)
            }
            await suspend()
        }
    }

    func read(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws -> Bool {
        guard loop.isCurrent else {
            let piece: [UInt8]? = try await onLoop {
                var piece: [UInt8] = []
                return try await self.read({ piece = [UInt8]($0) }) ? piece : nil
            }
            guard let piece else { return false }
            try piece.withUnsafeBytes(take)
            return true
        }
        if buffer.isEmpty {
            deadlines.readerBeganToWait(now: loop.now)
            defer { deadlines.readerEndedToWait() }
            repeat {
                if let outcome {
                    try outcome.get()
                    return false
                }
                if isPaused, let easy {
                    isPaused = false
                    multi?.resume(easy)
                } else {
                    armTimer()
                    await suspend()
                }
            } while buffer.isEmpty
        }
        // Cancelled or failed: what had come before is still the reader's, but for a cancelled one.
        if case .failure(let error) = outcome, error is CancellationError { throw error }
        // Taken out, since what reads it runs code of others; its memory is kept for what comes next.
        var taken = ByteBuffer()
        swap(&taken, &buffer)
        defer {
            taken.removeAll()
            if buffer.capacity == 0 { swap(&taken, &buffer) }
        }
        try taken.withBytes { bytes throws(any Error) in try take(bytes) }
        return true
    }

    private func suspend() async {
        await withUnsafeContinuation { waiter = $0 }
    }

    private func wake() {
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    // MARK: The end

    /// Ends the transfer with an error, at once. On the loop.
    func fail(_ error: any Error) {
        guard outcome == nil else { return }
        outcome = .failure(error)
        release()
        wake()
    }

    func discardRest() {
        loop.perform { [self] in
            if outcome == nil, headIsComplete { discardedBytesLeft = Self.mostDiscardedBytes }
        }
    }

    /// What is read of a response that its reader has left, and for how long.
    private static let mostDiscardedBytes = 64 << 10
    private static let longestDiscardNanoseconds: Int64 = 100_000_000

    /// The exchange is over, whether its response was read to its end or not. On the loop.
    func close() {
        if outcome == nil, discardedBytesLeft != nil, let easy {
            loop.set(timer, after: Self.longestDiscardNanoseconds)
            buffer.release()
            if isPaused { multi?.resume(easy) }
            return
        }
        if outcome == nil { outcome = .failure(CancellationError()) }
        release()
        buffer.release()
    }

    private func release() {
        loop.clear(timer)
        upload?.cancel()
        upload = nil
        if let lookup { lookup.resolver.forget(lookup.waiter, target.host) }
        lookup = nil
        multi?.cutOff(self)
    }

    /// libcurl is done with the transfer, which has been taken out.
    /// - Parameter proxyStatus: what a proxy answered when it was asked for a way to the target; 0: it was not.
    func ended(_ code: CURLcode, proxyStatus: Int = 0) {
        // Also where it has an outcome: nobody may be left to close a refused transfer, and the timer must not outlive it.
        loop.clear(timer)
        upload?.cancel()
        upload = nil
        guard outcome == nil else { return }
        outcome = code == CURLE_OK ? .success(()) : .failure(CurlFailure.error(code, target, proxyStatus: proxyStatus))
        wake()
    }

    // MARK: Deadlines

    private func armTimer() {
        guard outcome == nil, let next = deadlines.next, next < timerDeadline || !timer.isSet else { return }
        timerDeadline = next
        loop.set(timer, at: next)
    }

    private func checkDeadlines() {
        if discardedBytesLeft != nil {
            discardedBytesLeft = nil
            return close()
        }
        timerDeadline = .max
        guard let expiry = deadlines.expired(now: EventLoop.clock()) else { return armTimer() }
        let timeouts = request.timeouts
        let (duration, what) =
            switch expiry {
            case .connect: (timeouts.connect, "no connection to \(target.authority) came about")
            case .firstByte: (timeouts.firstByte, "\(target.authority) has not begun to answer")
            case .idle: (timeouts.idle, "\(target.authority) stopped in the middle of its answer: nothing came")
            case .total: (timeouts.total, "\(target.authority) has not answered in full")
            }
        fail(MillraceError(.timeout, "\(what) within \(duration ?? .zero)", details: ["timeout": .string("\(expiry)")], isRetryable: true))
    }

    // MARK: libcurl's side: these only take notes

    /// Bytes of the body; 0 refuses them and ends the transfer.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard outcome == nil else { return 0 }
        if let left = discardedBytesLeft {
            discardedBytesLeft = left - bytes.count
            return left >= bytes.count ? bytes.count : 0
        }
        if !buffer.isEmpty, buffer.count + bytes.count > settings.bufferBytes {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        bodyBytes += bytes.count
        guard bodyBytes <= request.responseByteLimit else {
            refuse("the response of \(target.authority) is longer than \(request.responseByteLimit) bytes")
            return 0
        }
        buffer.append(bytes)
        deadlines.received(now: loop.now)
        wake()
        return bytes.count
    }

    /// A line of a head; each interim response (1xx) is forgotten when the next head begins, and trailers are not looked at.
    func received(headerLine bytes: UnsafeRawBufferPointer) -> Int {
        guard outcome == nil else { return 0 }
        headBytes += bytes.count
        guard headBytes <= settings.headBytes else {
            refuse("the response's head of \(target.authority) is longer than \(settings.headBytes) bytes")
            return 0
        }
        guard !headIsComplete else { return bytes.count }
        deadlines.received(now: loop.now)
        armTimer()
        switch ResponseHeadLine(bytes) {
        case .status(let status):
            self.status = status
            headers = HTTPClientHeaders()
        case .field(let name, let value): headers.add(name, value)
        case .end:
            headIsComplete = status >= 200
            if headIsComplete { wake() }
            // libcurl sends no more of the body then, but it would wait for an upload that it had paused.
            if status >= 400, upload != nil { loop.post { [self] in uploadGoesOn() } }
        case .other: break
        }
        return bytes.count
    }

    private func refuse(_ message: String) {
        outcome = .failure(MillraceError.responseTooLong(message))
        wake()
    }

    /// A connection stands, and the request is about to go out.
    /// - Returns: `false` when it must not. libcurl sends a request anew by itself when a kept connection dies without an answer: the peer may
    ///   have executed it, and what was read of a body that comes piece by piece is gone.
    func connected() -> Bool {
        guard !isSent || request.isRepeatable && upload?.isRead != true else { return false }
        isSent = true
        deadlines.connected(now: loop.now)
        timerDeadline = .max
        armTimer()
        return true
    }

    /// Pieces of the request's body that libcurl asks for.
    func send(into room: UnsafeMutableRawBufferPointer) -> Int {
        deadlines.sent(now: loop.now)
        if let upload { return upload.send(into: room) }
        guard case .bytes(let bytes) = request.body else { return Int(CURL_READFUNC_ABORT) }
        let count = min(room.count, bytes.count - sentBytes)
        room.copyBytes(from: bytes[sentBytes..<sentBytes + count])
        sentBytes += count
        return count
    }

    /// libcurl sends the body anew, on another connection.
    /// - Returns: `false` where that cannot be.
    func rewind(to offset: Int) -> Bool {
        guard case .bytes(let bytes) = request.body, 0...bytes.count ~= offset else { return false }
        sentBytes = offset
        return true
    }

    /// More of the request's body is there.
    func uploadGoesOn() {
        if let easy { multi?.resume(easy) }
    }

    // MARK: The handle

    func attach(_ easy: UnsafeMutableRawPointer, to multi: CurlMulti) {
        self.easy = easy
        self.multi = multi
        upload?.begin()
    }

    func detach() -> UnsafeMutableRawPointer? {
        defer {
            easy = nil
            multi = nil
        }
        return easy
    }

    /// The port at this end of the connection, which tells it apart from others to the same server; `nil` without a connection.
    var localPort: Int? {
        guard let easy else { return nil }
        var port = 0
        ccurl_get_long(easy, CURLINFO_LOCAL_PORT, &port)
        return port > 0 ? port : nil
    }

    /// Has libcurl close the connection when it is done with this transfer, if no other one uses it.
    func forbidReuse() {
        if let easy { ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1) }
    }

    func keep(headers: UnsafeMutablePointer<curl_slist>?, resolve: UnsafeMutablePointer<curl_slist>?, upload: RequestUpload?) {
        headerList = headers
        resolveList = resolve
        self.upload = upload
    }

    func releaseLists() {
        curl_slist_free_all(headerList)
        curl_slist_free_all(resolveList)
        headerList = nil
        resolveList = nil
    }
}
