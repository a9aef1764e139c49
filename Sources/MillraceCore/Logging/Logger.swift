/// Writes structured log lines: a constant message with metadata beside it.
///
/// ```swift
/// logger.warning("handler not registered", ["handler": "rag_oss", "missing": "search index"])
/// ```
public struct Logger: Sendable {
    private let sink: LogSink?
    /// The least level that is written.
    public let level: LogLevel
    /// How lines look.
    public let format: LogFormat
    private var context: [(name: StaticString, value: JSONValue)] = []

    /// A logger that writes to `sink`; without one, nothing is written.
    public init(sink: LogSink?, level: LogLevel = .info, format: LogFormat = .text) {
        self.sink = sink
        self.level = level
        self.format = format
    }

    /// A logger that drops everything.
    public static let silent = Logger(sink: nil)

    /// A logger whose every line says this as well.
    public func with(_ name: StaticString, _ value: JSONValue) -> Logger {
        var logger = self
        logger.context.append((name, value))
        return logger
    }

    /// Whether lines of `level` are written.
    public func writes(_ level: LogLevel) -> Bool { sink != nil && level >= self.level }

    /// Logs details for whoever hunts a defect.
    public func debug(_ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, JSONValue> = [:]) {
        log(.debug, message, metadata())
    }
    /// Logs what an operator wants to know in normal running.
    public func info(_ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, JSONValue> = [:]) {
        log(.info, message, metadata())
    }
    /// Logs that something is off.
    public func warning(_ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, JSONValue> = [:]) {
        log(.warning, message, metadata())
    }
    /// Logs that something failed.
    public func error(_ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, JSONValue> = [:]) {
        log(.error, message, metadata())
    }

    /// Logs one line.
    public func log(_ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> KeyValuePairs<StaticString, JSONValue> = [:])
    {
        guard writes(level) else { return }
        var line = ByteBuffer()
        begin(&line, level, message)
        for (name, value) in context { append(name, value, to: &line) }
        for (name, value) in metadata() { append(name, value, to: &line) }
        end(&line)
    }

    private func begin(_ line: inout ByteBuffer, _ level: LogLevel, _ message: StaticString) {
        switch format {
        case .json:
            line.append("{\"time\":\"")
            line.append(timestamp: .now())
            line.append("\",\"level\":\"")
            line.append(level.description)
            line.append("\",\"message\":\"")
            line.append(message)
            line.append("\"")
        case .text:
            line.append(timestamp: .now())
            line.append(" ")
            line.append(level.description)
            line.append(" ")
            line.append(message)
        }
    }

    private func append(_ name: StaticString, _ value: JSONValue, to line: inout ByteBuffer) {
        appendName(name, to: &line)
        switch (format, value) {
        case (.text, .string(let text)) where !text.isEmpty && text.utf8.allSatisfy(Self.isPlain): line.append(text)
        default: line.append(json: value)
        }
    }

    private func appendName(_ name: StaticString, to line: inout ByteBuffer) {
        switch format {
        case .json:
            line.append(",\"")
            line.append(name)
            line.append("\":")
        case .text:
            line.append(" ")
            line.append(name)
            line.append("=")
        }
    }

    /// Writes whole lines that a caller has formatted as ``format`` says and ``writes(_:)`` allows (the access log).
    package func write(_ lines: borrowing ByteBuffer) { sink?.write(lines) }

    private func end(_ line: inout ByteBuffer) {
        line.append(format == .json ? "}\n" : "\n")
        sink?.write(line)
    }

    /// Waits until what was logged so far is written.
    public func flush() { sink?.flush() }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
    }
}
