import Glibc
import MillraceCore
import MillraceEventLoop

/// What leaves a connection, and when it must have.
extension HTTPConnection {
    // MARK: Writing

    func bodyIsReady() {
        guard let exchange, exchange.source != nil else { return }
        exchange.sourceHasMore = true
        queueFlush()
    }

    func queueFlush() {
        if isHandlingReadiness {
            wantsFlush = true
            return
        }
        guard !isFlushQueued, descriptor >= 0 else { return }
        isFlushQueued = true
        loop.atTurnEnd(.output, self)
    }

    func turnEnds() {
        isFlushQueued = false
        flush()
    }

    /// Fills the output from the body's source and sends until the kernel takes no more, or nothing is left.
    func flush() {
        guard descriptor >= 0 else { return }
        var sent = 0
        while true {
            fill()
            guard !output.isEmpty else { break }
            let count = output.withBytes { Socket.send(descriptor, $0) }
            if count < 0 {
                if Socket.wouldBlock(count) { break }
                close()
                return
            }
            output.consume(count)
            sent += count
            if !output.isEmpty { break }
            if sent >= Self.bytesPerTurn, exchange?.sourceHasMore == true {
                loop.post { [self] in queueFlush() }
                break
            }
        }
        machine.outputWaits(!output.isEmpty, progressed: sent > 0, now: loop.now)
        if sent > 0 { lastOutputAt = loop.now }
        if output.isEmpty {
            state.takeBack(&output)
            if exchange?.isBodyDone == true { finish() }
        }
        if descriptor >= 0 { updateTimer() }
    }

    /// Asks the body's source for what fits.
    private func fill() {
        guard let exchange, let source = exchange.source else { return }
        if exchange.sourceHasMore { state.lend(to: &output) }
        let limit = server.settings.writeBufferBytes
        while exchange.sourceHasMore, output.count < limit {
            let before = output.count
            let chunk = exchange.isChunked ? output.beginChunk() : 0
            var progress = source.produce(into: &output, limit: min(limit - before, ByteBuffer.largestChunk / 2))
            if exchange.isChunked { output.endChunk(chunk) }
            if let missing = exchange.missingBytes {
                let left = missing - (output.count - before)
                exchange.missingBytes = left
                // Too little leaves the client waiting, too much would stand where the next response begins.
                if left < 0 || progress == .end && left > 0 { progress = .abort }
                if left < 0 { output.truncate(to: output.count + left) }
            }
            switch progress {
            case .more: break
            case .wait: exchange.sourceHasMore = false
            case .end, .abort:
                if progress == .end, exchange.isChunked { output.appendLastChunk() }
                if progress == .abort || !exchange.isChunked && exchange.missingBytes == nil { machine.refused() }
                exchange.sourceHasMore = false
                exchange.isBodyDone = true
                exchange.source = nil
                source.detached()
            }
            exchange.bytesSent += output.count - before
        }
    }

    /// The response has left.
    private func finish() {
        guard let ended = exchange.take() else { return }
        log(ended, isComplete: true)
        ended.body?.connection = nil
        state.recycle(consume ended)
        switch machine.responseEnded(now: loop.now) {
        case .request:
            if !input.isEmpty || isReadPaused {
                // In a later turn, so that a client that pipelines without end shares the loop.
                isParsePosted = true
                loop.post { [self] in
                    isParsePosted = false
                    parseInput()
                    if isReadPaused { receive() }
                    if waitsInVain { close() }
                }
            } else if hasPeerEnded {
                close()
            }
        case .close: close()
        case .linger:
            Socket.shutdownWrite(descriptor)
            input.release()
            receive()
        }
    }

    // MARK: Time

    func updateTimer() {
        var next = machine.deadline(state.timeouts)?.at ?? .max
        if output.isEmpty, let keepAlive = exchange?.source?.keepAlive { next = min(next, lastOutputAt + keepAlive.interval) }
        // A timer that fires early looks again; only an earlier deadline has to move it.
        guard next < timerDeadline else { return }
        timerDeadline = next
        loop.set(timer, at: next)
    }

    func timeout() {
        timerDeadline = .max
        guard descriptor >= 0 else { return }
        if let deadline = machine.deadline(state.timeouts), deadline.at <= loop.now {
            switch deadline.timeout {
            case .idle, .write, .linger:
                close()
                return
            case .head: refuse(.requestTimeout, "the request's head did not come within \(server.settings.headerTimeoutSeconds) seconds")
            case .body:
                refuse(
                    .requestTimeout,
                    "the request's body comes at less than \(server.settings.minBodyBytesPerSecond) bytes a second, or nothing came for "
                        + "\(server.settings.bodyStallTimeoutSeconds) seconds")
            }
        }
        if let exchange, let keepAlive = exchange.source?.keepAlive, output.isEmpty, loop.now >= lastOutputAt + keepAlive.interval {
            let chunk = exchange.isChunked ? output.beginChunk() : 0
            output.append(keepAlive.bytes)
            if exchange.isChunked { output.endChunk(chunk) }
            lastOutputAt = loop.now
            flush()
        }
        if descriptor >= 0 { updateTimer() }
    }
}
