import CCurl
import MillraceCore
import MillraceEventLoop

/// libcurl's multi-socket interface on one loop: it tells which sockets and which timer libcurl waits for, and the loop tells it what happened.
///
/// Confined to its loop. libcurl must not be called from inside its own callbacks, so these only take notes and resume continuations, which
/// run later in the turn. The loop owns it (see ``EventLoop/attachment(_:)``), so it does not hold the loop.
final class CurlMulti {
    private let handle: CurlMultiHandle
    private unowned let loop: EventLoop
    private lazy var timer = ActionTimer { [unowned self] in self.act(CURL_SOCKET_TIMEOUT, 0) }
    private var running: [ObjectIdentifier: CurlTransfer] = [:]
    private var spare: [UnsafeMutableRawPointer] = []
    private var isClosing = false

    /// Handles that are kept for the next transfers.
    private static let mostSpareHandles = 256

    init(settings: HTTPClientSettings) throws(MillraceError) {
        guard let loop = EventLoop.current else { throw MillraceError(.internal, "a client's loop was made off its loop") }
        self.loop = loop
        handle = try CurlMultiHandle()
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_set_socket(
            handle.raw,
            { _, descriptor, what, context, source in
                guard let context else { return 0 }
                Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue().watch(descriptor, what, source)
                return 0
            }, context)
        ccurl_multi_set_timer(
            handle.raw,
            { _, milliseconds, context in
                guard let context else { return 0 }
                Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue().setTimer(milliseconds)
                return 0
            }, context)
        ccurl_multi_set_long(handle.raw, CURLMOPT_MAXCONNECTS, settings.idleConnections)
    }

    deinit {
        // The loop is on its way out: nothing is registered or unregistered any more, the kernel forgets closed descriptors by itself.
        isClosing = true
        for easy in spare { curl_easy_cleanup(easy) }
    }

    // MARK: What libcurl asks for

    /// A socket of libcurl's that the loop watches. libcurl keeps it alive through the socket's private pointer.
    private final class Source: EventSource, @unchecked Sendable {  // Sendable: posted closures carry it to its own loop only.
        private unowned let multi: CurlMulti

        init(_ descriptor: Int32, _ multi: CurlMulti) {
            self.multi = multi
            super.init(descriptor: descriptor)
        }

        override func ready(_ readiness: Readiness) {
            var mask: Int32 = 0
            if readiness.contains(.readable) { mask |= CURL_CSELECT_IN }
            if readiness.contains(.writable) { mask |= CURL_CSELECT_OUT }
            if readiness.contains(.failed) || readiness.contains(.hungUp) { mask |= CURL_CSELECT_ERR | CURL_CSELECT_IN }
            multi.act(descriptor, mask)
        }
    }

    private func watch(_ descriptor: Int32, _ what: Int32, _ pointer: UnsafeMutableRawPointer?) {
        if what == CURL_POLL_REMOVE {
            guard let pointer else { return }
            let source = Unmanaged<Source>.fromOpaque(pointer).takeRetainedValue()
            if !isClosing { loop.unregister(source) }
            source.descriptor = -1
            return
        }
        var readiness: Readiness = []
        if what & CURL_POLL_IN != 0 { readiness.insert(.readable) }
        if what & CURL_POLL_OUT != 0 { readiness.insert(.writable) }
        if let pointer {
            loop.modify(Unmanaged<Source>.fromOpaque(pointer).takeUnretainedValue(), for: readiness)
        } else {
            let source = Source(descriptor, self)
            // The one call that libcurl allows here.
            curl_multi_assign(handle.raw, descriptor, Unmanaged.passRetained(source).toOpaque())
            if !loop.register(source, for: readiness) { fail(source) }
        }
    }

    /// The kernel does not watch a socket: its transfer fails now, and not at its deadline. libcurl must have returned first.
    private func fail(_ source: Source) {
        shutdown(source.descriptor, Int32(SHUT_RDWR))
        loop.post { if source.descriptor >= 0 { source.ready([.readable, .failed]) } }
    }

