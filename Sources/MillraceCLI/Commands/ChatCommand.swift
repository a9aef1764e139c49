import Glibc
import MillraceCore
import MillraceServer

/// `millrace chat`: one question, or a conversation.
struct ChatCommand {
    /// The most bytes of a question that are read from standard input.
    private static let inputLimit = 4 << 20

    let command: ParsedCommand
    let environment: [String: String]
    let terminal: Terminal

    init(_ command: ParsedCommand, _ environment: [String: String], _ terminal: Terminal) {
        self.command = command
        self.environment = environment
        self.terminal = terminal
    }

    func run() throws -> Int32 {
        InterruptSignal.install()
        if command.has("local"), command.has("server") { throw UsageError("--local and --server exclude each other", path: command.path) }
        var request = ChatRequest(
            text: "", attachments: try Attachment.read(command.flags["file"] ?? []), chatID: command.value("chat"),
            task: command.value("task"),
            model: command.value("model"), persona: command.value("persona"))
        return try withTransport { transport in
            if let text = command.arguments.first {
                request.text = text
                return try ask(&request, transport)
            }
            if terminal.inputIsTerminal { return try converse(&request, transport) }
            request.text = String(decoding: try BoundedFile.read("/dev/stdin", limit: Self.inputLimit), as: UTF8.self)
            if request.text.allSatisfy(\.isWhitespace) { throw UsageError("standard input holds no question", path: command.path) }
            return try ask(&request, transport)
        }
    }

    /// `--local` talks to a server in this process, over the same protocol.
    private func withTransport(_ body: (any ChatTransport) throws -> Int32) throws -> Int32 {
        if command.has("local") {
            let report = try SettingsLoader.load(MillraceCommand.sources(command, environment))
            return try LocalServer.with(report.settings) { try body(HTTPChatTransport(api: ServerAPI(base: $0))) }
        }
        return try body(HTTPChatTransport(api: ServerAPI(command, environment)))
    }

    /// Asks once and shows the answer. The chat's id stays in the request for the next question; files go with the first only.
    private func ask(_ request: inout ChatRequest, _ transport: any ChatTransport) throws -> Int32 {
        var renderer = TerminalRenderer(
            isJSON: command.has("json"), outputIsTerminal: terminal.isTerminal(.output), errorIsTerminal: terminal.isTerminal(.error))
        let interruptsBefore = InterruptSignal.count
        let follower = RunFollower(
            transport: transport, write: { for piece in $0 { terminal.write(piece.stream, piece.text) } },
            interrupts: { InterruptSignal.count - interruptsBefore }, pause: RunFollower.pause)
        let opening = StreamOpening.start(body: request.body, idempotencyKey: Identifier.make(prefix: "cli"))
        let outcome = try follower.follow(opening, &renderer)
        request.chatID = renderer.chatID ?? request.chatID
        request.attachments = []
        return Self.exitCode(outcome, wasInterrupted: InterruptSignal.count > interruptsBefore)
    }

    static func exitCode(_ outcome: RunFollower.Outcome, wasInterrupted: Bool) -> Int32 {
        switch outcome {
        case .quit: ExitCode.interrupted
        case .nothingMore: ExitCode.success
        case .ended("completed"), .ended("interrupted"): ExitCode.success
        case .ended: wasInterrupted ? ExitCode.interrupted : ExitCode.failure
        }
    }

    private func converse(_ request: inout ChatRequest, _ transport: any ChatTransport) throws -> Int32 {
        terminal.write(.error, "Ctrl-C stops an answer, Ctrl-D ends the conversation.\n")
        while true {
            terminal.write(.error, "> ")
            let interruptsBefore = InterruptSignal.count
            guard let line = promptedLine() else {
                terminal.write(.error, "\n")
                return InterruptSignal.count > interruptsBefore ? ExitCode.interrupted : ExitCode.success
            }
            if line.allSatisfy(\.isWhitespace) { continue }
            request.text = line
            do { _ = try ask(&request, transport) } catch let error as MillraceError {
                // The conversation outlives an answer that failed.
                terminal.write(.error, "millrace: \(error.message)\n")
            }
        }
    }

    /// A line from the terminal; `nil` at its end and for Ctrl-C.
    private func promptedLine() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let n = read(0, &byte, 1)
            if n <= 0 { return bytes.isEmpty || n < 0 ? nil : String(decoding: bytes, as: UTF8.self) }
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            if bytes.count < Self.inputLimit { bytes.append(byte) }
        }
    }
}
