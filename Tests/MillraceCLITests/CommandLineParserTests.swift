import Testing

@testable import MillraceCLI

@Suite struct CommandLineParserTests {
    private let parser = CommandLineParser(root: CommandTree.root)

    private func parse(_ line: String) throws(UsageError) -> CommandLineParser.Outcome {
        try parser.parse(line.split(separator: " ").map(String.init))
    }

    @Test(
        arguments: [
            ("serve --port 1 --host=::1", ["serve"], ["port": ["1"], "host": ["::1"]], []),
            ("serve --allow-unauthenticated", ["serve"], ["allow-unauthenticated": ["true"]], []),
            ("chat hello --file a --file=b", ["chat"], ["file": ["a", "b"]], ["hello"]), ("chat -- --file", ["chat"], [:], ["--file"]),
            ("chat --persona=", ["chat"], ["persona": [""]], []), ("chat -", ["chat"], [:], ["-"]),
            ("runs follow --after -1 r_1", ["runs", "follow"], ["after": ["-1"]], ["r_1"]), ("env-example", ["env-example"], [:], []),
        ] as [(String, [String], [String: [String]], [String])])
    func line_isUnderstood(line: String, path: [String], flags: [String: [String]], arguments: [String]) throws {
        #expect(try parse(line) == .run(ParsedCommand(path: path, flags: flags, arguments: arguments)))
    }

    @Test(arguments: [
        ("serv", "unknown command 'serv': did you mean 'serve'?"), ("runs lsit", "unknown command 'lsit': did you mean 'list'?"),
        ("serve --prot 1", "unknown flag '--prot': did you mean '--port'?"),
        ("serve -port 1", "unknown flag '-port': did you mean '--port'?"),
        ("serve --zzzzzz", "unknown flag '--zzzzzz'"), ("serve --port", "--port needs a value: --port N"),
        ("serve --port --host", "--port needs a value: --port N"), ("serve --port 1 --port 2", "--port is given twice"),
        ("chat --json=1", "--json takes no value"), ("chat a b", "unexpected argument 'b'"), ("runs show", "ID is missing"),
        ("runs", "which command? One of list, show, follow, cancel"), ("--verison", "unknown flag '--verison': did you mean '--version'?"),
    ])
    func wrongLine_saysWhy(line: String, message: String) {
        let error = #expect(throws: UsageError.self) { try parse(line) }
        #expect(error?.message == message)
    }

    @Test(arguments: ["", "--help", "-h", "runs --help", "runs show -h", "serve --port 1 --help", "chat x --help"])
    func help_isGivenAtEachLevel(line: String) throws {
        guard case .help(let text) = try parse(line) else {
            Issue.record("no help")
            return
        }
        #expect(text.contains("Usage: millrace"))
        if line.hasPrefix("runs show") { #expect(text.contains("Usage: millrace runs show ID [flags]")) }
    }

    @Test func version_isAsked() throws { #expect(try parse("--version") == .version) }

    @Test func help_listsEveryFlagAndCommand() {
        func check(_ command: CommandSpecification, _ path: String) {
            let help = command.help(path: path)
            for flag in command.flags {
                #expect(help.contains("  --\(flag.name)\(flag.value.map { " " + $0 } ?? "")  "), "\(path) --\(flag.name)")
                #expect(help.contains(flag.help))
            }
            for inner in command.subcommands {
                #expect(help.contains("  \(inner.name) "))
                check(inner, path + " " + inner.name)
            }
        }
        check(CommandTree.root, "millrace")
        let serve = CommandTree.root.subcommands.first { $0.name == "serve" }
        #expect(
            serve?.flags.map(\.name) == [
                "env", "config", "host", "port", "data-dir", "loops", "log-level", "log-format", "allow-unauthenticated",
            ])
    }

    @Test(arguments: [("0", nil), ("1", 1), ("1000", 1000), ("1001", nil), ("x", nil)] as [(String, Int?)])
    func limit_hasARange(text: String, number: Int?) {
        let command = ParsedCommand(path: ["runs", "list"], flags: ["limit": [text]])
        #expect((try? command.integer("limit", in: 1...1000)) == number)
    }

    @Test func listPath_encodesItsFilters() throws {
        let command = ParsedCommand(path: ["runs", "list"], flags: ["status": ["error"], "chat": ["a b&\u{FC}"]])
        #expect(try RunsCommand.listPath(command) == "/api/v1/runs?limit=20&status=error&chat_id=a%20b%26%C3%BC")
    }
}
