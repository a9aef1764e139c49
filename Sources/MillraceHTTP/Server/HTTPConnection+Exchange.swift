import MillraceCore

extension HTTPConnection {
    /// The request that is being answered. One object serves many, one after the other.
    final class Exchange: @unchecked Sendable {  // Sendable: tasks on the loop carry it.
        /// Let go of when a stream begins, which may last for hours.
        @exclusivity(unchecked) var head: HTTPRequestHead?
        /// What the access log needs of a head that was let go of.
        @exclusivity(unchecked) private(set) var kept: HTTPAccessRecord.Target?
        @exclusivity(unchecked) private(set) var requestID: HTTPRequestID
        @exclusivity(unchecked) private(set) var startedAt: Int64
        /// `nil` where the request has none.
        @exclusivity(unchecked) var body: HTTPRequestBody?
        @exclusivity(unchecked) var task: Task<Void, Never>?
        @exclusivity(unchecked) var source: (any HTTPBodySource)?
        @exclusivity(unchecked) var sourceHasMore = false
        @exclusivity(unchecked) var isChunked = false
        /// What a body of known length still owes.
        @exclusivity(unchecked) var missingBytes: Int?
        @exclusivity(unchecked) var isBodyDone = false
        @exclusivity(unchecked) var statusCode = 200
        @exclusivity(unchecked) var bytesSent = 0
        @exclusivity(unchecked) var awaitsContinue = false

        init(head: HTTPRequestHead?, requestID: HTTPRequestID, startedAt: Int64) {
            self.head = head
            self.requestID = requestID
            self.startedAt = startedAt
        }

        /// What waits of the request's body.
        var bufferedBytes: Int { body?.bufferedBytes ?? 0 }

        /// Another request begins.
        func begin(head: HTTPRequestHead?, requestID: HTTPRequestID, startedAt: Int64) {
            self.head = head
            self.requestID = requestID
            self.startedAt = startedAt
        }

        /// Forgets the request that has ended.
        func end() {
            kept = nil
            body = nil
            task = nil
            source = nil
            sourceHasMore = false
            isChunked = false
            missingBytes = nil
            isBodyDone = false
            statusCode = 200
            bytesSent = 0
            awaitsContinue = false
        }

        /// The head's memory, which is let go of.
        func takeHead() -> HTTPHeadStorage? {
            let storage = head?.storage
            head = nil
            return storage
        }

        /// Keeps of the head what the access log says, and returns its memory.
        func keepTarget(_ state: HTTPLoopState) -> HTTPHeadStorage? {
            if let head { kept = .kept(method: head.method, path: state.path(of: head)) }
            return takeHead()
        }
    }
}
