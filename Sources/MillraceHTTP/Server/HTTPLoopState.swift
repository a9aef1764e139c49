import Glibc
import MillraceCore
import MillraceEventLoop

/// What the connections of one loop share: limits, the date, the access log, and memory that one request leaves for the next. Confined to the
/// loop.
final class HTTPLoopState: TurnEndWork, @unchecked Sendable {  // Sendable: connections carry it, on their own loop.
    let loop: EventLoop
    let server: HTTPServerContext
    let timeouts: HTTPTimeouts
    let parserLimits: OutOfLine<HTTPParserLimits>
    let heads = HTTPHeadPool()
    let emptyBody = HTTPRequestBody.empty()
    let date = HTTPDateCache()
    /// Memory for the next response: most leave whole in the turn in which they are made.
    @exclusivity(unchecked) private var spareOutput = ByteBuffer()
    @exclusivity(unchecked) private var exchanges: [HTTPConnection.Exchange] = []
    @exclusivity(unchecked) private(set) var connections: [ObjectIdentifier: HTTPConnection] = [:]
    @exclusivity(unchecked) private var isLogQueued = false
    /// The path of the stream that began last: most begin with the same, and keep it for as long as they last.
    @exclusivity(unchecked) private var keptPath = ""
    private let log: any HTTPAccessLog

    private static let keptExchanges = 64
    /// A buffer that has grown beyond this is given back, in bytes.
    private static let keptOutputBytes = 16 << 10

    init(loop: EventLoop, server: HTTPServerContext) {
        self.loop = loop
        self.server = server
        timeouts = HTTPTimeouts(server.settings)
        parserLimits = OutOfLine(server.settings.parser.bounded)
        log = server.responder.makeAccessLog()
    }

    deinit { log.flush() }

    // MARK: Connections

    func add(_ connection: HTTPConnection) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: HTTPConnection) {
        connections.removeValue(forKey: ObjectIdentifier(connection))
        server.release()
    }

    // MARK: Memory

    /// Gives memory to an output that has none.
    func lend(to output: inout ByteBuffer) {
        if output.capacity == 0 { swap(&output, &spareOutput) }
    }

    /// Takes the memory of an output that is empty.
    func takeBack(_ output: inout ByteBuffer) {
        if spareOutput.capacity == 0, output.capacity <= Self.keptOutputBytes {
            output.removeAll()
            swap(&output, &spareOutput)
        } else {
            output.release()
        }
    }

    func exchange(head: HTTPRequestHead?, requestID: HTTPRequestID) -> HTTPConnection.Exchange {
        guard let exchange = exchanges.popLast() else {
            return HTTPConnection.Exchange(head: head, requestID: requestID, startedAt: loop.now)
        }
        exchange.begin(head: head, requestID: requestID, startedAt: loop.now)
        return exchange
    }

    /// Keeps an exchange that has ended and its head's memory for another request, unless somebody still refers to them.
    func recycle(_ ended: consuming HTTPConnection.Exchange) {
        var exchange = ended
        if let storage = exchange.takeHead() { heads.put(consume storage) }
        guard exchanges.count < Self.keptExchanges, isKnownUniquelyReferenced(&exchange) else { return }
        exchange.end()
        exchanges.append(exchange)
    }

    /// The path of a request, in memory that it shares with the last one that asked for the same.
    func path(of head: HTTPRequestHead) -> String {
        let isSame = head.withRawPath { path in
            keptPath.withUTF8 { kept in
                guard kept.count == path.count, let here = kept.baseAddress, let there = path.baseAddress else { return false }
                return memcmp(here, there, path.count) == 0
            }
        }
        if !isSame { keptPath = head.rawPath }
        return keptPath
    }

    // MARK: Log

    /// Notes a request in the access log, whose lines leave together when the turn ends.
    func note(_ record: HTTPAccessRecord) {
        log.append(record)
        guard !isLogQueued else { return }
        isLogQueued = true
        loop.atTurnEnd(.output, self)
    }

    func turnEnds() {
        isLogQueued = false
        log.flush()
    }
}
