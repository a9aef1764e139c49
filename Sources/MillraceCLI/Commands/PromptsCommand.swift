import MillraceCore
import MillraceServer

/// `millrace prompts embed`: makes the Swift file that puts a handler's templates into the program.
struct PromptsCommand {
    let command: ParsedCommand
    let terminal: Terminal

    init(_ command: ParsedCommand, _ terminal: Terminal) {
        self.command = command
        self.terminal = terminal
    }

    func run() throws -> Int32 {
        let (folder, path) = (command.arguments[0], command.arguments[1])
        guard BoundedFile.exists(folder) else { throw MillraceError(.notFound, "there is no folder \(folder)") }
        let name = path.split(separator: "/").last.map { String($0) } ?? path
        let typeName = String(name.dropLast(".swift".count))
        guard name.hasSuffix(".swift"), let first = typeName.utf8.first, (0x41...0x5A).contains(first),
            typeName.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) })
        else {
            throw MillraceError(
                .invalidInput, "\(path) is not named after a type: the file declares what it is called, such as ChatPrompts.swift")
        }
        let (texts, problems) = PromptDirectory.folder(folder)
        for problem in problems { terminal.write(.error, "millrace: \(problem)\n") }
        guard problems.isEmpty else { return ExitCode.failure }
        let source = try EmbeddedPromptsFile(typeName: typeName, texts: texts).source()
        try AtomicFile.write(Array(source.utf8), to: path, permissions: 0o644, isDurable: false)
        terminal.write(.output, "\(path): \(texts.count) \(texts.count == 1 ? "prompt" : "prompts")\n")
        return ExitCode.success
    }
}
