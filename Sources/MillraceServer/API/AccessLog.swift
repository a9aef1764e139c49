import MillraceCore
import MillraceHTTP

/// One structured line for every request.
struct AccessLog: Sendable {
    let logger: Logger

    func write(_ record: HTTPAccessRecord) {
        guard logger.writes(.info) else { return }
        var line = ByteBuffer(capacity: 320)
        logger.begin(&line, .info, "request")
        logger.append("request_id", .string(record.requestID), to: &line)
        if let target = record.target {
            logger.append("method", .string(target.method.rawValue), to: &line)
            logger.append("path", .string(target.path), to: &line)
        }
        logger.append("status", record.status.code, to: &line)
        logger.append("bytes", record.bytesSent, to: &line)
        logger.append("duration_us", Int(record.nanoseconds / 1000), to: &line)
        logger.append("peer", .string(record.peer), to: &line)
        if !record.isComplete { logger.append("complete", .bool(false), to: &line) }
        logger.end(&line)
    }
}
