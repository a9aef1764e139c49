import Glibc
import MillraceCore
import MillraceEventLoop

/// One client's connection: the shell that moves bytes between a socket, the parser, the machine and the responder. Confined to its loop.
final class HTTPConnection: EventSource, HTTPBodySink, TurnEndWork, @unchecked Sendable {  // Sendable: tasks on the loop carry it.
    let loop: EventLoop
    let server: HTTPServerContext
    private let peer: String
    private let date: HTTPDateCache
    private let closed: (HTTPConnection) -> Void
    private var parser: HTTPRequestParser
    var machine: HTTPConnectionMachine
    var input = ByteBuffer()
    var output = ByteBuffer()
    var exchange: Exchange?
    lazy var timer = LoopTimer { [unowned self] in self.timeout() }
    var timerDeadline = Int64.max
    var isReadPaused = false
    var hasPeerEnded = false
    /// The kernel has reported the end of the stream, which no further edge will: reading goes on until it is met.
    private var sawPeerClose = false
    var isFlushQueued = false
    private var isParsing = false
    var lastOutputAt: Int64 = 0

    /// The request that is being answered.
    final class Exchange: @unchecked Sendable {  // Sendable: tasks on the loop carry it.
        /// Let go of when a stream begins, which may last for hours.
        var head: HTTPRequestHead?
        var accessed: HTTPAccessRecord.Target?
        let requestID: String
        let startedAt: Int64
        let body = HTTPRequestBody()
        var task: Task<Void, Never>?
        var source: (any HTTPBodySource)?
        var sourceHasMore = false
        var isChunked = false
        /// What a body of known length still owes.
        var missingBytes: Int?
        var isBodyDone = false
        var status = HTTPStatus.ok
        var bytesSent = 0
        var awaitsContinue = false

        init(head: HTTPRequestHead?, requestID: String, startedAt: Int64) {
            self.head = head
            self.requestID = requestID
            self.startedAt = startedAt
        }
    }

    /// How much one connection sends in a turn before the others get theirs.
    static let bytesPerTurn = 256 << 10
    /// How much of pipelined requests is read ahead.
    private static let pipelinedBytes = 16 << 10

    init(
        descriptor: Int32, peer: String, loop: EventLoop, server: HTTPServerContext, date: HTTPDateCache,
        closed: @escaping (HTTPConnection) -> Void
    ) {
        self.peer = peer
        self.loop = loop
        self.server = server
        self.date = date
        self.closed = closed
        parser = HTTPRequestParser(limits: server.settings.parser)
        machine = HTTPConnectionMachine(settings: server.settings, now: loop.now)
        super.init(descriptor: descriptor)
    }

    /// Begins to watch the socket.
    func start() {
        guard loop.register(self, for: [.readable, .writable, .peerClosed, .edgeTriggered]) else {
            server.logger.error("cannot watch a connection: the kernel has no memory, or no watches left for epoll; it is closed")
            close()
            return
        }
        updateTimer()
    }

    /// Whether nothing was asked since the last answer.
    var isIdle: Bool { machine.isIdle }

