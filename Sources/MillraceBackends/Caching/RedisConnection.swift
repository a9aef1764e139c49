import CHiredis
import Glibc
import MillraceCore

/// One connection to a Redis server, through hiredis. It blocks, until a deadline at most, and is used by one thread at a time.
///
/// hiredis's own blocking calls bound each read; a server that sends a byte now and then could hold them for ever. So the socket does not block,
/// and `poll` waits for what is left of the time.
final class RedisConnection: @unchecked Sendable {  // Sendable: handed from thread to thread through the pool's lock.
    /// What an answer may have beside a value: a page of keys is the longest.
    private static let slackByteCount = 4 << 20

    private let context: UnsafeMutablePointer<redisContext>
    private let answerByteLimit: Int

    /// Connects.
    /// - Parameters:
    ///   - place: with a numeric address for a host.
    ///   - deadline: a time of the monotonic clock.
    init(_ place: RedisEndpoint.Place, answerByteLimit: Int, deadline: Int64) throws(RedisFailure) {
        let made =
            switch place {
            case .tcp(let address, let port): redisConnectNonBlock(address, Int32(port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let made else { throw .unreachable("out of memory") }
        context = made
        self.answerByteLimit = answerByteLimit
        // A program that is started meanwhile must not inherit it.
        if context.pointee.fd >= 0 { _ = fcntl(context.pointee.fd, F_SETFD, FD_CLOEXEC) }
        guard context.pointee.err == 0 else { throw .unreachable(problem) }
        try wait(for: POLLOUT, deadline)
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(context.pointee.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0, error == 0 else {
            throw .unreachable(String(cString: strerror(error == 0 ? errno : error)))
        }
    }

    deinit { redisFree(context) }

    /// Sends a command and waits for its answer. After a failure the connection is of no use any more.
    func exchange(_ command: [[UInt8]], deadline: Int64) throws(RedisFailure) -> RedisReply {
        let bytes = command.flatMap { $0 }.map { CChar(bitPattern: $0) }
        let status = bytes.withUnsafeBufferPointer { bytes in
            var start = 0
            // A part without bytes has some address all the same.
            var parts: [UnsafePointer<CChar>?] = command.map { part in
                defer { start += part.count }
                return bytes.baseAddress.map { $0 + start }
            }
            let lengths = command.map(\.count)
            return redisAppendCommandArgv(context, Int32(command.count), &parts, lengths)
        }
        guard status == REDIS_OK else { throw .lost(problem) }
        var isSent: Int32 = 0
        while true {
            guard redisBufferWrite(context, &isSent) == REDIS_OK else { throw .lost(problem) }
            if isSent != 0 { break }
            try wait(for: POLLOUT, deadline)
        }
        var received = 0
        while true {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw .lost(problem) }
            if let reply {
                defer { freeReplyObject(reply) }
                return RedisReply(reply.assumingMemoryBound(to: redisReply.self))
            }
            try wait(for: POLLIN, deadline)
            let before = context.pointee.reader.pointee.len
            guard redisBufferRead(context) == REDIS_OK else { throw .lost(problem) }
            received += max(context.pointee.reader.pointee.len - before, 0)
            guard received <= answerByteLimit + Self.slackByteCount else { throw .tooLong }
        }
    }

    private func wait(for events: Int32, _ deadline: Int64) throws(RedisFailure) {
        var entry = pollfd(fd: context.pointee.fd, events: Int16(events), revents: 0)
        while true {
            let left = deadline - TimeSource.system.monotonic()
            guard left > 0 else { throw .timedOut }
            let count = poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw .lost(String(cString: strerror(errno))) }
        }
    }

    private var problem: String {
        withUnsafeBytes(of: context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
