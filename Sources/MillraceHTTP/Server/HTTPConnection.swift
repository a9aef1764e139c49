import Glibc
import MillraceCore
import MillraceEventLoop

/// One client's connection: the shell that moves bytes between a socket, the parser, the machine and the responder. Confined to its loop.
final class HTTPConnection: EventSource, HTTPBodySink, TurnEndWork, @unchecked Sendable {  // Sendable: tasks on the loop carry it.
    let loop: EventLoop
    let server: HTTPServerContext
    let state: HTTPLoopState
    private let peer: String
    // Nothing here is touched while it is being changed: a connection is confined to its loop, and what its callbacks append to is taken out.
    @exclusivity(unchecked) private var parser: HTTPRequestParser
    @exclusivity(unchecked) var machine: HTTPConnectionMachine
    @exclusivity(unchecked) var input = ByteBuffer()
    @exclusivity(unchecked) var output = ByteBuffer()
    @exclusivity(unchecked) var exchange: Exchange?
    lazy var timer = Timeout(of: self)
    @exclusivity(unchecked) var timerDeadline = Int64.max
    @exclusivity(unchecked) var isReadPaused = false
    @exclusivity(unchecked) var hasPeerEnded = false
    /// The kernel has reported the end of the stream, which no further edge will: reading goes on until it is met.
    @exclusivity(unchecked) private var sawPeerClose = false
    @exclusivity(unchecked) var isFlushQueued = false
    /// A report of the kernel's is being handled, behind which the output is flushed anyway.
    @exclusivity(unchecked) private(set) var isHandlingReadiness = false
    @exclusivity(unchecked) var wantsFlush = false
    @exclusivity(unchecked) private var isParsing = false
    /// What waits in the input will be parsed in a later turn.
    @exclusivity(unchecked) var isParsePosted = false
    /// How much is there behind the head that is being acted on, while it is being parsed.
    @exclusivity(unchecked) private var bytesBehindHead = 0
    @exclusivity(unchecked) var lastOutputAt: Int64 = 0

    /// How much one connection sends in a turn before the others get theirs.
    static let bytesPerTurn = 256 << 10
    /// How much of pipelined requests is read ahead.
    private static let pipelinedBytes = 16 << 10

    init(descriptor: Int32, peer: String, state: HTTPLoopState) {
        self.peer = peer
        self.state = state
        loop = state.loop
        server = state.server
        parser = HTTPRequestParser(limits: state.parserLimits, pool: state.heads)
        machine = HTTPConnectionMachine(now: state.loop.now)
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
    /// Whether anything was ever sent to the client.
    var hasAnswered: Bool { lastOutputAt > 0 }
    /// Whether the kernel has bytes of the client that were not read.
    var hasInput: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0
    }

    /// The connection's next deadline.
    final class Timeout: LoopTimer {
        private unowned let connection: HTTPConnection
        init(of connection: HTTPConnection) {
            self.connection = connection
            super.init()
        }
        override func fire() { connection.timeout() }
    }

    // MARK: Reading

    override func ready(_ readiness: Readiness) {
        if readiness.contains(.failed) || readiness.contains(.hungUp) {
            close()
            return
        }
        if readiness.contains(.readable) || readiness.contains(.peerClosed) {
            if readiness.contains(.peerClosed) { sawPeerClose = true }
            isHandlingReadiness = true
            receive()
            isHandlingReadiness = false
        }
        guard descriptor >= 0 else { return }
        if wantsFlush || readiness.contains(.writable) && (!output.isEmpty || exchange?.sourceHasMore == true) {
            wantsFlush = false
            flush()
        } else {
            updateTimer()
        }
    }

