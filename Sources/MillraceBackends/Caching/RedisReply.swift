import CHiredis

/// An answer of a Redis server (RESP2), copied out of hiredis's memory.
enum RedisReply: Equatable, Sendable {
    case bytes([UInt8])
    case integer(Int)
    case null
    case status(String)
    case error(String)
    case array([RedisReply])

    init(_ reply: UnsafePointer<redisReply>) {
        func bytes() -> [UInt8] {
            guard let start = reply.pointee.str else { return [] }
            return Array(UnsafeRawBufferPointer(start: start, count: reply.pointee.len))
        }
        switch reply.pointee.type {
        case REDIS_REPLY_STRING: self = .bytes(bytes())
        case REDIS_REPLY_INTEGER: self = .integer(Int(reply.pointee.integer))
        case REDIS_REPLY_STATUS: self = .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            self = .array((0..<reply.pointee.elements).map { reply.pointee.element[$0].map { RedisReply($0) } ?? .null })
        default: self = .null
        }
    }
}

/// Why a command has no answer.
enum RedisFailure: Error, Equatable {
    /// No connection came about.
    case unreachable(String)
    /// The server did not answer in time.
    case timedOut
    /// The connection broke.
    case lost(String)
    /// The server refuses: the password is wrong, or it is not ready.
    case refused(String)
    /// The answer is longer than any value that is kept.
    case tooLong
    /// Nobody asks, since the server failed just before.
    case resting

    var text: String {
        switch self {
        case .unreachable(let reason): "no connection: \(reason)"
        case .timedOut: "no answer in time"
        case .lost(let reason): "the connection broke: \(reason)"
        case .refused(let reason): "it answered \(reason)"
        case .tooLong: "the answer is too long"
        case .resting: "it failed just before"
        }
    }
}