    // MARK: Reading

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.failed) || readiness.contains(.hungUp) {
            close()
            return
        }
        if readiness.contains(.readable) || readiness.contains(.peerClosed) {
            if readiness.contains(.peerClosed) { sawPeerClose = true }
            receive()
        }
        if descriptor >= 0, readiness.contains(.writable), !output.isEmpty || exchange?.sourceHasMore == true { flush() }
    }

    /// Reads until the kernel has no more, the handler has enough, or the client has left.
    func receive() {
        isReadPaused = false
        while descriptor >= 0 {
            if shouldPauseReading {
                isReadPaused = true
                break
            }
            let count = Socket.receive(descriptor, into: loop.scratch)
            if count > 0 {
                received(UnsafeRawBufferPointer(start: loop.scratch.baseAddress, count: count))
                if count < loop.scratch.count, !sawPeerClose { break }
            } else if count == 0 {
                peerEnded()
                break
            } else {
                if !Socket.wouldBlock(count) { close() }
                break
            }
        }
        if descriptor >= 0 { updateTimer() }
    }

    private var shouldPauseReading: Bool {
        guard let exchange else { return false }
        if machine.isReceivingBody { return exchange.body.bufferedBytes >= server.settings.readBufferBytes }
        return input.count >= Self.pipelinedBytes
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        if machine.isLingering { return }
        if input.isEmpty {
            let consumed = parse(bytes)
            if descriptor >= 0, consumed < bytes.count { input.append(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) }
        } else {
            input.append(bytes)
        }
        parseInput()
    }

    /// Parses what waits, also requests that were pipelined behind one that has just been answered.
    func parseInput() {
        guard !isParsing else { return }
        while descriptor >= 0, !input.isEmpty {
            // The buffer is taken out, since answering a request may append to this connection's state.
            var taken = ByteBuffer()
            swap(&taken, &input)
            let consumed = taken.withBytes { parse($0) }
            taken.consume(consumed)
            if taken.isEmpty { return }
            taken.append(input)
            swap(&taken, &input)
            if consumed == 0 { return }
        }
    }

    /// Hands bytes to the parser and acts on what they complete. Returns how many are done with.
    private func parse(_ bytes: UnsafeRawBufferPointer) -> Int {
        isParsing = true
        defer { isParsing = false }
        var consumed = 0
        while descriptor >= 0 {
            if machine.isLingering { return bytes.count }
            guard machine.acceptsHead || machine.isReceivingBody else { break }
            if let exchange, machine.isReceivingBody, consumed < bytes.count, exchange.body.bufferedBytes >= server.settings.readBufferBytes
            {
                machine.bodyPaused(now: loop.now)
                break
            }
            switch parser.next(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) {
            case .needMore:
                if parser.hasPartialMessage, machine.acceptsHead { machine.headBegan(now: loop.now) }
                return consumed
            case .head(let head, let count):
                consumed += count
                headReceived(head)
            case .body(let range, let count):
                machine.bodyReceived(range.count)
                exchange?.body.receive(
                    UnsafeRawBufferPointer(rebasing: bytes[(consumed + range.lowerBound)..<(consumed + range.upperBound)]))
                consumed += count
            case .end(let count):
                consumed += count
                machine.bodyEnded()
                exchange?.body.complete()
            case .failure(let failure):
                refuse(failure.status, failure.reason)
                return bytes.count
            }
        }
        return consumed
    }

    private func headReceived(_ head: HTTPRequestHead) {
        let exchange = Exchange(head: head, requestID: Self.requestID(of: head), startedAt: loop.now)
        self.exchange = exchange
        let hasBody = head.framing != .none
        exchange.awaitsContinue = head.expectsContinue && hasBody
        machine.headEnded(keepsAlive: head.keepAlive && !server.isDraining, hasBody: hasBody, now: loop.now)
        if hasBody {
            exchange.body.wanted = { [weak self, weak exchange] in
                if let self, let exchange { self.bodyWanted(exchange) }
            }
        } else {
            // The parser's end of the message is only read with the next request, so a handler that reads the body would wait for ever.
            exchange.body.complete()
        }
        parser.bodyLimit = server.settings.parser.bodyBytes
        let request = HTTPRequest(head: head, id: exchange.requestID, peer: peer, loop: loop, body: exchange.body)
        switch server.responder.reply(to: request) {
        case .now(let response):
            if hasBody {
                // What has come of the body is read first: if that is all of it, the connection can live on.
                loop.post { [self] in respond(response, to: exchange) }
            } else {
                respond(response, to: exchange)
            }
        case .later(let bodyLimit, let work):
            parser.bodyLimit = bodyLimit
            exchange.task = Task(executorPreference: loop.executor) { [self] in
                let response = await work()
                // The handle would keep the ended task's memory for as long as the response streams.
                exchange.task = nil
                respond(response, to: exchange)
            }
        }
    }

    /// The handler reads its body: the client may have waited for a word, or the connection for room.
    private func bodyWanted(_ exchange: Exchange) {
        guard exchange === self.exchange, machine.isReceivingBody else { return }
        if exchange.awaitsContinue {
            exchange.awaitsContinue = false
            if exchange.body.bufferedBytes == 0 {
                output.append("HTTP/1.1 100 Continue\r\n\r\n")
                queueFlush()
            }
        }
        guard exchange.body.bufferedBytes < server.settings.readBufferBytes else { return }
        machine.bodyResumed(now: loop.now)
        if !input.isEmpty { parseInput() }
        if isReadPaused { receive() } else { updateTimer() }
    }

    private func peerEnded() {
        hasPeerEnded = true
        // A client that ends its side while a request is incomplete, while nothing is asked, or while it follows a stream, has left. One that
        // waits for a bounded answer gets it, also the refusal of a body that is not complete.
        if let exchange, exchange.source == nil, !machine.isReceivingBody || exchange.isBodyDone {
            // It may as well have left: the handler is told, and answers or not.
            exchange.task?.cancel()
            return
        }
        close()
    }

    // MARK: Answering

    private func respond(_ response: HTTPResponse, to exchange: Exchange) {
        guard exchange === self.exchange, descriptor >= 0, !machine.hasResponseStarted else {
            if case .stream(let source, _) = response.body { source.detached() }
            return
        }
        exchange.status = response.status
        let keepsAlive = machine.responseStarted(
            keepsAlive: !response.closesConnection && !server.isDraining && !(hasPeerEnded && input.isEmpty))
        let isHead = exchange.head?.method == .head
        let version = exchange.head?.version ?? .http11
        let before = output.count
        switch response.body {
        case .empty:
            appendHead(response, .length(0), version: version, isHead: isHead, keepsAlive: keepsAlive)
            exchange.isBodyDone = true
        case .bytes(let bytes):
            appendHead(response, .length(bytes.count), version: version, isHead: isHead, keepsAlive: keepsAlive)
            if !isHead { output.append(bytes) }
            exchange.isBodyDone = true
        case .stream(let source, let length):
            exchange.isChunked = length == nil && version == .http11
            exchange.missingBytes = length
            let framing = length.map { HTTPFraming.length($0) } ?? (exchange.isChunked ? .chunked : .untilClose)
            appendHead(response, framing, version: version, isHead: isHead, keepsAlive: framing != .untilClose && keepsAlive)
            if isHead {
                exchange.isBodyDone = true
                source.detached()
            } else {
                exchange.source = source
                exchange.sourceHasMore = true
                exchange.accessed = exchange.head.map { HTTPAccessRecord.Target($0) }
                exchange.head = nil
                exchange.body.wanted = nil
                source.attached(to: self)
            }
        }
        exchange.bytesSent += output.count - before
        queueFlush()
    }

    private func appendHead(
        _ response: HTTPResponse, _ framing: HTTPFraming, version: HTTPVersion, isHead: Bool, keepsAlive: Bool
    ) {
        let head = HTTPResponseHead(
            response.status, headers: response.headers, framing: isHead ? framing.ofHeadRequest : framing, version: version,
            keepAlive: keepsAlive)
        head.write(to: &output, date: date.date(now: loop.now))
    }

    /// Answers a request that is malformed, too large or too slow. The connection closes behind the answer.
    func refuse(_ status: HTTPStatus, _ reason: String) {
        let exchange = exchange ?? Exchange(head: nil, requestID: Identifier.make(prefix: "req"), startedAt: loop.now)
        self.exchange = exchange
        exchange.body.fail(MillraceError(.invalidInput, reason))
        let hadStarted = machine.hasResponseStarted
        machine.refused()
        guard !hadStarted else {
            close()
            return
        }
        exchange.task?.cancel()
        var response = server.responder.refusal(status, reason: reason, requestID: exchange.requestID)
        response.closesConnection = true
        respond(response, to: exchange)
    }

    // MARK: End

    /// Closes the socket and lets go of everything.
    func close() {
        guard descriptor >= 0 else { return }
        loop.unregister(self)
        Glibc.close(descriptor)
        descriptor = -1
        loop.clear(timer)
        input.release()
        output.release()
        if let exchange {
            self.exchange = nil
            exchange.task?.cancel()
            exchange.body.wanted = nil
            exchange.body.fail(MillraceError(.cancelled, "the client has closed the connection"))
            exchange.source?.detached()
            log(exchange, isComplete: false)
        }
        closed(self)
    }

    func log(_ exchange: Exchange, isComplete: Bool) {
        server.responder.finished(
            HTTPAccessRecord(
                requestID: exchange.requestID, peer: peer, target: exchange.accessed ?? exchange.head.map { HTTPAccessRecord.Target($0) },
                status: exchange.status, bytesSent: exchange.bytesSent,
                nanoseconds: EventLoop.clock() - exchange.startedAt, isComplete: isComplete))
    }

    /// The client's id where it is short and plain, ours otherwise.
    private static func requestID(of head: HTTPRequestHead) -> String {
        if let id = head["x-request-id"], (1...128).contains(id.utf8.count), id.utf8.allSatisfy(isPlain) { return id }
        return Identifier.make(prefix: "req")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