    /// Reads until the kernel has no more, the handler has enough, or the client has left.
    func receive() {
        isReadPaused = false
        while descriptor >= 0 {
            if shouldPauseReading {
                isReadPaused = true
                // A handler that takes its time is not a client that does.
                if machine.isReceivingBody { machine.bodyPaused(now: loop.now) }
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
        if descriptor >= 0, !isHandlingReadiness { updateTimer() }
    }

    private var shouldPauseReading: Bool {
        guard let exchange else { return false }
        if machine.isReceivingBody { return exchange.bufferedBytes >= server.settings.readBufferBytes }
        return input.count >= Self.pipelinedBytes
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        if machine.dropsInput { return }
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
            if machine.dropsInput { return bytes.count }
            guard machine.acceptsHead || machine.isReceivingBody else { break }
            if let exchange, machine.isReceivingBody, consumed < bytes.count, exchange.bufferedBytes >= server.settings.readBufferBytes {
                machine.bodyPaused(now: loop.now)
                break
            }
            switch parser.next(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) {
            case .needMore:
                if parser.hasPartialMessage, machine.acceptsHead { machine.headBegan(now: loop.now) }
                return consumed
            case .head(let head, let count):
                consumed += count
                bytesBehindHead = bytes.count - consumed
                headReceived(head)
                bytesBehindHead = 0
            case .body(let range, let count):
                machine.bodyReceived(range.count, now: loop.now)
                exchange?.body?.receive(
                    UnsafeRawBufferPointer(rebasing: bytes[(consumed + range.lowerBound)..<(consumed + range.upperBound)]))
                consumed += count
            case .end(let count):
                consumed += count
                machine.bodyEnded()
                exchange?.body?.complete()
            case .failure(let failure):
                refuse(failure.status, failure.reason)
                return bytes.count
            }
        }
        return consumed
    }

    private func headReceived(_ head: HTTPRequestHead) {
        let exchange = state.exchange(head: head, requestID: head.sentRequestID ?? HTTPRequestID())
        self.exchange = exchange
        let hasBody = head.framing != .none
        exchange.awaitsContinue = head.expectsContinue && hasBody
        machine.headEnded(keepsAlive: head.keepAlive && !server.isDraining, hasBody: hasBody, now: loop.now)
        var body = state.emptyBody
        if hasBody {
            body = HTTPRequestBody()
            body.connection = self
            exchange.body = body
        }
        parser.bodyLimit = server.settings.parser.bodyBytes
        switch server.responder.reply(
            to: HTTPRequest(head: head, id: exchange.requestID, peer: peer, loop: loop, body: body))
        {
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
    func bodyWanted(_ body: HTTPRequestBody) {
        guard let exchange, exchange.body === body, machine.isReceivingBody else { return }
        if exchange.awaitsContinue {
            exchange.awaitsContinue = false
            if body.bufferedBytes == 0 {
                output.append("HTTP/1.1 100 Continue\r\n\r\n")
                queueFlush()
            }
        }
        guard body.bufferedBytes < server.settings.readBufferBytes else { return }
        machine.bodyResumed(now: loop.now)
        if !input.isEmpty { parseInput() }
        if isReadPaused {
            receive()
        } else if waitsInVain {
            close()
        } else {
            updateTimer()
        }
    }

    /// Whether the client has ended its side and what it has asked can never be complete, or is answered.
    var waitsInVain: Bool {
        guard hasPeerEnded, descriptor >= 0 else { return false }
        guard let exchange else { return true }
        return input.isEmpty && machine.isReceivingBody && !exchange.isBodyDone
    }

    private func peerEnded() {
        hasPeerEnded = true
        // What it had asked before is looked at first.
        if isParsePosted { return }
        // A client that ends its side while a request is incomplete, while nothing is asked, or while it follows a stream, has left. One that
        // waits for a bounded answer gets it, also a stream whose length it knows, and the refusal of a body that is not complete.
        if let exchange, exchange.source == nil || exchange.missingBytes != nil, !machine.isReceivingBody || exchange.isBodyDone {
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
        exchange.statusCode = response.status.code
        let isHead = exchange.head?.method == .head
        let version = exchange.head?.version ?? .http11
        // HTTP/1.0 has no chunks: there the connection's end is the body's, which the answer to a HEAD announces, too.
        let endsWithConnection = if case .stream(_, nil) = response.body { version != .http11 } else { false }
        let keepsAlive = machine.responseStarted(
            keepsAlive: !response.closesConnection && !endsWithConnection && !server.isDraining
                && !(hasPeerEnded && input.isEmpty && bytesBehindHead == 0))
        state.lend(to: &output)
        let before = output.count
        switch response.body {
        case .empty:
            appendHead(response, exchange.requestID, .length(0), version: version, isHead: isHead, keepsAlive: keepsAlive)
            exchange.isBodyDone = true
        case .bytes(let bytes):
            appendHead(response, exchange.requestID, .length(bytes.count), version: version, isHead: isHead, keepsAlive: keepsAlive)
            if !isHead { output.append(bytes) }
            exchange.isBodyDone = true
        case .stream(let source, let length):
            exchange.isChunked = length == nil && !endsWithConnection
            exchange.missingBytes = length
            let framing = length.map { HTTPFraming.length($0) } ?? (exchange.isChunked ? .chunked : .untilClose)
            appendHead(response, exchange.requestID, framing, version: version, isHead: isHead, keepsAlive: keepsAlive)
            if isHead {
                exchange.isBodyDone = true
                source.detached()
            } else {
                exchange.source = source
                exchange.sourceHasMore = true
                if let storage = exchange.keepTarget(state) { state.heads.put(consume storage) }
                exchange.body?.connection = nil
                if !machine.isReceivingBody { exchange.body = nil }
                source.attached(to: self)
            }
        }
        exchange.bytesSent += output.count - before
        if exchange.source == nil || isHandlingReadiness {
            queueFlush()
        } else {
            // Before what else the turn has to do, such as a handler's first work: what there is of the stream need not wait for that.
            flush()
        }
    }

    private func appendHead(
        _ response: HTTPResponse, _ id: HTTPRequestID, _ framing: HTTPFraming, version: HTTPVersion, isHead: Bool, keepsAlive: Bool
    ) {
        let head = HTTPResponseHead(
            response.status, headers: response.headers, framing: isHead ? framing.ofHeadRequest : framing, version: version,
            keepAlive: keepsAlive)
        head.write(to: &output, date: state.date.date(now: loop.now), requestID: id)
    }

    /// Answers a request that is malformed, too large or too slow. The connection closes behind the answer.
    func refuse(_ status: HTTPStatus, _ reason: String) {
        let exchange = exchange ?? state.exchange(head: nil, requestID: HTTPRequestID())
        self.exchange = exchange
        exchange.body?.fail(MillraceError(.invalidInput, reason))
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
            exchange.body?.connection = nil
            exchange.body?.fail(MillraceError(.cancelled, "the client has closed the connection"))
            exchange.source?.detached()
            log(exchange, isComplete: false)
        }
        state.remove(self)
    }

    func log(_ exchange: Exchange, isComplete: Bool) {
        state.note(
            HTTPAccessRecord(
                requestID: exchange.requestID, peer: peer, target: exchange.head.map { .head($0) } ?? exchange.kept,
                statusCode: exchange.statusCode, bytesSent: exchange.bytesSent, startedAt: exchange.startedAt,
                endedAt: EventLoop.clock(), isComplete: isComplete))
    }
}
