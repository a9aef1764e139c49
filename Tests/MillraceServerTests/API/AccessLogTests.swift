import Glibc
import MillraceCore
import MillraceHTTP
import Testing

@testable import MillraceServer

@Suite struct AccessLogTests {
    static func record(path: String, at moment: Int64 = 5_000_000_000, isComplete: Bool = true) -> HTTPAccessRecord {
        HTTPAccessRecord(
            requestID: HTTPRequestID(), peer: "::1", target: .kept(method: .get, path: path), statusCode: 404, bytesSent: 321,
            startedAt: moment - 1_234_567, endedAt: moment, isComplete: isComplete)
    }

    /// The lines that a log writes of records.
    static func lines(_ format: LogFormat, level: LogLevel = .info, _ records: [HTTPAccessRecord]) throws -> [String] {
        let directory = TemporaryDirectory()
        directory.write("access.log", "")
        let path = directory.path + "/access.log"
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        let sink = LogSink(descriptor: descriptor)
        let log = AccessLog(logger: Logger(sink: sink, level: level, format: format))
        for record in records { log.append(record) }
        log.flush()
        log.flush()
        sink.stop()
        return String(decoding: try BoundedFile.read(path, limit: 1 << 20), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func textLine_hasEveryPart() throws {
        let record = Self.record(path: "/healthz")
        let line = try #require(try Self.lines(.text, [record]).first)
        let rest =
            " info request request_id=\(record.requestID) method=GET path=/healthz status=404 bytes=321 duration_us=1234 peer=::1"
        #expect(line.hasSuffix(rest))
        #expect(line.utf8.count == 27 + rest.utf8.count)
    }

    @Test(arguments: [("/a=b", "\"/a=b\""), ("/a%20b", "/a%20b"), ("", "\"\"")]) func textPath_isQuotedWhereItMustBe(
        path: String, shown: String
    ) throws {
        let line = try #require(try Self.lines(.text, [Self.record(path: path)]).first)
        #expect(line.contains(" path=\(shown) status="))
    }

    @Test(arguments: [("/healthz", true), ("/a=b", false), ("", true)]) func jsonLine_isAnObject(path: String, isComplete: Bool) throws {
        let record = Self.record(path: path, isComplete: isComplete)
        let line = try #require(try Self.lines(.json, [record]).first)
        let json = try JSONValue(parsing: Array(line.utf8))
        #expect(json["level"]?.string == "info")
        #expect(json["message"]?.string == "request")
        #expect(json["request_id"]?.string == "\(record.requestID)")
        #expect(json["method"]?.string == "GET")
        #expect(json["path"]?.string == path)
        #expect(json["status"]?.integer == 404)
        #expect(json["bytes"]?.integer == 321)
        #expect(json["duration_us"]?.integer == 1234)
        #expect(json["peer"]?.string == "::1")
        #expect(json["complete"]?.bool == (isComplete ? nil : false))
    }

    @Test func requestWithoutHead_hasNoMethod() throws {
        var record = Self.record(path: "")
        record.target = nil
        #expect(try #require(try Self.lines(.text, [record]).first).contains("\(record.requestID) status=404 "))
        let json = try JSONValue(parsing: Array(try #require(try Self.lines(.json, [record]).first).utf8))
        #expect(json["method"] == nil && json["status"]?.integer == 404)
    }

    @Test func lessImportantThanTheLevel_isNotWritten() throws {
        #expect(try Self.lines(.text, level: .warning, [Self.record(path: "/")]).isEmpty)
    }

    @Test func times_followTheMonotonicClock() throws {
        let start: Int64 = 90_000_000_000
        let steps: [Int64] = [0, 1, 250_000_000, 999_000_000, 1_700_000_000, 61_700_000_000]
        let lines = try Self.lines(.text, steps.map { Self.record(path: "/", at: start + $0) })
        let times = lines.map { String($0.prefix(27)) }
        #expect(times == times.sorted())
        #expect(times.allSatisfy { $0.hasSuffix("Z") && $0.utf8.count == 27 })
        func micros(_ time: String) -> Int { Int(time.dropFirst(20).dropLast()) ?? -1 }
        // Where a second of the wall clock begins between the two, both clocks are read again, and this thread may be stopped in between.
        let passed = (micros(times[2]) - micros(times[0]) + 1_000_000) % 1_000_000
        #expect((200_000...300_000).contains(passed))
    }
}
