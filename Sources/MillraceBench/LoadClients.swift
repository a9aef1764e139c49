import Glibc
import MillraceCore

/// The load generator's processes: one, or several where one may not have so many descriptors.
///
/// All get ready, then they measure together: what happens at ``measure(atReady:atStart:atStop:)``'s moments holds for all of them.
final class LoadClients {
    /// Connections that one process opens at most.
    static let connectionsPerProcess = 7500

    private final class Client {
        var process: ChildProcess
        init(_ process: consuming ChildProcess) { self.process = process }
    }

    private enum Line {
        case mark(String)
        case result(LoadResult)
    }

    private var clients: [Client] = []
    private let errors: String

    /// - Parameters:
    ///   - connections: how many there are in all; the flag is added here.
    init(tools: String, flags: [String], connections: Int, directory: String, core: Int?) throws(MillraceError) {
        errors = "\(directory)/load.log"
        let count = (connections + Self.connectionsPerProcess - 1) / Self.connectionsPerProcess
        for number in 0..<count {
            let share = connections / count + (number < connections % count ? 1 : 0)
            clients.append(
                Client(
                    try ChildProcess(
                        "\(tools)/MillraceBenchLoad", flags + ["--gate", "--connections", "\(share)"], output: .pipe, errors: errors,
                        core: core, takesInput: true)))
        }
    }

    /// Measures once.
    /// - Throws: ``MillraceError`` where a process ends before its time; what it said by then is in the message.
    func measure(
        atReady: () -> Void, atStart: () -> Void, atStop: () -> Void
    ) throws(MillraceError) -> LoadResult {
        try expect(mark: "ready")
        atReady()
        for client in clients { client.process.send("\n") }
        try expect(mark: "start")
        atStart()
        guard case .mark("stop") = try nextLine(of: clients[0]) else { throw failed("no end") }
        atStop()
        var results: [LoadResult] = []
        for (number, client) in clients.enumerated() {
            if number > 0, case .result = try nextLine(of: client) { throw failed("no end") }
            guard case .result(let result) = try nextLine(of: client) else { throw failed("no result") }
            results.append(result)
        }
        return LoadResult(together: results)
    }

    private func expect(mark: String) throws(MillraceError) {
        for client in clients {
            switch try nextLine(of: client) {
            case .mark(mark): break
            case .mark(let other): throw failed("'\(other)' in place of '\(mark)'")
            // It gave up, and the notes say why.
            case .result(let result): throw failed(result.notes.joined(separator: ", "))
            }
        }
    }

    private func nextLine(of client: Client) throws(MillraceError) -> Line {
        guard let line = client.process.nextLine() else { throw failed(Files.read(errors) ?? "") }
        if let mark = try JSONValue(parsing: line)["mark"]?.string { return .mark(mark) }
        return .result(try LoadResult(line: line))
    }

    private func failed(_ reason: String) -> MillraceError { MillraceError(.system, "nothing was measured: \(reason)") }
}