    private func setTimer(_ milliseconds: Int) {
        guard !isClosing else { return }
        if milliseconds < 0 { loop.clear(timer) } else { loop.set(timer, after: Int64(milliseconds) * 1_000_000) }
    }

    // MARK: What the loop reports

    private func act(_ descriptor: Int32, _ mask: Int32) {
        var active: Int32 = 0
        curl_multi_socket_action(handle.raw, descriptor, mask, &active)
        reap()
    }

    private func reap() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(handle.raw, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let result = message.pointee.data.result
            var pointer: UnsafeMutableRawPointer?
            ccurl_get_pointer(easy, CURLINFO_PRIVATE, &pointer)
            guard let pointer else { continue }
            let transfer = Unmanaged<CurlTransfer>.fromOpaque(pointer).takeUnretainedValue()
            var proxyStatus = 0
            ccurl_get_long(easy, CURLINFO_HTTP_CONNECTCODE, &proxyStatus)
            remove(transfer)
            transfer.ended(result, proxyStatus: proxyStatus)
        }
    }

    // MARK: Transfers

    /// Transfers that have not ended.
    var transferCount: Int { running.count }

    /// Starts a transfer.
    /// - Parameter addresses: what the target's name stands for; `nil`: libcurl needs nothing or looks it up itself.
    func start(_ transfer: CurlTransfer, addresses: [String]?) throws(MillraceError) {
        guard let easy = spare.popLast() ?? curl_easy_init() else { throw MillraceError(.system, "libcurl gives no more transfers") }
        do throws(MillraceError) { try transfer.prepare(easy, addresses: addresses) } catch {
            transfer.releaseLists()
            curl_easy_cleanup(easy)
            throw error
        }
        running[ObjectIdentifier(transfer)] = transfer
        transfer.attach(easy, to: self)
        let code = curl_multi_add_handle(handle.raw, easy)
        guard code == CURLM_OK else {
            remove(transfer)
            throw MillraceError(.system, "libcurl takes no transfer: \(String(cString: curl_multi_strerror(code)))")
        }
    }

    /// Cuts off a transfer that has not ended, at once.
    ///
    /// libcurl from 7.88 on only queues the RST_STREAM of an HTTP/2 stream that is cut off: it leaves with what is next sent on the
    /// connection, which may be never (curl issue 17611). So another transfer on the connection is made to send; without one the connection
    /// is closed, as that of a transfer over HTTP/1.1 is anyway.
    func cutOff(_ transfer: CurlTransfer) {
        let neighbour = neighbour(of: transfer)
        if neighbour == nil { transfer.forbidReuse() }
        remove(transfer)
        if let neighbour {
            // Lifting a pause sends a WINDOW_UPDATE if one is due, and whatever else waits.
            curl_easy_pause(neighbour, CURLPAUSE_RECV)
            resume(neighbour)
        }
    }

    /// A transfer that shares the connection, rather one whose answer has begun: its request has been sent for sure.
    private func neighbour(of transfer: CurlTransfer) -> UnsafeMutableRawPointer? {
        guard transfer.target.isSecure, let port = transfer.localPort else { return nil }
        let others = running.values.filter { $0 !== transfer && $0.target.authority == transfer.target.authority && $0.localPort == port }
        return (others.first { $0.status > 0 } ?? others.first)?.easy
    }

    /// Takes a transfer out.
    private func remove(_ transfer: CurlTransfer) {
        guard let easy = transfer.detach() else { return }
        curl_multi_remove_handle(handle.raw, easy)
        transfer.releaseLists()
        if spare.count < Self.mostSpareHandles {
            curl_easy_reset(easy)
            spare.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
        running[ObjectIdentifier(transfer)] = nil
    }

    /// Goes on with a transfer whose callback had paused it. Not from inside a callback.
    func resume(_ easy: UnsafeMutableRawPointer) {
        curl_easy_pause(easy, CURLPAUSE_CONT)
        // What was held back may have been delivered, and may have ended the transfer.
        reap()
    }
}
