import CCurl
import MillraceCore

/// A client that blocks its thread and streams the response to closures: for the command line, never for a loop.
///
/// It speaks http and https only, follows no redirects, and takes proxies from the environment, but never for this machine.
package struct BlockingHTTPClient: Sendable {
    /// What to do when nothing listens, appended to the error's message; empty: nothing.
    package var unreachableAdvice: String
    /// How often the client asks whether to go on while nothing happens, in milliseconds.
    static let tickMilliseconds: Int32 = 50

    package init(unreachableAdvice: String = "start it with `millrace serve`") {
        self.unreachableAdvice = unreachableAdvice
    }

    /// What the callbacks have received since they were last looked at. Only the calling thread touches it.
    fileprivate final class Inbox {
        var head = CurlResponseHead(status: 0)
        var headIsComplete = false
        var body: [UInt8] = []
    }

    /// Sends a request and returns when the response has ended.
    /// - Parameters:
    ///   - onHead: gets the final response's head.
    ///   - onBody: gets each piece of the body as it arrives.
    ///   - proceed: asked at least every 50 ms, on the calling thread and outside of libcurl, so it may make requests of its own; `false`
    ///     closes the connection at once and throws ``ErrorCode/cancelled``.
    /// - Throws: what the closures throw; ``MillraceError`` that says what to do when the server cannot be reached or the connection breaks
    ///   (`isRetryable` where another attempt can help).
    @discardableResult
    package func send(
        _ request: CurlRequest, onHead: (CurlResponseHead) throws -> Void = { _ in }, onBody: ([UInt8]) throws -> Void,
        proceed: () throws -> Bool = { true }
    ) throws -> CurlResponseHead {
        let target = try RequestTarget(url: request.url)
        let easy = try CurlEasyHandle()
        let headers = try CurlHeaderList(request.headers)
        let multi = try CurlMultiHandle()
        let inbox = Inbox()
        let context = Unmanaged.passUnretained(inbox).toOpaque()
        try prepare(easy, request, target, context)
        try easy.options.set(CURLOPT_HTTPHEADER, UnsafeMutableRawPointer(headers.raw))
        var body = request.body ?? []
        return try body.withUnsafeMutableBytes { body in
            if request.body != nil {
                try easy.options.set(CURLOPT_POSTFIELDSIZE, body.count)
                try easy.options.set(CURLOPT_POSTFIELDS, body.count > 0 ? body.baseAddress : nil)
            }
            try easy.options.set(CURLOPT_CUSTOMREQUEST, request.method)
            guard curl_multi_add_handle(multi.raw, easy.raw) == CURLM_OK else { throw MillraceError(.system, "libcurl takes no transfer") }
            defer { curl_multi_remove_handle(multi.raw, easy.raw) }
            var headIsDelivered = false
            while true {
                var running: Int32 = 0
                let code = curl_multi_perform(multi.raw, &running)
                guard code == CURLM_OK else { throw MillraceError(.system, "libcurl: \(String(cString: curl_multi_strerror(code)))") }
                if inbox.headIsComplete, !headIsDelivered {
                    headIsDelivered = true
                    try onHead(inbox.head)
                }
                if !inbox.body.isEmpty {
                    let piece = inbox.body
                    inbox.body = []
                    try onBody(piece)
                }
                if running == 0 { break }
                guard try proceed() else { throw MillraceError(.cancelled, "the request to \(target.authority) was cancelled") }
                _ = curl_multi_poll(multi.raw, nil, 0, Self.tickMilliseconds, nil)
            }
            var left: Int32 = 0
            if let message = curl_multi_info_read(multi.raw, &left), message.pointee.data.result != CURLE_OK {
                throw CurlFailure.error(message.pointee.data.result, target, advice: unreachableAdvice)
            }
            return inbox.head
        }
    }

    /// Sends a request and returns the whole response.
    /// - Parameter limit: the most bytes of body that are taken (default: 64 MiB).
    /// - Throws: as ``send(_:onHead:onBody:proceed:)``, and ``ErrorCode/limitExceeded``.
    package func fetch(
        _ request: CurlRequest, limit: Int = 64 << 20, proceed: () throws -> Bool = { true }
    ) throws -> (head: CurlResponseHead, body: [UInt8]) {
        var body: [UInt8] = []
        let head = try send(
            request,
            onBody: { piece in
                body += piece
                if body.count > limit { throw MillraceError(.limitExceeded, "the response is longer than \(limit) bytes") }
            }, proceed: proceed)
        return (head, body)
    }

    private func prepare(
        _ easy: borrowing CurlEasyHandle, _ request: CurlRequest, _ target: RequestTarget, _ context: UnsafeMutableRawPointer
    ) throws(MillraceError) {
        try easy.options.set(CURLOPT_URL, request.url)
        try easy.options.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try easy.options.set(CURLOPT_FOLLOWLOCATION, 0)
        try easy.options.closeOnExec()
        // Without this libcurl's resolver uses SIGALRM, which is unsafe with threads.
        try easy.options.set(CURLOPT_NOSIGNAL, 1)
        try easy.options.set(CURLOPT_USERAGENT, "millrace/\(MillraceVersion.current)")
        try easy.options.set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeoutMilliseconds)
        if let total = request.totalTimeoutMilliseconds { try easy.options.set(CURLOPT_TIMEOUT_MS, total) }
        // Set only here: any value replaces the environment's no_proxy.
        if target.isLoopback { try easy.options.set(CURLOPT_NOPROXY, "*") }
        // Sends a body with POST's rules; the method itself is set by name.
        if request.body != nil {
            try easy.options.set(CURLOPT_POST, 1)
        } else if request.method == "HEAD" {
            try easy.options.set(CURLOPT_NOBODY, 1)
        }
        try easy.options.set(CURLOPT_HEADERDATA, context)
        try easy.options.set(
            CURLOPT_HEADERFUNCTION,
            { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().receive(headerLine: String(decoding: line, as: UTF8.self))
                return size * count
            })
        try easy.options.set(CURLOPT_WRITEDATA, context)
        try easy.options.set(
            CURLOPT_WRITEFUNCTION,
            { bytes, size, count, context in
                guard let bytes, let context else { return 0 }
                let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
                Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().body.append(contentsOf: piece)
                return size * count
            })
    }
}

extension BlockingHTTPClient.Inbox {
    /// Takes one line of a head. Each interim response (1xx) is forgotten when the next head begins.
    fileprivate func receive(headerLine line: String) {
        let line = line.split(whereSeparator: { $0.isNewline }).first.map(String.init) ?? ""
        if line.hasPrefix("HTTP/") {
            let status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            head = CurlResponseHead(status: status)
        } else if line.isEmpty {
            headIsComplete = head.status >= 200
        } else if !headIsComplete, let colon = line.firstIndex(of: ":") {
            var value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            while value.last == " " || value.last == "\t" { value.removeLast() }
            head.headers.append(CurlRequest.Header(String(line[..<colon]), String(value)))
        }
    }
}
